// What a binding reports to its application: events with a message.

import { EventEmitter } from 'node:events';
import { checkString, wrongType } from '../common/arguments.js';

/** The events of a binding. */
const bindingEvents = ['info', 'warning', 'error', 'success'] as const;

/** An event of a binding. */
export type BindingEvent = (typeof bindingEvents)[number];

/** The arguments of each event's listeners. */
export type BindingEvents = { [Kind in BindingEvent]: [message: string, cause?: unknown] };

/** Receives a binding's messages, as a user interface does. */
export type Communicator = {
  readonly [Kind in BindingEvent]?: ((message: string, cause?: unknown) => unknown) | undefined;
};

/** Emits messages. */
export class MessageEmitter extends EventEmitter<BindingEvents> {
  /** Emits an event `info`. */
  info(message: string): void {
    this.emit('info', checkString(message, 'message'));
  }

  /** Emits an event `warning`. */
  warning(message: string, cause?: unknown): void {
    this.emit('warning', checkString(message, 'message'), cause);
  }

  /**
   * Emits an event `error`, with a message or with an Error, of which the message is taken and which
   * is the cause. Unlike that of other emitters, it may have no listener.
   */
  error(message: string | Error, cause?: unknown): void {
    const text = message instanceof Error ? message.message : checkString(message, 'message');
    if (this.listenerCount('error') === 0) return;
    this.emit('error', text, message instanceof Error ? (cause ?? message) : cause);
  }

  /** Emits an event `success`. */
  success(message: string): void {
    this.emit('success', checkString(message, 'message'));
  }

  /** Makes a communicator's methods listeners. */
  protected addCommunicator(communicator: Communicator): void {
    for (const event of bindingEvents) {
      const listener = communicator[event];
      if (listener !== undefined) this.on(event, listener.bind(communicator));
    }
  }
}

/** Throws a TypeError unless the value may be a communicator. */
export function readCommunicator(value: Communicator): Communicator {
  if (typeof value !== 'object' || value === null) {
    throw wrongType('an object', 'communicator', value);
  }
  for (const event of bindingEvents) {
    const listener: unknown = value[event];
    if (listener !== undefined && typeof listener !== 'function') {
      throw wrongType('a function', `communicator.${event}`, listener);
    }
  }
  return value;
}
