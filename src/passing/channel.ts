/** One connection between two processes that hand an adapter over: whole messages, each with its descriptors. */

import { TunError, TunErrorCode } from '../errors.ts';
import { MAX_QUEUES } from '../limits.ts';
import { closeOwned, ownedByThread } from '../os/descriptors.ts';
import { receiveDescriptors, sendDescriptors } from '../os/fd-passing.ts';
import { libc } from '../os/libc.ts';
import { type Watch, watchReadable } from '../os/poll.ts';
import {
  bodyBytes,
  decodeBody,
  encodeMessage,
  HEADER_BYTES,
  type PassingMessage,
} from './message.ts';
import type { Patience } from './patience.ts';

/** How long until a socket is tried again that took nothing, in ms. */
const RETRY_MS = 5;

/** A message with its descriptors, which are the receiver's, to be closed by {@link closeAll}. */
export interface Received {
  readonly message: PassingMessage;
  readonly fds: readonly number[];
}

export class Channel {
  readonly #fd: number;
  readonly #patience: Patience;
  readonly #watch: Watch;
  #readable: () => void = () => {};

  /**
   * Takes over `fd`, a Unix stream socket. All descriptors of a channel end with the thread.
   *
   * @throws TunError `SYSCALL`; `fd` is closed then.
   */
  constructor(fd: number, patience: Patience) {
    this.#fd = ownedByThread(fd);
    this.#patience = patience;
    this.#watch = watchReadable(this.#fd, () => this.#readable());
  }

  /** Rejects with TunError `HANDOVER` when the peer is gone, or with why there is no more time. */
  async send(message: PassingMessage, fds: readonly number[] = []): Promise<void> {
    const bytes = encodeMessage(message);
    for (let sent = 0; sent < bytes.length; ) {
      const rest = bytes.subarray(sent);
      const now = this.#guarded(() => sendDescriptors(this.#fd, sent === 0 ? fds : [], rest));
      if (now === 0) await this.#patience.pause(RETRY_MS);
      sent += now;
    }
  }

  /**
   * The next message. Rejects with TunError `HANDOVER` when the peer ends before it is whole, or sends
   * anything else, and then closes the descriptors that came; or with why there is no more time.
   */
  async receive(): Promise<Received> {
    const fds: number[] = [];
    try {
      const header = await this.#bytes(HEADER_BYTES, fds);
      const body = await this.#bytes(bodyBytes(header), fds);
      return { message: decodeBody(body), fds };
    } catch (error) {
      closeAll(fds);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#watch.close();
    closeOwned(this.#fd);
  }

  /** So many bytes; the descriptors that come with them are added to `fds`. */
  async #bytes(count: number, fds: number[]): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    for (let got = 0; got < count; ) {
      const most = MAX_QUEUES - fds.length;
      const rest = bytes.subarray(got);
      const received = this.#guarded(() => receiveDescriptors(this.#fd, rest, most));
      if (received === undefined) {
        await this.#untilReadable();
        continue;
      }
      this.#guarded(() => keep(received.fds, fds));
      if (received.bytes === 0) throw ended('it ended the connection');
      got += received.bytes;
    }
    return bytes;
  }

  #untilReadable(): Promise<void> {
    return this.#patience.wait((done) => {
      this.#readable = done;
      this.#watch.start();
      return () => this.#watch.stop();
    });
  }

  #guarded<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw ended(error instanceof Error ? error.message : String(error), error);
    }
  }
}

/** Closes descriptors that came with a message. */
export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeOwned(fd);
}

/** Adds descriptors that came to those that end with this thread; when one cannot be, none is left open. */
function keep(came: readonly number[], kept: number[]): void {
  for (const [i, fd] of came.entries()) {
    try {
      kept.push(ownedByThread(fd));
    } catch (error) {
      for (const rest of came.slice(i + 1)) libc().close(rest);
      throw error;
    }
  }
}

function ended(why: string, cause?: unknown): TunError {
  return new TunError(TunErrorCode.HANDOVER, `the peer did not keep to its part: ${why}`, {
    cause,
  });
}
