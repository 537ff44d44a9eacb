/**
 * A host that is none: it answers the control protocol's calls with adapters whose counters grow as a curve says, so
 * that what shows a host shows the same each time.
 */

import type { AdapterStatistics } from 'typetun';
import type {
  AdapterInfo,
  Control,
  ControlArguments,
  ControlEvent,
  ControlMethod,
  ControlResult,
  DebugReport,
  HostInfo,
  StatisticsEntry,
} from 'typetun/service';
import { TunError, TunErrorCode } from 'typetun';

const PACKET_BYTES = 1340;
const MS_PER_SECOND = 1000;

export interface ScriptedAdapter {
  readonly name: string;
  readonly addresses?: readonly string[];
  /** Packets a second that the system sends, and is given, `seconds` after the start. */
  readonly out?: (seconds: number) => number;
  readonly in?: (seconds: number) => number;
  readonly drops?: Partial<AdapterStatistics['drops']>;
  readonly hostDrops?: number;
  readonly clients?: AdapterInfo['clients'];
  readonly lent?: boolean;
}

interface Scripted {
  info: AdapterInfo;
  readonly script: ScriptedAdapter;
  outPackets: number;
  inPackets: number;
  bundles: number;
  readonly sizes: number[];
}

export class ScriptedControl implements Control {
  /** Calls that were made, as `adapter.pause demo`. */
  readonly calls: string[] = [];
  /** What every call is refused with, once it is set. */
  failure: Error | undefined;
  readonly #adapters: Scripted[];
  readonly #listeners = new Set<(event: ControlEvent) => void>();
  #seconds = 0;
  #time = Date.UTC(2026, 10, 25, 12, 0, 0);

  readonly #secondsPerLook: number;

  /** So many seconds pass with each look at the statistics. */
  constructor(adapters: readonly ScriptedAdapter[], secondsPerLook = 0) {
    this.#secondsPerLook = secondsPerLook;
    this.#adapters = adapters.map((script, index) => scripted(script, index));
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Lets `seconds` pass on the counters' clock; a paused adapter carries nothing. */
  advance(seconds: number): void {
    this.#seconds += seconds;
    this.#time += seconds * MS_PER_SECOND;
    for (const adapter of this.#adapters) {
      if (adapter.info.state !== 'Running') continue;
      const { script } = adapter;
      const out = Math.round((script.out?.(this.#seconds) ?? 0) * seconds);
      adapter.outPackets += out;
      adapter.inPackets += Math.round((script.in?.(this.#seconds) ?? 0) * seconds);
      // Larger bundles the more there is to carry.
      const size = Math.max(1, Math.min(256, out / 400));
      const count = Math.round(out / size);
      adapter.bundles += count;
      const middle = Math.ceil(Math.log2(size));
      for (const [bucket, share] of [
        [middle, 0.6],
        [middle - 1, 0.25],
        [middle + 1, 0.15],
      ] as const) {
        const at = Math.max(0, Math.min(adapter.sizes.length - 1, bucket));
        adapter.sizes[at]! += Math.round(count * share);
      }
    }
  }

  tell(event: ControlEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  become(name: string, state: AdapterInfo['state']): void {
    const adapter = this.#adapters.find(({ info }) => info.name === name)!;
    const { state: previous, luidIndex } = adapter.info;
    adapter.info = { ...adapter.info, state };
    this.tell({ event: 'state', adapter: name, device: `WINTUN${luidIndex}`, state, previous });
  }

  async call<M extends ControlMethod>(
    method: M,
    ...[params]: ControlArguments<M>
  ): Promise<ControlResult<M>> {
    if (this.failure !== undefined) throw this.failure;
    const name = (params as { adapter?: string } | undefined)?.adapter;
    this.calls.push(name === undefined ? method : `${method} ${name}`);
    return (await this.#answer(method, name)) as ControlResult<M>;
  }

  subscribe(listener: (event: ControlEvent) => void): Promise<() => void> {
    this.#listeners.add(listener);
    return Promise.resolve(() => {
      this.#listeners.delete(listener);
    });
  }

  #answer(method: ControlMethod, name: string | undefined): unknown {
    if (method === 'host.info') return this.#host();
    if (method === 'adapter.list') return this.#adapters.map(({ info }) => info);
    if (method === 'statistics') this.advance(this.#secondsPerLook);
    if (method === 'statistics') return this.#adapters.map((adapter) => this.#entry(adapter));
    if (method === 'debug') return this.#debug();
    const adapter = this.#adapters.find(({ info }) => info.name === name);
    if (adapter === undefined)
      throw new TunError(TunErrorCode.NOT_FOUND, `no adapter is called ${name}`);
    if (method === 'adapter.pause') {
      this.become(adapter.info.name, 'Pausing');
      this.become(adapter.info.name, 'Paused');
    } else if (method === 'adapter.restart') {
      this.become(adapter.info.name, 'Restarting');
      this.become(adapter.info.name, 'Running');
    }
    return adapter.info;
  }

  #host(): HostInfo {
    return {
      version: '0.1.0',
      protocol: 1,
      pid: 4242,
      runDirectory: '/run/typetun',
      config: null,
      startedAt: '2026-11-25T12:00:00.000Z',
      uptimeSeconds: 8010 + this.#seconds,
      node: 'v20.20.2',
      adapters: this.#adapters.length,
      clients: 0,
    };
  }

  #debug(): DebugReport {
    return {
      host: this.#host(),
      adapters: this.#adapters.map((adapter) => ({
        ...adapter.info,
        properties: {} as DebugReport['adapters'][number]['properties'],
        statistics: this.#entry(adapter),
      })),
      controlConnections: 2,
      refusals: { user: 3 },
      memory: {},
      system: { platform: 'Linux', release: '6.18', arch: 'x64' },
      log: [],
    };
  }

  #entry({ info, script, outPackets, inPackets, bundles, sizes }: Scripted): StatisticsEntry {
    const drops = { ...NO_DROPS, ...script.drops };
    const direction = (packets: number): AdapterStatistics['out'] => ({
      octets: packets * PACKET_BYTES,
      unicastPackets: packets,
      unicastOctets: packets * PACKET_BYTES,
      multicastPackets: 0,
      multicastOctets: 0,
      broadcastPackets: 0,
      broadcastOctets: 0,
      errors: 0,
      discards: 0,
    });
    const statistics: AdapterStatistics = {
      out: direction(outPackets),
      in: direction(inPackets),
      taken: outPackets,
      bundles: {
        read: bundles,
        written: inPackets,
        packetsRead: outPackets,
        packetsWritten: inPackets,
        maxPackets: Math.min(256, 2 * Math.round(outPackets / Math.max(1, bundles))),
        sizes: [...sizes],
      },
      readWaits: { counts: [0, bundles, 0, 0, 0, 0, 0, 0], totalMs: bundles / 20 },
      drops,
      receiveDrops: { paused: 0, lowPower: 0, notOpen: 0 },
      hostDrops: script.hostDrops ?? 0,
      queued: { packets: Math.round(outPackets % 37), bytes: (outPackets % 37) * 1376 },
    };
    const kernel = (
      packets: number,
    ): { packets: number; octets: number; errors: number; dropped: number } => ({
      packets,
      octets: packets * PACKET_BYTES,
      errors: 0,
      dropped: 0,
    });
    return {
      adapter: info.name,
      device: `WINTUN${info.luidIndex}`,
      time: this.#time,
      statistics,
      ...(script.lent === true && {
        interface: { out: kernel(outPackets), in: kernel(inPackets) },
      }),
    };
  }
}

const NO_DROPS: AdapterStatistics['drops'] = {
  paused: 0,
  lowPower: 0,
  notOpen: 0,
  queueFull: 0,
  oversize: 0,
  unreadable: 0,
  cleared: 0,
  cancelled: 0,
  abandoned: 0,
};

function scripted(script: ScriptedAdapter, index: number): Scripted {
  const luidIndex = index + 5;
  const info: AdapterInfo = {
    name: script.name,
    luidIndex,
    device: `\\\\.\\Device\\WINTUN${luidIndex}`,
    link: 'linux',
    state: 'Running',
    power: 'D0',
    media: 'Connected',
    mtu: 1420,
    addresses: script.addresses ?? [`10.${index + 7}.0.1/24`],
    socket: `/run/typetun/WINTUN${luidIndex}`,
    routes: [],
    persist: false,
    origin: 'config',
    access: {},
    lent: script.lent ?? false,
    clients: script.clients ?? [],
  };
  return {
    info,
    script,
    outPackets: 0,
    inPackets: 0,
    bundles: 0,
    sizes: Array(9).fill(0) as number[],
  };
}
