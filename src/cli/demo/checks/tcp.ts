/** A TCP transfer through the kernel, hashed at both ends. */

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Check } from '../result.ts';
import type { KernelCheck } from './context.ts';

/** Bytes sent at least, as the demo promises: 64 MiB. */
export const TCP_BYTES: number = 64 * 1024 * 1024;
/** Bytes per write. */
const BLOCK_BYTES = 256 * 1024;
/** No byte for this long, in ms, means that the transfer is stuck. Above TCP's longest early retries. */
const STALL_MS = 15_000;
const BITS_PER_BYTE = 8;
const MS_PER_S = 1000;
const GIGA = 1e9;

/** When a transfer may end. */
export interface TransferGoal {
  readonly bytes: number;
  /** Seconds it lasts at least. */
  readonly seconds: number;
}

/** A transfer under way. */
export class TcpTransfer {
  readonly #context: KernelCheck;
  readonly #goal: TransferGoal;
  #received = 0;

  constructor(context: KernelCheck, goal: TransferGoal) {
    this.#context = context;
    this.#goal = goal;
  }

  /** Bytes that have arrived. */
  get received(): number {
    return this.#received;
  }

  /** Runs to the end: connects through the reflector, sends, and compares hashes. */
  async run(): Promise<{ bytes: number; sha256Match: boolean; seconds: number }> {
    const server = createServer();
    server.listen(0, this.#context.local);
    await once(server, 'listening');
    const sockets: Socket[] = [];
    const end = (): void => {
      for (const socket of sockets) socket.destroy(this.#context.signal.reason as Error);
    };
    this.#context.signal.addEventListener('abort', end, { once: true });
    try {
      const arriving = this.#receive(server, sockets);
      const sending = this.#send(server, sockets);
      const began = performance.now();
      const [sent, arrived] = await Promise.all([sending, arriving]);
      const seconds = (performance.now() - began) / MS_PER_S;
      return { bytes: this.#received, sha256Match: sent === arrived, seconds };
    } finally {
      this.#context.signal.removeEventListener('abort', end);
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  }

  async #receive(server: Server, sockets: Socket[]): Promise<string> {
    const [socket] = (await once(server, 'connection', { signal: this.#context.signal })) as [
      Socket,
    ];
    sockets.push(socket);
    watch(socket);
    const hash = createHash('sha256');
    for await (const chunk of socket) {
      hash.update(chunk as Buffer);
      this.#received += (chunk as Buffer).length;
      this.#context.onBytes((chunk as Buffer).length);
    }
    return hash.digest('hex');
  }

  async #send(server: Server, sockets: Socket[]): Promise<string> {
    const { port } = server.address() as { port: number };
    const socket = connect({
      host: this.#context.remote,
      port,
      localAddress: this.#context.local,
      signal: this.#context.signal,
    });
    sockets.push(socket);
    watch(socket);
    await once(socket, 'connect');
    const hash = createHash('sha256');
    const block = randomBytes(BLOCK_BYTES);
    const until = performance.now() + this.#goal.seconds * MS_PER_S;
    for (let sent = 0; sent < this.#goal.bytes || performance.now() < until; sent += block.length) {
      // The number makes each block another; the kernel has copied the one before when it drains.
      const numbered = Buffer.from(block);
      numbered.writeDoubleBE(sent);
      hash.update(numbered);
      if (!socket.write(numbered)) await once(socket, 'drain', { signal: this.#context.signal });
    }
    socket.end();
    return hash.digest('hex');
  }
}

function watch(socket: Socket): void {
  socket.setTimeout(STALL_MS, () => {
    socket.destroy(new Error(`no byte moved for ${STALL_MS / MS_PER_S} s`));
  });
}

/** Runs the check. */
export async function checkTcp(
  context: KernelCheck,
  family: 4 | 6,
  seconds: number,
): Promise<Check> {
  const result = await new TcpTransfer(context, { bytes: TCP_BYTES, seconds }).run();
  return {
    name: `tcp${family}`,
    ok: result.sha256Match && result.bytes >= TCP_BYTES,
    bytes: result.bytes,
    sha256Match: result.sha256Match,
    gbitPerSecond: Number(((result.bytes * BITS_PER_BYTE) / result.seconds / GIGA).toFixed(3)),
  };
}
