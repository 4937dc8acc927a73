// The public API of `autocog-lm/chat`. The core of the package does not import it.

export { type Format, wrap } from '../chat-template/format.js';
export { type FormatName, formatNames, formats } from '../chat-template/formats.js';
export { Message, type MessageLike, type Role } from '../chat-template/message.js';
export {
  ChatTemplate,
  type ChatTemplateOptions,
  type TemplateMessage,
  type TemplateRenderOptions,
} from '../chat-template/template.js';
export { interact } from './interact.js';
export type { Reply, ReplyStream } from './reply-stream.js';
export type { InteractOptions } from './terminal-chat.js';
export { Thread, type ThreadJSON } from './thread.js';
export type { SendOptions, ThreadOptions } from './thread-options.js';
