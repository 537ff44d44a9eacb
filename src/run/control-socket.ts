/** One end of the control descriptor (protocol.ts): lines of JSON over a Unix stream socket, with descriptors. */

import { isTunError } from '../index.ts';
import { closeOwned } from '../os/descriptors.ts';
import { receiveDescriptors, sendDescriptors } from '../os/fd-passing.ts';
import { Errno, libc } from '../os/libc.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';

/** Bytes received in one call. */
const RECEIVE_BYTES = 16_384;
/** `struct pollfd`: descriptor, events; `POLLIN`, `POLLOUT` (poll.h). */
const POLLFD_BYTES = 8;
const POLLFD_EVENTS = 4;
const POLLIN = 0x001;
const POLLOUT = 0x004;
/** A wait is no longer than this, in ms, and then begins anew. */
const POLL_MS = 100;
const NEWLINE = '\n';

export class ControlSocket {
  readonly fd: number;
  /** Descriptors that came; whoever takes them out closes them. */
  readonly received: number[] = [];
  readonly #data = new Uint8Array(RECEIVE_BYTES);
  readonly #decoder = new TextDecoder();
  #text = '';
  #closed = false;

  /** Takes over `fd`, which belongs to this thread (os/descriptors.ts). */
  constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * Sends a line, and with it descriptors, which stay open here. Waits while the socket is full.
   *
   * @throws TunError `SYSCALL` when the other end is gone.
   */
  send(line: unknown, fds: readonly number[] = []): void {
    let rest: Uint8Array = new TextEncoder().encode(JSON.stringify(line) + NEWLINE);
    let withIt = fds;
    while (rest.length > 0) {
      const sent = sendDescriptors(this.fd, withIt, rest);
      if (sent === 0) this.#poll(POLLOUT);
      else withIt = [];
      rest = rest.subarray(sent);
    }
  }

  /** The lines that are there, without waiting; undefined when there will be no more. */
  receive(): unknown[] | undefined {
    const lines: unknown[] = [];
    for (;;) {
      const received = this.#receiveOnce();
      if (received === undefined) return lines;
      if (received === 0) return lines.length > 0 ? lines : undefined;
      const text = this.#decoder.decode(this.#data.subarray(0, received), { stream: true });
      const parts = (this.#text + text).split(NEWLINE);
      this.#text = parts.pop()!;
      lines.push(...parts.map((line): unknown => JSON.parse(line)));
    }
  }

  /** Waits for a line; undefined when there will be none. Blocks the thread. */
  await(): unknown {
    for (;;) {
      const lines = this.receive();
      if (lines === undefined) return undefined;
      if (lines.length > 0) return lines[0];
      this.#poll(POLLIN);
    }
  }

  /** Closes it, and descriptors that came and that nobody took. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeOwned(this.fd);
    for (const fd of this.received.splice(0)) libc().close(fd);
  }

  /** Bytes received, 0 at the end, undefined when there are none now. */
  #receiveOnce(): number | undefined {
    try {
      const got = receiveDescriptors(this.fd, this.#data);
      if (got !== undefined) this.received.push(...got.fds);
      return got?.bytes;
    } catch (error) {
      // The other end died with something of ours unread.
      if (isTunError(error) && error.errno === Errno.ECONNRESET) return 0;
      throw error;
    }
  }

  #poll(events: number): void {
    const pollfd = new DataView(new ArrayBuffer(POLLFD_BYTES));
    pollfd.setInt32(0, this.fd, HOST_LITTLE_ENDIAN);
    pollfd.setInt16(POLLFD_EVENTS, events, HOST_LITTLE_ENDIAN);
    libc().poll(new Uint8Array(pollfd.buffer), 1, POLL_MS);
  }
}
