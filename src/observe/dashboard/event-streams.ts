/** Server-sent events to a bounded number of pages. */

import type { ServerResponse } from 'node:http';

/** Pages that listen at a time. */
const MAX_STREAMS = 16;
/** Bytes that may wait for a page before it is left behind. */
const MAX_WAITING_BYTES = 1 << 20;
/** How long a page waits before it comes again, in ms. */
const RETRY_MS = 2000;

export class EventStreams {
  readonly #responses = new Set<ServerResponse>();

  /** Whether there is room for another. */
  get full(): boolean {
    return this.#responses.size >= MAX_STREAMS;
  }

  get size(): number {
    return this.#responses.size;
  }

  /** Sends events over `response`, whose headers were sent, from now on; first of all `event`. */
  add(response: ServerResponse, event: string, data: unknown): void {
    // Of HEAD the headers were all.
    if (response.writableEnded) return;
    this.#responses.add(response);
    response.on('close', () => this.#responses.delete(response));
    response.write(`retry: ${RETRY_MS}\n\n${message(event, data)}`);
  }

  /** To all; a page that does not read is let go. */
  send(event: string, data: unknown): void {
    if (this.#responses.size === 0) return;
    const text = message(event, data);
    for (const response of this.#responses) {
      if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
      else response.write(text);
    }
  }

  /** Ends all of them. */
  close(): void {
    for (const response of this.#responses) response.end();
    this.#responses.clear();
  }
}

/** JSON has no line ends of its own. */
function message(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
