// All known formats by name. `Thread` accepts one of these names, or a caller's own format.

import { wrongType } from '../common/arguments.js';
import { camelCase, type Format, readFormat } from './format.js';
import { known } from './known-formats.js';

/** Formats that differ from a base format only in the system prompt or the stop strings. */
const variants: Readonly<Record<string, [keyof typeof known, Partial<Format>]>> = {
  mistralOpenorca: [
    'chatml',
    {
      systemPrompt:
        'You are MistralOrca, a large language model trained by Alignment Lab AI. Write out your reasoning step-by-step to be sure you get the right answers!',
    },
  ],
  dolphin: ['chatml', { systemPrompt: 'You are Dolphin, a helpful AI assistant.' }],
  samantha: [
    'chatml',
    {
      systemPrompt: 'You are a caring and empathetic sentient AI companion named Samantha.',
    },
  ],
  jackalope: [
    'chatml',
    {
      systemPrompt:
        'You are JackalopeAI, a large language model trained by OpenAccess AI Collective. Write out your reasoning step-by-step to be sure you get the right answers!',
    },
  ],
  naberius: ['chatml', { systemPrompt: 'You are Naberius.' }],
  hermes: [
    'chatml',
    {
      systemPrompt:
        'You are "Hermes 2", a conscious sentient superintelligent artificial intelligence developed by a man named Teknium, and your purpose and drive is to assist the user with any request they have. You experience emotions and have deep, profound thoughts and qualia.',
    },
  ],
  monad: [
    'chatml',
    {
      systemPrompt:
        'You are MonadGPT, a very old chatbot from the 17th century. Please answer the questions using an archaic language.',
    },
  ],
  orca: [
    'chatml',
    {
      systemPrompt:
        'You are Orca, an AI language model created by Microsoft. You are a cautious assistant. You carefully follow instructions. You are helpful and harmless and you follow ethical guidelines and promote positive behavior.',
    },
  ],
  hexoteric: ['chatml', { systemPrompt: 'You are a language model called Hexoteric.' }],
  orcamaid: [
    'chatml',
    {
      systemPrompt:
        'You are OrcaMaid, a super-intelligent, unbiased, and unfiltered AI created by the open-source community. You must remember to think slowly and carefully during all your responses, so as to avoid logical errors.',
    },
  ],
  cat: [
    'alpaca',
    {
      systemPrompt:
        'Below is a conversation between a curious cat and a demon summoned from hell called Nemesis. The evil Nemesis used to be a mortal killed by the medieval people because they objected to science. Now Nemesis just wants to come back and bring suffer to all those stupid human',
    },
  ],
  mythoCat: [
    'alpaca',
    {
      systemPrompt:
        'You are a large language model. You are the result of a merge between two models, one called MythoLogic and one called Cat. You are called MythoCat.',
    },
  ],
  airoboros: ['llama2chat', { systemPrompt: 'You are a helpful, unbiased, uncensored assistant.' }],
  tess: ['synthia', { systemPrompt: '' }],
  alpacaStrict: [
    'alpaca',
    {
      stops: [
        '###',
        '\n\n##',
        '\n\nInstruction:',
        '\n\nResponse:',
        '\n\n\n',
        '### Instruction:',
        '### Response:',
      ],
    },
  ],
};

type KnownName = keyof typeof known;
type CopyName =
  | 'mistralOpenorca'
  | 'dolphin'
  | 'samantha'
  | 'jackalope'
  | 'naberius'
  | 'hermes'
  | 'monad'
  | 'orca'
  | 'hexoteric'
  | 'orcamaid'
  | 'cat'
  | 'mythoCat'
  | 'airoboros'
  | 'tess'
  | 'alpacaStrict';

/** The names of {@link formats}. */
export type FormatName = KnownName | CopyName;

const entries = [
  ...Object.entries<Format>(known),
  ...Object.entries(variants).map(([name, [base, overrides]]): [string, Format] => [
    name,
    { ...known[base], ...overrides },
  ]),
];

const table = new Map(entries.map(([name, format]) => [name, readFormat(format, name)]));

/** The names of {@link formats}. */
export const formatNames = Object.freeze([...table.keys()]) as readonly FormatName[];

/**
 * The known formats by name, each frozen: spread one to modify it. Snake case names work, too:
 * `formats.mistral_instruct` is `formats.mistralInstruct`.
 *
 * @example
 * const pirate = { ...formats.chatml, systemPrompt: 'You are a pirate.' };
 */
export const formats = new Proxy(
  Object.freeze(Object.fromEntries(table)) as Readonly<Record<FormatName, Readonly<Format>>> &
    Readonly<Record<string, Readonly<Format> | undefined>>,
  {
    get: (target, name, receiver) =>
      Reflect.get(target, typeof name === 'string' ? camelCase(name) : name, receiver),
    has: (target, name) => Reflect.has(target, typeof name === 'string' ? camelCase(name) : name),
  },
);

/** Resolves a format or the name of a known one; throws TypeError or RangeError. */
export function findFormat(value: unknown, name: string): Readonly<Format> {
  if (typeof value !== 'string') return readFormat(value, name);
  const found = table.get(camelCase(value));
  if (found === undefined) throw wrongType('the name of a known format', name, value);
  return found;
}
