// The syntax tree of a template: what `parser.ts` and `expression-parser.ts` return, and what
// `execute.ts` and `evaluate.ts` walk.

import type { Value } from './values.js';

export interface Arguments<Item> {
  positional: Item[];
  keywords: [string, Item][];
}

/** The arguments of a call, with `*spread` and `**keywordSpread`. */
export interface CallArguments extends Arguments<Expression> {
  spread: Expression | undefined;
  keywordSpread: Expression | undefined;
}

export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';
export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';

export type Expression =
  | { kind: 'constant'; value: Value }
  | { kind: 'name'; name: string }
  | { kind: 'list' | 'tuple'; items: Expression[] }
  | { kind: 'dict'; pairs: [Expression, Expression][] }
  | { kind: 'attribute'; object: Expression; name: string }
  | { kind: 'item'; object: Expression; index: Expression }
  | { kind: 'slice'; object: Expression; bounds: (Expression | undefined)[] }
  | { kind: 'call'; callee: Expression; args: CallArguments }
  | { kind: 'filter' | 'test'; operand: Expression; name: string; args: CallArguments }
  | { kind: 'sign'; sign: '+' | '-'; operand: Expression }
  | { kind: 'not'; operand: Expression }
  | { kind: 'and' | 'or'; left: Expression; right: Expression }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  | { kind: 'concat'; parts: Expression[] }
  | { kind: 'compare'; first: Expression; rest: [ComparisonOperator, Expression][] }
  | {
      kind: 'conditional';
      test: Expression;
      value: Expression;
      otherwise: Expression | undefined;
    };

export type Target =
  | { kind: 'name'; name: string }
  | { kind: 'tuple'; items: Target[] }
  | { kind: 'namespace'; name: string; attribute: string };

/** What macros and call blocks have in common. */
export interface Signature {
  parameters: { name: string; standard: Expression | undefined }[];
  body: Statement[];
  /** Those of `caller`, `varargs` and `kwargs` that the body mentions. */
  mentions: ReadonlySet<string>;
}

export type Statement =
  | { kind: 'text'; text: string }
  | { kind: 'print'; value: Expression }
  | { kind: 'if'; branches: [Expression, Statement[]][]; otherwise: Statement[] }
  | {
      kind: 'for';
      target: Target;
      items: Expression;
      test: Expression | undefined;
      isRecursive: boolean;
      body: Statement[];
      otherwise: Statement[];
    }
  | { kind: 'set'; target: Target; value: Expression }
  | { kind: 'set-block'; target: Target; filter: Expression; body: Statement[] }
  | { kind: 'filter-block'; filter: Expression; body: Statement[] }
  | { kind: 'with'; bindings: [Target, Expression][]; body: Statement[] }
  | { kind: 'macro'; name: string; signature: Signature }
  | { kind: 'call-block'; call: Expression & { kind: 'call' }; signature: Signature }
  | { kind: 'break' | 'continue' };

/** The name under which a filter of a block finds the block's text: no template can spell it. */
export const blockText = 'text of the block';
