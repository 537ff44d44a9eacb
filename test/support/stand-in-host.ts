/**
 * A stand-in for a host: answers the control protocol by its types, over adapters that are nothing but what is
 * said of them. For what the command line says and asks; the real one is tested beside it.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AdapterProperties, type AdapterStatistics, TunErrorCode } from 'typetun';
import {
  type AdapterInfo,
  CONTROL_SOCKET,
  ControlErrorCode,
  type ControlMethod,
  type ControlMethods,
} from 'typetun/service';
import { memoryAdapter } from './memory-adapter.ts';

const FIRST_INDEX = 7;

type Answers = {
  readonly [M in ControlMethod]?: (
    params: ControlMethods[M]['params'],
  ) => ControlMethods[M]['result'];
};

export interface Call {
  readonly method: string;
  readonly params: Record<string, unknown>;
}

/** Something to be sent in place of a result. */
class Refusal extends Error {
  readonly code: number;
  readonly data: object;

  constructor(code: number, message: string, data: object) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export class StandInHost implements AsyncDisposable {
  readonly runDirectory: string;
  /** What was asked, in order. */
  readonly calls: Call[] = [];
  readonly #adapters = new Map<string, AdapterInfo>();
  readonly #close: () => void;
  #statistics: AdapterStatistics | undefined;
  #properties: AdapterProperties | undefined;
  #nextIndex = FIRST_INDEX;
  /** Called before each answer to `statistics`. */
  beforeStatistics: (statistics: AdapterStatistics) => AdapterStatistics = (same) => same;

  static async start(): Promise<StandInHost> {
    const folder = mkdtempSync(join(tmpdir(), 'typetun-stand-in-'));
    const sockets = new Set<Socket>();
    let host: StandInHost | undefined;
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      let text = '';
      socket.on('data', (data) => {
        const lines = (text + data.toString()).split('\n');
        text = lines.pop()!;
        for (const line of lines) socket.write(`${host!.#answer(line)}\n`);
      });
    });
    await new Promise<void>((resolve) => server.listen(join(folder, CONTROL_SOCKET), resolve));
    host = new StandInHost(folder, () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    });
    await using like = await memoryAdapter();
    host.#statistics = like.adapter.statistics;
    host.#properties = like.adapter.properties;
    return host;
  }

  private constructor(runDirectory: string, close: () => void) {
    this.runDirectory = runDirectory;
    this.#close = close;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  add(info: Partial<AdapterInfo> & { readonly name: string }): AdapterInfo {
    const luidIndex = this.#nextIndex++;
    const adapter: AdapterInfo = {
      luidIndex,
      device: `\\\\.\\Device\\WINTUN${luidIndex}`,
      link: 'memory',
      state: 'Running',
      power: 'D0',
      media: 'Disconnected',
      mtu: 1500,
      addresses: [],
      socket: join(this.runDirectory, `WINTUN${luidIndex}`),
      routes: [],
      persist: false,
      origin: 'control',
      access: {},
      lent: false,
      clients: [],
      ...info,
    };
    this.#adapters.set(adapter.name, adapter);
    return adapter;
  }

  #answer(line: string): string {
    const { id, method, params } = JSON.parse(line) as Call & { id: number };
    this.calls.push({ method, params });
    const answers: Record<string, ((params: never) => unknown) | undefined> = this.#answers;
    try {
      const answer = answers[method];
      if (answer === undefined) throw new Refusal(ControlErrorCode.METHOD_NOT_FOUND, method, {});
      return JSON.stringify({ jsonrpc: '2.0', id, result: answer(params as never) });
    } catch (error) {
      const { code, message, data } = error as Refusal;
      return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } });
    }
  }

  readonly #answers: Answers = {
    'adapter.list': () => [...this.#adapters.values()],
    'adapter.show': ({ adapter }) => this.#find(adapter),
    'adapter.create': (config) => {
      const { name, addresses = [], mtu = 1500, routes = [], persist = false } = config;
      if (mtu < 576) {
        throw new Refusal(ControlErrorCode.INVALID_PARAMS, `mtu is ${mtu}`, { type: 'RangeError' });
      }
      return this.add({ name, addresses, mtu, routes, persist, access: config.access ?? {} });
    },
    'adapter.set': ({ adapter, ...change }) => this.add({ ...this.#find(adapter), ...change }),
    'adapter.pause': ({ adapter }) => this.add({ ...this.#find(adapter), state: 'Paused' }),
    'adapter.restart': ({ adapter }) => this.add({ ...this.#find(adapter), state: 'Running' }),
    'adapter.power': ({ adapter, power }) => this.add({ ...this.#find(adapter), power }),
    'adapter.remove': ({ adapter }) => {
      const found = this.#find(adapter);
      this.#adapters.delete(found.name);
      return found;
    },
    'adapter.properties': ({ adapter }) => {
      this.#find(adapter);
      return this.#properties!;
    },
    statistics: ({ adapter }) => {
      const wanted = adapter === undefined ? [...this.#adapters.values()] : [this.#find(adapter)];
      this.#statistics = this.beforeStatistics(this.#statistics!);
      return wanted.map(({ name, luidIndex }) => ({
        adapter: name,
        device: `WINTUN${luidIndex}`,
        time: performance.timeOrigin + performance.now(),
        statistics: this.#statistics!,
      }));
    },
  };

  #find(reference: string): AdapterInfo {
    const all = [...this.#adapters.values()];
    const found = all.find((one) => one.name === reference || one.device.endsWith(reference));
    if (found !== undefined) return found;
    const names = all.map(({ name }) => name).join(', ');
    throw new Refusal(
      ControlErrorCode.FAILED,
      `no adapter of this host is called ${reference}; there is only ${names}`,
      { type: 'TunError', code: TunErrorCode.NOT_FOUND },
    );
  }
}
