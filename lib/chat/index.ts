// The public names of `autocog-lm/chat`. The core of the package does not import it.

export { type Format, wrap } from './format.js';
export { type FormatName, formatNames, formats } from './formats.js';
export { type InteractOptions, interact } from './interact.js';
export { Message, type MessageLike, type Role } from './message.js';
export type { Reply, ReplyStream } from './reply-stream.js';
export {
  ChatTemplate,
  type ChatTemplateOptions,
  type TemplateMessage,
  type TemplateRenderOptions,
} from './template.js';
export { Thread, type ThreadJSON } from './thread.js';
export type { SendOptions, ThreadOptions } from './thread-options.js';
