/**
 * What a packet costs as work grows: more in a bundle, larger ones, more threads that read. All through
 * a kernel that forwards from one of our adapters to another (programs/scale/loop.ts), so that no
 * other program's pace is in the figures.
 */

import { fileURLToPath } from 'node:url';
import type { BundleCost, BundleJob, BundleSize } from '../programs/scale/bundles.ts';
import type { ReadersJob, ReadersResult } from '../programs/scale/readers.ts';
import type { Measure, Named } from '../report/result.ts';
import { run as runProgram } from '../rig/child.ts';
import { inRounds, type Turn } from '../rig/rounds.ts';
import type { Side } from '../rig/world.ts';
import type { Run } from './run.ts';

const FULL = {
  packets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  bytes: [64, 128, 256, 512, 1024, 1420, 2048, 4096, 8192, 16_384, 32_768, 61_424],
  threads: [1, 2, 3, 4, 6, 8],
  passes: 3,
  /** Of one bundle in one pass. */
  bundleMs: 60,
  drains: 9,
  /** Of reading while packets come in. */
  liveMs: 400,
};
const QUICK: typeof FULL = {
  packets: [1, 16, 256],
  bytes: [64, 1420, 61_424],
  threads: [1, 2, 4],
  passes: 1,
  bundleMs: 60,
  drains: 3,
  liveMs: 200,
};

const OFFLOADS = ['off', 'split'];
/** A program repeats what it measures by itself. */
const MOST_ROUNDS = 5;
/** Bytes of each packet while bundles grow, and packets of each bundle while packets grow. */
const SMALL_BYTES = 64;
const FEW_PACKETS = 32;
const SMALL_MTU = '1500';
const LARGE_MTU = '61424';
const BITS_PER_BYTE = 8;
const NS_PER_MS = 1e6;
const KILO = 1e3;

function measure(id: string, title: string, unit: string): Measure {
  return { id: `scale-${id}`, title, unit, better: unit === 'ns' ? 'less' : 'more' };
}

const PACKETS = measure(
  'packets',
  'a packet of 64 bytes written and read, by packets a bundle',
  'ns',
);
const WRITE = measure('packets-write', 'of it, written and forwarded by the kernel', 'ns');
const READ = measure('packets-read', 'of it, read', 'ns');
const BYTES = measure('bytes', 'written and read in one thread, by bytes a packet', 'Gbit/s');
const BYTES_PACKETS = measure('bytes-packets', 'the same in packets', 'kpps');
const THREADS = measure('threads', 'read out of a full host queue, by threads', 'kpps');
const LIVE = measure('threads-live', 'read while another thread sends, by threads', 'kpps');

export async function scale(run: Run): Promise<void> {
  const plan = run.quick ? QUICK : FULL;
  const { threads } = plan;
  const turns = [
    ...OFFLOADS.map((offload) => packetsTurn(run, plan, offload)),
    ...OFFLOADS.map((offload) => bytesTurn(run, plan, offload)),
    ...threads.map((count) => threadsTurn(run, plan, count, 'one queue')),
    ...threads.map((count) => threadsTurn(run, plan, count, 'own queues')),
  ];
  const { a } = run.world;
  await setForwarding(a, true);
  try {
    await inRounds(Math.min(run.rounds, MOST_ROUNDS), turns, run.say);
  } finally {
    await setForwarding(a, false);
  }
}

/** One after the other in one process: bundles with more and more packets. */
function packetsTurn(run: Run, plan: typeof FULL, offload: string): Turn {
  return {
    title: `bundles that grow, ${offload}`,
    run: async () => {
      const sizes = plan.packets.map((packets) => ({ packets, bytes: SMALL_BYTES }));
      const costs = await bundleCosts(run, plan, offload, SMALL_MTU, sizes);
      for (const [i, { write, read }] of costs.entries()) {
        const candidate = point(offload, plan.packets, i, 'packets a bundle');
        run.samples.add(candidate, PACKETS, write + read);
        run.samples.add(candidate, WRITE, write);
        run.samples.add(candidate, READ, read);
      }
    },
  };
}

/** The same with larger and larger packets. */
function bytesTurn(run: Run, plan: typeof FULL, offload: string): Turn {
  return {
    title: `packets that grow, ${offload}`,
    run: async () => {
      const sizes = plan.bytes.map((bytes) => ({ packets: FEW_PACKETS, bytes }));
      const costs = await bundleCosts(run, plan, offload, LARGE_MTU, sizes);
      for (const [i, { write, read }] of costs.entries()) {
        const candidate = point(offload, plan.bytes, i, 'bytes a packet');
        const bits = (plan.bytes[i] ?? middle(plan.bytes)) * BITS_PER_BYTE;
        run.samples.add(candidate, BYTES, bits / (write + read));
        run.samples.add(candidate, BYTES_PACKETS, NS_PER_MS / (write + read));
      }
    },
  };
}

/** So many threads that read from one adapter, which has one hardware queue, or one for each. */
function threadsTurn(run: Run, plan: typeof FULL, threads: number, curve: string): Turn {
  return {
    title: `${threads === 1 ? '1 thread that reads' : `${threads} threads that read`}, ${curve}`,
    run: async () => {
      const queues = curve === 'one queue' ? 1 : threads;
      const job: ReadersJob = { threads, queues, drains: plan.drains, ms: plan.liveMs };
      const { drain, live } = await runJob<ReadersResult>(run, 'readers', 'off', job);
      const i = plan.threads.indexOf(threads);
      const candidate = point(curve, plan.threads, i, 'threads');
      run.samples.add(candidate, THREADS, drain / KILO);
      run.samples.add(candidate, LIVE, live / KILO);
    },
  };
}

/** What bundles of these sizes cost, and, last, the one in the middle once more. */
async function bundleCosts(
  run: Run,
  { passes, bundleMs }: typeof FULL,
  offload: string,
  mtu: string,
  sizes: readonly BundleSize[],
): Promise<BundleCost[]> {
  const job: BundleJob = { sizes: [...sizes, middle(sizes)], passes, ms: bundleMs };
  return await runJob(run, 'bundles', offload, job, mtu);
}

/** The program's result. */
async function runJob<Result>(
  run: Run,
  file: string,
  offload: string,
  job: object,
  ...more: string[]
): Promise<Result> {
  const path = fileURLToPath(new URL(`../programs/scale/${file}.js`, import.meta.url));
  const { netns } = run.world.a;
  const args = [netns, offload, JSON.stringify(job), ...more];
  return JSON.parse(await runProgram(process.execPath, path, ...args)) as Result;
}

/** The step with that number of a curve; behind the last, the one in the middle once more. */
function point(curve: string, steps: readonly number[], i: number, what: string): Named {
  const at = steps[i];
  if (at === undefined) {
    return { id: `${curve}-again`, title: `${curve}, ${middle(steps)} ${what} once more` };
  }
  return { id: `${curve}@${at}`, title: `${curve}, ${at} ${what}`, point: { curve, at } };
}

function middle<Step>(steps: readonly Step[]): Step {
  return steps[steps.length >> 1]!;
}

/** Whether the kernel passes packets on from one device of that side to another. */
async function setForwarding({ netns }: Side, on: boolean): Promise<void> {
  const command = `echo ${on ? 1 : 0} > /proc/sys/net/ipv4/ip_forward`;
  await runProgram('ip', 'netns', 'exec', netns, 'sh', '-c', command);
}
