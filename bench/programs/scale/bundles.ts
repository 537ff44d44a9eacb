/**
 * What bundles of several sizes cost: writes one to the loop (loop.ts) and reads its packets from the
 * other end, again and again, each size for a while, `bundles.js NETNS OFFLOAD JOB MTU`. Prints a
 * `BundleCost` for each size, as JSON.
 */

import { MAX_BUNDLE_PACKETS, type Offload } from 'typetun';
import { Inspector } from '../forward.ts';
import { bundleOf, openLoop } from './loop.ts';

/** What to measure: the sizes, each in turn, and all of them so many times. */
export interface BundleJob {
  readonly sizes: readonly BundleSize[];
  readonly passes: number;
  /** Of each size in each pass. */
  readonly ms: number;
}

export interface BundleSize {
  readonly packets: number;
  /** Of each packet, its IP header included. */
  readonly bytes: number;
}

/** What one packet of it cost. */
export interface BundleCost {
  /** Ns in `writeSync`: to validate it, to hand it to the kernel, and the kernel's forwarding. */
  readonly write: number;
  /** Ns in `readSync` and looking at its header. */
  readonly read: number;
}

const NS_PER_MS = 1e6;
/** The first passes are the compilers'. */
const WARM_UP_MS = 150;

const [, , netns = '', offload = 'off', jobText = '{}', mtu = '1500'] = process.argv;
const job = JSON.parse(jobText) as BundleJob;
const { input, output } = await openLoop({ netns, offload: offload as Offload, mtu: Number(mtu) });
const into = input.openDevice();
const outOf = output.openDevice();
const buffer = outOf.createBuffer();
const inspector = new Inspector(offload === 'carry');

/** One size for so long. */
function measure({ packets, bytes }: BundleSize, ms: number): BundleCost {
  const bundle = bundleOf(into, packets, bytes, () => 0);
  let writing = 0;
  let reading = 0;
  let bundles = 0;
  const end = performance.now() + ms;
  for (let now = performance.now(); now < end; bundles++) {
    into.writeSync(bundle);
    const written = performance.now();
    for (let left = packets; left > 0; ) left -= readOnce(packets);
    const read = performance.now();
    writing += written - now;
    reading += read - written;
    now = read;
  }
  const each = NS_PER_MS / (bundles * packets);
  return { write: writing * each, read: reading * each };
}

function readOnce(packets: number): number {
  const bundle = outOf.readSync(buffer);
  if (bundle === null) throw new Error(`not all of ${packets} packets came back`);
  inspector.look(bundle);
  return bundle.count;
}

function median(sorted: readonly number[]): number {
  return [...sorted].sort((a, b) => a - b)[sorted.length >> 1]!;
}

measure({ packets: MAX_BUNDLE_PACKETS, bytes: 64 }, WARM_UP_MS);
measure({ packets: 1, bytes: 64 }, WARM_UP_MS);
const costs: BundleCost[][] = job.sizes.map(() => []);
for (let pass = 0; pass < job.passes; pass++) {
  // Every other pass backwards, so that what comes before a size is not always the same.
  const order = [...job.sizes.keys()];
  if (pass % 2 === 1) order.reverse();
  for (const i of order) costs[i]!.push(measure(job.sizes[i]!, job.ms));
}
const medians: BundleCost[] = costs.map((of) => ({
  write: median(of.map(({ write }) => write)),
  read: median(of.map(({ read }) => read)),
}));
console.log(JSON.stringify(medians));
process.exit();
