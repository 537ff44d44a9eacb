/**
 * Programs from Debian that carry packets through userspace, as forwarders. openvpn tunnels between
 * the two namespaces, two processes over a veth, without cipher; slirp4netns and pasta run in b, give
 * a its network, and make connections of their own for those that they see.
 */

import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Candidate, Forwarder } from './candidates.ts';
import { Running, run } from './child.ts';
import { DEVICE, MTU, type Side, type World } from './world.ts';

/** What openvpn's own packets travel over. */
const UNDERLAY = 'under0';
const UNDERLAY_ADDRESSES = ['10.61.0.1', '10.61.0.2'] as const;
const TRIES = 100;
const TRY_MS = 100;
/** What pasta gives to a. */
const PASTA_ADDRESS = '10.62.0.1';
const PASTA_GATEWAY = '10.62.0.2';

/** Several processes as one. */
class Several implements Forwarder {
  readonly #processes: readonly Running[];

  constructor(...processes: Running[]) {
    this.#processes = processes;
  }

  get cpuSeconds(): number {
    return this.#processes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  }

  async pin(cpus: string): Promise<void> {
    for (const one of this.#processes) await one.pin(cpus);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#processes) await one[Symbol.asyncDispose]();
  }
}

/** Those that are installed; `missing` is called with the name of each that is not. */
export function peers(missing: (name: string) => void): Candidate[] {
  return [OPENVPN, SLIRP, PASTA].filter(({ id }) => {
    const there = spawnSync(id, ['--version'], { stdio: 'ignore' }).error === undefined;
    if (!there) missing(id);
    return there;
  });
}

const OPENVPN: Candidate = {
  id: 'openvpn',
  title: 'openvpn, two processes, no cipher',
  start: async (world) => {
    const { a, b } = world;
    const peer = ['peer', 'name', UNDERLAY, 'netns', b.netns];
    await run('ip', '-n', a.netns, 'link', 'add', UNDERLAY, 'type', 'veth', ...peer);
    for (const [i, { netns }] of world.sides.entries()) {
      await run(
        'ip',
        '-n',
        netns,
        'address',
        'add',
        `${UNDERLAY_ADDRESSES[i]}/24`,
        'dev',
        UNDERLAY,
      );
      await run('ip', '-n', netns, 'link', 'set', UNDERLAY, 'up');
    }
    const [ours, theirs] = UNDERLAY_ADDRESSES;
    const processes = new Several(
      openvpn(world, a, b, ours, theirs),
      openvpn(world, b, a, theirs, ours),
    );
    await addressed(a.netns, DEVICE, a.address);
    await addressed(b.netns, DEVICE, b.address);
    return processes;
  },
  stop: async ({ a }) => {
    await run('ip', '-n', a.netns, 'link', 'delete', UNDERLAY);
  },
};

function openvpn(world: World, here: Side, there: Side, local: string, remote: string): Running {
  return Running.launch(
    world.within(here, [
      ...['openvpn', '--dev-type', 'tun', '--dev', DEVICE, '--disable-dco', '--verb', '1'],
      ...['--local', local, '--remote', remote, '--proto', 'udp', '--port', '1194'],
      ...['--ifconfig', here.address, there.address, '--tun-mtu', String(MTU)],
      ...['--cipher', 'none', '--auth', 'none', '--data-ciphers', 'none', '--txqueuelen', '1000'],
    ]),
  );
}

const SLIRP: Candidate = {
  id: 'slirp4netns',
  title: 'slirp4netns',
  start: async (world) => {
    await giveAddress(world.b);
    const path = `/run/netns/${world.a.netns}`;
    const slirp = Running.launch(
      world.within(world.b, [
        ...['slirp4netns', '--configure', `--mtu=${MTU}`, '--netns-type=path', path, DEVICE],
      ]),
    );
    await addressed(world.a.netns, DEVICE, '10.0.2.100');
    return slirp;
  },
  stop: ({ b }) => takeAddress(b),
};

const PASTA: Candidate = {
  id: 'pasta',
  title: 'pasta',
  start: async (world) => {
    await giveAddress(world.b);
    const none = ['-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none'];
    const pasta = Running.launch(
      world.within(world.b, [
        ...['pasta', '-f', '--runas', '0', '--netns-only', '--config-net', '--mtu', String(MTU)],
        ...[...none, '-a', PASTA_ADDRESS, '-n', '24', '-g', PASTA_GATEWAY, '-I', DEVICE],
        ...['--netns', `/run/netns/${world.a.netns}`],
      ]),
    );
    await addressed(world.a.netns, DEVICE, PASTA_ADDRESS);
    return pasta;
  },
  stop: ({ b }) => takeAddress(b),
};

/** An interface in b that has its address, and a default route, which pasta asks for. */
async function giveAddress({ netns, address }: Side): Promise<void> {
  const ip = (...args: string[]): Promise<string> => run('ip', '-n', netns, ...args);
  await ip('link', 'add', UNDERLAY, 'type', 'veth', 'peer', 'name', 'under1');
  await ip('link', 'set', 'under1', 'up');
  await ip('address', 'add', `${address}/24`, 'dev', UNDERLAY);
  await ip('link', 'set', UNDERLAY, 'up');
  await ip('route', 'add', 'default', 'dev', UNDERLAY);
}

async function takeAddress({ netns }: Side): Promise<void> {
  await run('ip', '-n', netns, 'link', 'delete', UNDERLAY);
}

/** Resolves when the device has the address. */
async function addressed(netns: string, device: string, address: string): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    const shown = await run('ip', '-n', netns, 'address', 'show', 'dev', device).catch(() => '');
    if (shown.includes(` ${address}`)) return;
    await sleep(TRY_MS);
  }
  throw new Error(`${device} in ${netns} did not get the address ${address}`);
}
