/** The host's end of the link contract against a kernel: a UDP socket in a process of its own. */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export const LOCAL = { address: '10.7.0.1', port: 4000 };
export const REMOTE = { address: '10.7.0.2', port: 5000 };
/** How long received datagrams are waited for, in ms. */
const PATIENCE_MS = 2000;

/** The host's socket, in a process within the namespace: lines of base64 in and out. */
const SOCKET: string = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (data) => console.log(data.toString('base64')));
  socket.bind(${LOCAL.port}, '${LOCAL.address}', () => console.log('bound'));
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    socket.send(Buffer.from(line, 'base64'), ${REMOTE.port}, '${REMOTE.address}', () => console.log('sent'));
  }).on('close', () => process.exit());
`;

type HostProcess = ChildProcessByStdio<Writable, Readable, null>;

/** Talks to the process that owns the host's socket, of the contract against a kernel. */
export class HostSocket {
  readonly #process: HostProcess;
  #received: Uint8Array[] = [];
  #answered: (() => void) | undefined;

  /** `before` is what runs a command where the socket is to be; empty for here. */
  constructor(before: readonly string[]) {
    const [command, ...rest] = [...before, process.execPath, '-e', SOCKET];
    this.#process = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      if (line === 'bound' || line === 'sent') this.#answered?.();
      else this.#received.push(new Uint8Array(Buffer.from(line, 'base64')));
    });
  }

  answer(): Promise<void> {
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  async send(payload: Uint8Array): Promise<void> {
    const answered = this.answer();
    this.#process.stdin.write(`${Buffer.from(payload).toString('base64')}\n`);
    await answered;
  }

  async received(atLeast: number): Promise<Uint8Array[]> {
    const until = performance.now() + PATIENCE_MS;
    while (this.#received.length < atLeast && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const payloads = this.#received;
    this.#received = [];
    return payloads;
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await once(this.#process, 'exit');
  }
}
