// Renders a conversation as segments of text, each either from the template or format, or from a
// message's content. `render-tokens.ts` parses special tokens only in the former.
//
// With a format that is trivial. A template is a program that may do anything with a message, so
// each content is passed through it between markers: characters that occur neither in the template
// nor in any content. The whitespace around a content stays outside of its markers, so that a
// template that trims still does. Without the markers, the text must equal what the template
// renders from the unmarked messages.

import { NotSupportedError } from '../common/errors.js';
import { Pace } from '../common/yield-to-event-loop.js';
import type { Message } from './message.js';
import {
  type ChatTemplate,
  renderInSteps,
  type TemplateMessage,
  type TemplateRenderOptions,
} from './template.js';

/** A piece of the text of a conversation. */
export interface Segment {
  text: string;
  /** Whether it comes from a message's content. */
  content: boolean;
}

/** The concatenated text of segments. */
export const textOf = (segments: readonly Segment[]): string =>
  segments.map(({ text }) => text).join('');

/**
 * Renders messages with their own prefixes and postfixes. `opening` opens the bot's turn; its
 * trailing spaces are removed, because models generate them as part of the first word.
 */
export function formatSegments(messages: readonly Message[], opening?: string): Segment[] {
  const segments = messages.flatMap(({ prefix, content, postfix }) => [
    { text: prefix, content: false },
    { text: content, content: true },
    { text: postfix, content: false },
  ]);
  if (opening !== undefined) segments.push({ text: opening.replace(/ +$/, ''), content: false });
  return segments.filter(({ text }) => text !== '');
}

/** For errors about system messages that would not occur with the option. */
export const mergeHint =
  'the option mergeSystem (--merge-system) merges system messages into user messages';

/** The marker characters. A marked content is `open`, message index, `number`, content, `close`. */
interface Markers {
  open: string;
  number: string;
  close: string;
}

/**
 * Renders messages with a template, with pauses that let others run.
 *
 * @throws NotSupportedError if the template rejects the messages, drops one, or changes contents
 * so that they cannot be told apart from its own text
 */
export async function templateSegments(
  template: ChatTemplate,
  messages: readonly TemplateMessage[],
  how: Pick<TemplateRenderOptions, 'addGenerationPrompt' | 'thinking'>,
  signal: AbortSignal | undefined,
): Promise<Segment[]> {
  const options = { ...how, now: new Date() };
  const plain = await renderInSteps(template, messages, options, signal);
  const markers = chooseMarkers([template.source, ...messages.map(({ content }) => content)]);
  let unverified: Segment[] | undefined;
  for (const mark of [markWhole, markAroundReasoning]) {
    const marked = messages.map((message, index) => mark(message, index, markers));
    const rendered = await renderInSteps(template, marked, options, signal);
    const parsed = await split(rendered, markers, new Pace(signal));
    if (parsed === undefined) continue;
    const dropped = findDropped(messages, parsed.rendered);
    if (textOf(parsed.segments) === plain) {
      if (dropped !== undefined) throw dropped;
      return parsed.segments;
    }
    if (dropped === undefined) unverified ??= parsed.segments;
  }
  // The template branched on a content, and the markers changed the branch. The text is still a
  // valid rendering of all messages, only perhaps not the one without markers.
  if (unverified !== undefined) return unverified;
  throw new NotSupportedError(
    'The chat template changes message contents so that they cannot be told apart from its own text',
  );
}

/** Three private-use characters that occur in none of the texts. */
function chooseMarkers(texts: readonly string[]): Markers {
  const used = new Set(texts.flatMap((text) => text.match(/[\ue000-\uf8ff]/g) ?? []));
  const free: string[] = [];
  for (let code = 0xe000; code <= 0xf8ff && free.length < 3; code++) {
    const character = String.fromCharCode(code);
    if (!used.has(character)) free.push(character);
  }
  const [open, number, close] = free;
  if (close === undefined) {
    throw new NotSupportedError('The messages use every private-use character; three must be free');
  }
  return { open: open as string, number: number as string, close };
}

/** Puts markers around a content, inside of its surrounding whitespace; none if it is blank. */
function markText(text: string, index: number, { open, number, close }: Markers): string {
  const core = text.trim();
  if (core === '') return text;
  const start = text.indexOf(core);
  const end = start + core.length;
  return `${text.slice(0, start)}${open}${index}${number}${core}${close}${text.slice(end)}`;
}

type Mark = (message: TemplateMessage, index: number, markers: Markers) => TemplateMessage;

const markWhole: Mark = ({ role, content }, index, markers) => ({
  role,
  content: markText(content, index, markers),
});

/** The tags that delimit a model's reasoning. */
const reasoningTags = /(<\/?think>|<\|channel>|<channel\|>)/;

/**
 * For templates that remove the reasoning from bot messages: the tags stay outside of the
 * markers, so that the template recognizes them.
 */
const markAroundReasoning: Mark = ({ role, content }, index, markers) => {
  const pieces = role === 'bot' ? content.split(reasoningTags) : [content];
  const marked = pieces.map((piece, position) =>
    position % 2 === 1 ? piece : markText(piece, index, markers),
  );
  return { role, content: marked.join('') };
};

/** A rendered text, split at its markers. */
interface Parsed {
  segments: Segment[];
  /** The indices of the messages that occur in it. */
  rendered: ReadonlySet<number>;
}

/** Splits a text at its markers; undefined if the template broke or reordered them. */
async function split(
  text: string,
  { open, number, close }: Markers,
  pace: Pace,
): Promise<Parsed | undefined> {
  const segments: Segment[] = [];
  const rendered = new Set<number>();
  const isTorn = (piece: string): boolean => [open, number, close].some((m) => piece.includes(m));
  let rest = text;
  for (let start = rest.indexOf(open); start >= 0; start = rest.indexOf(open)) {
    const middle = rest.indexOf(number, start);
    const end = rest.indexOf(close, start);
    if (middle < 0 || end < middle) return undefined;
    const before = rest.slice(0, start);
    const content = rest.slice(middle + 1, end);
    if (isTorn(before) || isTorn(content)) return undefined;
    rendered.add(Number(rest.slice(start + 1, middle)));
    segments.push({ text: before, content: false }, { text: content, content: true });
    rest = rest.slice(end + 1);
    if (rendered.size % 64 === 0 && pace.isDue) await pace.pause();
  }
  if (isTorn(rest)) return undefined;
  segments.push({ text: rest, content: false });
  return { segments: segments.filter((segment) => segment.text !== ''), rendered };
}

/** The error for a dropped message, if any: some templates silently skip roles or messages. */
function findDropped(
  messages: readonly TemplateMessage[],
  rendered: ReadonlySet<number>,
): NotSupportedError | undefined {
  for (const [index, { role, content }] of messages.entries()) {
    // A template may drop a bot message that has reasoning in it.
    const hasReasoning = role === 'bot' && reasoningTags.test(content);
    if (content.trim() === '' || hasReasoning || rendered.has(index)) continue;
    const hint = role === 'system' ? `; ${mergeHint}` : '';
    return new NotSupportedError(`The chat template drops ${role} messages${hint}`);
  }
  return undefined;
}
