/** A netlink socket's other side, put in place of the C library's calls for one test. */

import type { TestContext } from 'node:test';
import { Errno } from '#dist/os/libc.js';
import { HOST_LITTLE_ENDIAN } from '#dist/wire/bundle.js';
import { boundLibc } from '../../support/ffi.ts';

/** What one `recvfrom` gives: a datagram from a port, a length longer than fits, or an error. */
export type Received = { datagram: Uint8Array; port?: number } | { length: number } | number;

const FD = 1234;

export class ScriptedKernel {
  /** Requests sent, copied. */
  readonly sent: Uint8Array[] = [];
  /** Timeouts of the waits, in ms. */
  readonly waits: number[] = [];
  /** Descriptors closed. */
  readonly closed: number[] = [];
  /** What `sendto` fails with, one after the other, before it succeeds. */
  sendErrors: number[] = [];
  bindErrno = 0;
  /** What is received next. When empty there is nothing to read. */
  incoming: Received[] = [];
  /** Called with each request sent: answers are pushed to `incoming`. */
  answer: (sequence: number) => void = () => {};
  #errno = 0;

  constructor(context: TestContext) {
    const c = boundLibc();
    const replace = (name: 'socket' | 'setsockopt', result: number): void => {
      context.mock.method(c, name, () => result);
    };
    replace('socket', FD);
    replace('setsockopt', 0);
    context.mock.method(c, 'errno', () => this.#errno);
    context.mock.method(c, 'bind', () => this.#fail(this.bindErrno));
    context.mock.method(c, 'close', (fd: number) => this.closed.push(fd));
    context.mock.method(c, 'poll', (_fds: Uint8Array, _count: number, timeoutMs: number) => {
      this.waits.push(timeoutMs);
      return 0;
    });
    context.mock.method(c, 'sendto', (_fd: number, data: Uint8Array, bytes: number) => {
      const errno = this.sendErrors.shift();
      if (errno !== undefined) return this.#fail(errno);
      this.sent.push(data.slice(0, bytes));
      this.answer(new DataView(data.buffer, data.byteOffset).getUint32(8, HOST_LITTLE_ENDIAN));
      return bytes;
    });
    context.mock.method(
      c,
      'recvfrom',
      (_fd: number, data: Uint8Array, bytes: number, _flags: number, address: Uint8Array) => {
        const next = this.incoming.shift() ?? Errno.EAGAIN;
        if (typeof next === 'number') return this.#fail(next);
        const port = 'datagram' in next ? (next.port ?? 0) : 0;
        new DataView(address.buffer, address.byteOffset).setUint32(4, port, HOST_LITTLE_ENDIAN);
        if ('length' in next) return next.length;
        data.set(next.datagram.subarray(0, bytes));
        return next.datagram.length;
      },
    );
  }

  #fail(errno: number): number {
    this.#errno = errno;
    return errno === 0 ? 0 : -1;
  }
}
