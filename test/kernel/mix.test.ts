/**
 * A mix of the system's own TCP, UDP and ICMP in both families between two namespaces, through a program
 * that loses and reorders packets: whatever the offload and however many queues, what arrives is what
 * was sent. 1 GiB for each in `npm run soak`, a hundredth of it in `npm test`.
 */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Adapter, type AdapterStatistics, type Offload, startWorkers } from 'typetun';
import { scaled } from '../race/scale.ts';
import { COUNTS, Count, type DisturbanceOptions } from './support/disturbance.ts';
import type { MixOutcome } from './support/mix-endpoint.ts';
import { rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);
const MODULE = new URL('./support/disturbance.js', import.meta.url);
const ENDPOINT = fileURLToPath(new URL('./support/mix-endpoint.js', import.meta.url));
const PORT = '5400';
const HOSTS = ['10.7.0.2', 'fd07::2'] as const;

/** Bytes of one transfer of the mix; TCP has four, UDP has four. Together 1 GiB. */
const TCP_BYTES = scaled(248 * 2 ** 20);
const UDP_BYTES = scaled(7 * 2 ** 20);
const PINGS = scaled(1400);
/** A small run is disturbed more often, so that it is disturbed at all. */
const EMPHASIS = scaled(100) < 100 ? 10 : 1;

interface Mix {
  readonly name: string;
  readonly offload: Offload;
  readonly queues: number;
  /** Of all entries; one of `carry` is worth up to 42 packets. */
  readonly loss: number;
  readonly reorder: number;
}

const MIXES: readonly Mix[] = [
  { name: 'off', offload: 'off', queues: 1, loss: 0.0003, reorder: 0.001 },
  { name: 'split', offload: 'split', queues: 1, loss: 0.0003, reorder: 0.001 },
  { name: 'carry', offload: 'carry', queues: 1, loss: 0.003, reorder: 0.01 },
  { name: 'split, two threads', offload: 'split', queues: 2, loss: 0.0003, reorder: 0.001 },
];

async function withSides(
  { offload, queues }: Mix,
  use: (left: Adapter, right: Adapter, a: string, b: string) => Promise<void>,
): Promise<void> {
  await withNetns((a) =>
    withNetns(async (b) => {
      const common = { name: 'tt0', offload, queues };
      const [v4, v6] = ['10.7.0.1/24', 'fd07::1/64'];
      await using left = await Adapter.create({ ...common, addresses: [v4, v6], netns: a });
      const addresses = HOSTS.map((host, i) => `${host}/${i === 0 ? 24 : 64}`);
      await using right = await Adapter.create({ ...common, addresses, netns: b });
      await use(left, right, a, b);
    }),
  );
}

/** The TCP and UDP of the mix; ends with `signal`, whatever is still on its way. */
async function transfer(a: string, b: string, signal: AbortSignal): Promise<MixOutcome> {
  const inside = (netns: string): string[] => ['netns', 'exec', netns, process.execPath, ENDPOINT];
  const server = spawn('ip', [...inside(b), 'serve', PORT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  try {
    await once(server.stdout, 'data');
    const bytes = [String(TCP_BYTES), String(UDP_BYTES)];
    const client = [...inside(a), 'transfer', PORT, ...bytes, ...HOSTS];
    const { stdout } = await run('ip', client, { signal });
    return JSON.parse(stdout) as MixOutcome;
  } finally {
    server.stdin.end();
    await ended;
  }
}

/** Echoes of changing sizes, which `ping` compares with what it sent; how many came back. */
async function ping(netns: string, host: string): Promise<number> {
  let answered = 0;
  for (const size of ['56', '1400', '4000']) {
    const command = ['ping', '-n', '-i', '0.002', '-W', '1', '-c', String(PINGS), '-s', size];
    const { stdout } = await run('ip', ['netns', 'exec', netns, ...command, '-p', 'c3', host], {
      maxBuffer: 1 << 26,
    });
    assert.doesNotMatch(stdout, /wrong data|\(BAD|different address|Unreachable/);
    answered += Number(/(\d+) received/.exec(stdout)![1]);
  }
  return answered;
}

/** Every packet that was taken was read, or is counted as dropped. */
function assertBalanced({ taken, bundles, drops, queued }: AdapterStatistics): void {
  const dropped = Object.values(drops).reduce((sum, packets) => sum + packets, 0);
  assert.equal(taken, bundles.packetsRead + dropped + queued.packets);
}

describe('a mix of traffic with loss and reordering', { skip: rootSkip('ping') }, () => {
  for (const mix of MIXES) {
    test(`arrives as it was sent: ${mix.name}`, async (context) => {
      await withSides(mix, async (left, right, a, b) => {
        const counts = new Int32Array(new SharedArrayBuffer(COUNTS * 4));
        const [loss, reorder] = [EMPHASIS * mix.loss, EMPHASIS * mix.reorder];
        const data: DisturbanceOptions = {
          ...{ seed: 2026, carried: mix.offload === 'carry', loss, reorder, counts },
        };
        await using group = await startWorkers({ adapters: [left, right], module: MODULE, data });
        assert.equal(group.workers, mix.queues);
        const end = new AbortController();
        const [outcome, ...answered] = await Promise.all([
          transfer(a, b, end.signal),
          ...HOSTS.map((host) => ping(a, host)),
        ]).finally(() => end.abort());
        for (const { host, sent, arrived, sentBack, arrivedBack } of outcome.tcp) {
          assert.match(sent, /^[0-9a-f]{64}$/);
          assert.deepEqual([arrived, arrivedBack], [sent, sentBack], `TCP with ${host}`);
        }
        const { udp } = outcome;
        assert.equal(udp.wrong, 0, 'datagrams that nobody sent');
        assert.ok(udp.received > udp.sent / 2 && udp.received <= udp.sent, JSON.stringify(udp));
        for (const echoes of answered)
          assert.ok(echoes > PINGS && echoes <= 3 * PINGS, `${echoes}`);
        await group.close();
        const [read, written, dropped, reordered, held] = counts as unknown as number[];
        assert.equal(read, written! + dropped! + held!);
        const sides = [left.statistics, right.statistics];
        const sum = (of: (one: AdapterStatistics) => number): number =>
          of(sides[0]!) + of(sides[1]!);
        assert.equal(
          sum(({ bundles }) => bundles.packetsRead),
          counts[Count.READ],
        );
        assert.equal(
          sum(({ bundles }) => bundles.packetsWritten),
          counts[Count.WRITTEN],
        );
        for (const side of sides) assertBalanced(side);
        const hostDrops = sum((side) => side.hostDrops);
        context.diagnostic(
          `${JSON.stringify({ read, dropped, reordered, held, hostDrops, udp, answered })}`,
        );
        assert.ok(dropped! > 0 && reordered! > 0, 'nothing was disturbed');
      });
    });
  }
});
