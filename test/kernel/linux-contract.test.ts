/** The link contract against the kernel's TUN, each subject in a network namespace of its own. */

import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { linuxLink } from '#dist/link/linux/provider.js';
import { linkContract } from '../contract/link-contract.ts';
import type { MakeSubject } from '../contract/subject.ts';
import { linkConfig } from '../support/link-use.ts';
import { addNetns, deleteNetns, ip, rootSkip } from './support/netns.ts';

const LOCAL = { address: '10.7.0.1', port: 4000 };
const REMOTE = { address: '10.7.0.2', port: 5000 };
/** How long received datagrams are waited for, in ms. */
const PATIENCE_MS = 2000;

/** The host's socket, in a process within the namespace: lines of base64 in and out. */
const SOCKET = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (data) => console.log(data.toString('base64')));
  socket.bind(${LOCAL.port}, '${LOCAL.address}', () => console.log('bound'));
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    socket.send(Buffer.from(line, 'base64'), ${REMOTE.port}, '${REMOTE.address}', () => console.log('sent'));
  }).on('close', () => process.exit());
`;

type HostProcess = ChildProcessByStdio<Writable, Readable, null>;

/** Talks to the process that owns the host's socket. */
class HostSocket {
  readonly #process: HostProcess;
  #received: Uint8Array[] = [];
  #answered: (() => void) | undefined;

  constructor(netns: string) {
    const command = ['netns', 'exec', netns, process.execPath, '-e', SOCKET];
    this.#process = spawn('ip', command, { stdio: ['pipe', 'pipe', 'inherit'] });
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

const skip = rootSkip();
if (skip !== false) {
  test('the link contract against the kernel', { skip }, () => assert.fail('skipped'));
} else {
  // What `auto` comes to depends on the kernel: test/unit/os/write-ring.test.ts says to what.
  for (const [offload, engine] of [
    ['split', 'auto'],
    ['carry', 'auto'],
    ['off', 'auto'],
    ['split', 'syscalls'],
    ['off', 'syscalls'],
  ] as const) {
    const make: MakeSubject = async (change) => {
      const netns = await addNetns();
      const name = 'contract0';
      const config = { ...linkConfig, name, offload, engine, ...change, netns };
      const link = await linuxLink().open(config);
      assert.equal(link.capabilities.offload, offload);
      link.setMediaConnected(true);
      const host = new HostSocket(netns);
      await host.answer();
      return {
        link,
        config,
        local: LOCAL,
        remote: REMOTE,
        hostSendUdp: (payload) => host.send(payload),
        hostReceivedUdp: (atLeast) => host.received(atLeast),
        outside: {
          setUp: async (up) =>
            void (await ip('-n', netns, 'link', 'set', name, up ? 'up' : 'down')),
          setMtu: async (mtu) =>
            void (await ip('-n', netns, 'link', 'set', name, 'mtu', String(mtu))),
          remove: async () => void (await ip('-n', netns, 'link', 'del', name)),
        },
        close: async () => {
          await host.close();
          await link.close();
          await deleteNetns(netns);
        },
      };
    };
    linkContract('linux', make, ` ${offload} ${engine}`);
  }
}
