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

const MAX_QUEUES = 16; // what an adapter may have
const USAGE = `usage: npm run example -- forward --left SIDE --right SIDE [--threads N]

  SIDE          NETNS:ADDRESS/LENGTH[,ADDRESS/LENGTH...]: a network namespace ("ip netns add left") and
                the adapter's addresses in it, such as left:10.9.0.1/24,fd09::1/64
  --threads N   each with a hardware queue of both adapters, 1 to ${MAX_QUEUES}; default 1`;

/** Says what is wrong with the call, and ends. */
function refuse(problem: string): never {
  console.error(`${problem}\n\n${USAGE}`);
  process.exit(2);
}

function parsed() {
  const side = { type: 'string' } as const;
  const threads = { type: 'string', default: '1' } as const;
  try {
    return parseArgs({ options: { left: side, right: side, threads, help: { type: 'boolean' } } });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/** What a side says, taken apart. */
function side(option: string, text: string | undefined): { netns: string; addresses: string[] } {
  if (text === undefined) refuse(`--${option} is missing`);
  const colon = text.indexOf(':');
  const netns = text.slice(0, Math.max(colon, 0));
  const addresses = text.slice(colon + 1).split(',');
  if (netns !== '' && !netns.includes(',') && addresses.every((one) => one.includes('/'))) {
    return { netns, addresses };
  }
  return refuse(
    `--${option} ${text}: give a namespace and addresses, such as ${option}:10.9.0.1/24`,
  );
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

const { values } = parsed();
if (values.help) {
  console.log(USAGE);
  process.exit();
}
const threads = Number(values.threads);
if (!(Number.isInteger(threads) && threads >= 1 && threads <= MAX_QUEUES)) {
  refuse(`--threads ${values.threads}: give a whole number from 1 to ${MAX_QUEUES}`);
}
const sides = [side('left', values.left), side('right', values.right)] as const;
const left = await Adapter.create({ ...sides[0], mtu: 1500, queues: threads });
const right = await Adapter.create({ ...sides[1], mtu: 1500, queues: threads });
const done =
  threads > 1 ? (await startWorkers({ adapters: [left, right] })).done : forwardHere(left, right);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void Promise.all([left.close(), right.close()]));
}
const [where, there] = sides.map(({ netns }) => netns);
console.log(
  `forwarding between ${left.name} in ${where} and ${right.name} in ${there}; Ctrl-C ends it`,
);
await done;
console.log(JSON.stringify({ left: left.statistics.bundles, right: right.statistics.bundles }));
