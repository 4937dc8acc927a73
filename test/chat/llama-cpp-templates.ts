// The chat templates of many models and their expected renderings, extracted from the source of
// llama.cpp's own template test.

import { readFileSync } from 'node:fs';

/** A model's template, and its expected rendering of {@link conversation}. */
export interface TemplateCase {
  name: string;
  source: string;
  bosToken: string;
  eosToken: string;
  expected: string;
}

/** The conversation that llama.cpp's test renders. */
export const conversation = [
  { role: 'system', content: 'You are a helpful assistant' },
  { role: 'user', content: 'Hello' },
  { role: 'bot', content: 'Hi there' },
  { role: 'user', content: 'Who are you' },
  { role: 'bot', content: '   I am an assistant   ' },
  { role: 'user', content: 'Another question' },
] as const;

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

/** The value of a C string literal. */
const textOf = (literal: string): string =>
  literal.slice(1, -1).replace(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? letter);

/** The cases for llama.cpp's Jinja engine that use this conversation. */
export function templateCases(): TemplateCase[] {
  const source = readFileSync('llama.cpp/tests/test-chat-template.cpp', 'utf8');
  const blocks = source.split('/* .name= */').slice(1);
  return blocks.flatMap((block) => {
    const field = (name: string): string => {
      const pattern = new RegExp(
        `/\\* \\.${name}=? \\*/\\s*(?:U8C\\()?((?:"(?:[^"\\\\]|\\\\.)*"\\s*)+)`,
      );
      const literals = pattern.exec(block)?.[1]?.match(/"(?:[^"\\]|\\.)*"/g) ?? [];
      return literals.map(textOf).join('');
    };
    const isOther = /supported_with_jinja= \*\/ false|extra_conversation/.test(block);
    if (isOther) return [];
    const name = textOf(/"(?:[^"\\]|\\.)*"/.exec(block)?.[0] ?? '""');
    const expected = field('expected_output_jinja') || field('expected_output');
    const tokens = { bosToken: field('bos_token'), eosToken: field('eos_token') };
    return [{ name, source: field('template_str'), expected, ...tokens }];
  });
}
