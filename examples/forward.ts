/**
 * Joins two network namespaces: what one side's system sends, the other side's receives. As root:
 *
 *   ip netns add left; ip netns add right
 *   npm run example -- forward --left left:10.9.0.1/24,fd09::1/64 --right right:10.9.0.2/24,fd09::2/64
 *   ip netns exec left ping 10.9.0.2
 *
 * With `--threads 4` four threads do it, each with a hardware queue of both adapters.
 */

import { parseArgs } from 'node:util';
import { Adapter, type Device, startWorkers } from 'typetun';

const USAGE =
  'usage: forward --left NETNS:ADDRESS/LENGTH[,...] --right NETNS:ADDRESS/LENGTH[,...] [--threads N]';

/** Makes the adapter of one side from `NETNS:ADDRESS/LENGTH[,ADDRESS/LENGTH...]`. */
function side(text: string, queues: number): Promise<Adapter> {
  const colon = text.indexOf(':');
  return Adapter.create({
    netns: text.slice(0, colon),
    addresses: text.slice(colon + 1).split(','),
    mtu: 1500,
    queues,
  });
}

/** Moves bundles one way until the devices are closed. */
async function forward(from: Device, to: Device): Promise<void> {
  for await (const bundle of from) await to.write(bundle);
}

/** Moves all packets in this thread until the adapters are closed. */
async function forwardHere(left: Adapter, right: Adapter): Promise<void> {
  const [a, b] = [left.openDevice(), right.openDevice()];
  await Promise.all([forward(a, b), forward(b, a)]);
}

const { values } = parseArgs({
  options: {
    left: { type: 'string' },
    right: { type: 'string' },
    threads: { type: 'string', default: '1' },
    help: { type: 'boolean' },
  },
});
if (values.help || values.left === undefined || values.right === undefined) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const threads = Number(values.threads);
const left = await side(values.left, threads);
const right = await side(values.right, threads);
const done =
  threads > 1 ? (await startWorkers({ adapters: [left, right] })).done : forwardHere(left, right);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void Promise.all([left.close(), right.close()]));
}
console.log(`forwarding between ${left.name} and ${right.name}; Ctrl-C ends it`);
await done;
console.log(JSON.stringify({ left: left.statistics.bundles, right: right.statistics.bundles }));
