// GBNF: grammars of random rules, and texts of its alphabet that are hardly grammars. Each is accepted or
// refused with an error of the package; what is generated under one that is accepted matches it; and a
// match that takes long ends with its signal.
import { defaultModelPath, LLaMa } from 'autocog-lm';
import fc from 'fast-check';
import { check, expectError, Tally } from './support/property.mjs';

const terminal = fc.constantFrom(
  '"a"',
  '"ab"',
  '""',
  '[a-c]',
  '[^a]',
  '"é"',
  '.',
  '"\\n"',
  '[\\U0001F600-\\U0001F64F]',
);
const suffix = fc.constantFrom(
  '',
  '',
  '',
  '*',
  '+',
  '?',
  '{2}',
  '{0,3}',
  '{1,}',
  '{20}',
  '{2}',
  '{0,}',
);

/** The body of a rule that refers to these. */
function bodyOf(names) {
  const simple = fc.oneof(terminal, names.length > 0 ? fc.constantFrom(...names) : terminal);
  const { body } = fc.letrec((tie) => ({
    item: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'grammar' },
      simple,
      fc.tuple(tie('body'), suffix).map(([b, s]) => `(${b})${s}`),
      fc.tuple(simple, suffix).map(([t, s]) => t + s),
    ),
    sequence: fc
      .array(tie('item'), { minLength: 1, maxLength: 4, depthIdentifier: 'grammar' })
      .map((items) => items.join(' ')),
    body: fc
      .array(tie('sequence'), { minLength: 1, maxLength: 3, depthIdentifier: 'grammar' })
      .map((alternatives) => alternatives.join(' | ')),
  }));
  return body;
}
const ruleNames = ['root', 'a', 'b', 'c'];
const rulesOf = (refersTo) =>
  fc
    .tuple(...ruleNames.map((_, index) => bodyOf(refersTo(index))))
    .map((bodies) => bodies.map((body, index) => `${ruleNames[index]} ::= ${body}`).join('\n'));
/** Any rule refers to any: most of these are refused, as left-recursive. */
const tangled = rulesOf(() => ruleNames);
/** Rules refer to later ones only, and the last one to all, after a letter. */
const rules = rulesOf((index) => ruleNames.slice(index + 1)).map(
  (text) => `${text}\nd ::= "a" root | "b"`,
);
const noise = fc
  .array(fc.constantFrom(...'root ::= ab"\'[]^-(){}|*+?.,0123456789\\xuU\n\r#<>!é\0'.split('')), {
    maxLength: 60,
  })
  .map((characters) => `root ::= ${characters.join('')}`);
const deep = fc
  .tuple(fc.constantFrom('(', '[', '"a" ', '"a"? ', 'root ', '\\', '{', '"'), fc.nat(100_000))
  .map(([piece, count]) => `root ::= ${piece.repeat(count)}`);

const codes = ['INVALID_ARGUMENT', 'OUT_OF_RANGE', 'OUT_OF_MEMORY'];

/** @returns {Promise<string>} what was found */
export async function fuzz(options) {
  const tally = new Tally();
  const lm = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 128 });
  const { model } = lm;
  const source = fc.oneof(
    { weight: 8, arbitrary: rules },
    { weight: 2, arbitrary: tangled },
    { weight: 3, arbitrary: noise },
    { weight: 1, arbitrary: deep },
  );
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', '\n'), maxLength: 30 }),
    fc.nat(400).map((count) => 'a'.repeat(count)),
  );
  const test = async ([grammar, candidate]) => {
    try {
      model.checkGrammar(grammar);
    } catch (error) {
      tally.add(`refused as ${expectError(error, codes)}`);
      return;
    }
    const signal = AbortSignal.timeout(2000);
    const matches = async (some) => {
      try {
        return await model.matchesGrammar(grammar, some, { signal });
      } catch (error) {
        if (signal.aborted) return 'left';
        return expectError(error, codes);
      }
    };
    tally.add(`matched: ${await matches(candidate)}`);
    let completion;
    try {
      completion = await lm.complete('a', { grammar, maxTokens: 12, signal });
    } catch (error) {
      tally.add(
        signal.aborted
          ? 'generation left'
          : `generation ${expectError(error, [...codes, 'GRAMMAR'])}`,
      );
      return;
    }
    if (completion.stopReason !== 'eog') return;
    const isDerived = await matches(completion.text);
    if (isDerived === false) throw new Error(`generates ${JSON.stringify(completion.text)}`);
    tally.add('generated and matched');
  };
  const runs = await check('grammars', fc.tuple(source, text), test, options);
  await lm.close();
  return `${runs} grammars: ${tally}`;
}
