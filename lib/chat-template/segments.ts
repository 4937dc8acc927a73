// A conversation as text in segments: what the template or format wrote, and what somebody
// said. Special tokens are read in the former alone, by `render-tokens.ts`; this file tells the
// two apart.
//
// Under a format that is plain. A template is a program that may do anything with a message, so
// every content goes through it between marks: characters that occur neither in it nor in any
// content. The spaces around a content stay outside of its marks, so that a template that trims
// still does; with the marks taken away the text must be what the template makes without them.

import { NotSupportedError } from '../common/errors.js';
import type { Message } from './message.js';
import type { ChatTemplate, TemplateMessage } from './template.js';

/** A piece of a conversation's text. */
export interface Segment {
  text: string;
  /** Whether it is of a message's content. */
  content: boolean;
}

/** The segments' text. */
export const textOf = (segments: readonly Segment[]): string =>
  segments.map(({ text }) => text).join('');

/**
 * The messages by their own prefixes and postfixes. `opening` opens the bot's turn; its spaces
 * at the end are left out, since models write them with the first word.
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

interface Marks {
  open: string;
  number: string;
  close: string;
}

/**
 * The messages by a template.
 *
 * @throws NotSupportedError where the template refuses the messages, leaves one out, or does
 * with contents what does not let them be told from its own text
 */
export function templateSegments(
  template: ChatTemplate,
  messages: readonly TemplateMessage[],
  addGenerationPrompt: boolean,
): Segment[] {
  const options = { addGenerationPrompt, now: new Date() };
  const plain = template.render(messages, options);
  const marks = chooseMarks([template.source, ...messages.map(({ content }) => content)]);
  let unproven: Segment[] | undefined;
  for (const mark of [markWhole, markAfterThought]) {
    const marked = messages.map((message, index) => mark(message, index, marks));
    const found = split(template.render(marked, options), marks);
    if (found === undefined) continue;
    const left = leftOut(messages, found.written);
    if (textOf(found.segments) === plain) {
      if (left !== undefined) throw left;
      return found.segments;
    }
    if (left === undefined) unproven ??= found.segments;
  }
  // The template looked at a content and decided by it. Its text is right for all that: it wrote
  // these messages; only what it decided may be another thing than without the marks.
  if (unproven !== undefined) return unproven;
  throw new NotSupportedError(
    "The model's chat template changes contents in a way that does not let them be told from its own text",
  );
}

/** Three characters of a private use area that occur in none of the texts. */
function chooseMarks(texts: readonly string[]): Marks {
  const used = new Set(texts.flatMap((text) => text.match(/[\ue000-\uf8ff]/g) ?? []));
  const free: string[] = [];
  for (let code = 0xe000; code <= 0xf8ff && free.length < 3; code++) {
    const character = String.fromCharCode(code);
    if (!used.has(character)) free.push(character);
  }
  const [open, number, close] = free;
  if (close === undefined) {
    throw new NotSupportedError('The messages use up all characters for private use');
  }
  return { open: open as string, number: number as string, close };
}

/** The content between marks; what is blank needs none. */
function markText(text: string, index: number, { open, number, close }: Marks): string {
  const core = text.trim();
  if (core === '') return text;
  const start = text.indexOf(core);
  const end = start + core.length;
  return `${text.slice(0, start)}${open}${index}${number}${core}${close}${text.slice(end)}`;
}

type Mark = (message: TemplateMessage, index: number, marks: Marks) => TemplateMessage;

const markWhole: Mark = ({ role, content }, index, marks) => ({
  role,
  content: markText(content, index, marks),
});

/** What models begin and end a thought with. */
const thoughtTags = /(<\/?think>|<\|channel>|<channel\|>)/;

/** For templates that take a thought out of the bot's own messages: its tags stay unmarked. */
const markAfterThought: Mark = ({ role, content }, index, marks) => {
  const pieces = role === 'bot' ? content.split(thoughtTags) : [content];
  const marked = pieces.map((piece, place) =>
    place % 2 === 1 ? piece : markText(piece, index, marks),
  );
  return { role, content: marked.join('') };
};

/** A text with marks, read. */
interface Found {
  segments: Segment[];
  /** Which messages have a place in it. */
  written: ReadonlySet<number>;
}

/** The segments of a text with marks; undefined where they are no longer in order. */
function split(text: string, { open, number, close }: Marks): Found | undefined {
  const segments: Segment[] = [];
  const written = new Set<number>();
  const isTorn = (piece: string): boolean => [open, number, close].some((m) => piece.includes(m));
  let rest = text;
  for (let start = rest.indexOf(open); start >= 0; start = rest.indexOf(open)) {
    const middle = rest.indexOf(number, start);
    const end = rest.indexOf(close, start);
    if (middle < 0 || end < middle) return undefined;
    const before = rest.slice(0, start);
    const content = rest.slice(middle + 1, end);
    if (isTorn(before) || isTorn(content)) return undefined;
    written.add(Number(rest.slice(start + 1, middle)));
    segments.push({ text: before, content: false }, { text: content, content: true });
    rest = rest.slice(end + 1);
  }
  if (isTorn(rest)) return undefined;
  segments.push({ text: rest, content: false });
  return { segments: segments.filter((segment) => segment.text !== ''), written };
}

/** Some templates pass over what they have no place for; that must not go unnoticed. */
function leftOut(
  messages: readonly TemplateMessage[],
  written: ReadonlySet<number>,
): NotSupportedError | undefined {
  for (const [index, { role, content }] of messages.entries()) {
    // What the bot only thought, and did not say, may be left out.
    const isThought = role === 'bot' && thoughtTags.test(content);
    if (content.trim() === '' || isThought || written.has(index)) continue;
    const hint = role === 'system' ? ': the option mergeSystem hands them to the user' : '';
    return new NotSupportedError(
      `The model's chat template leaves out messages of the ${role}${hint}`,
    );
  }
  return undefined;
}
