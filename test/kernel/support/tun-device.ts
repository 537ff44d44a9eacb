/** A TUN device in a namespace, with sockets to configure it: what is under an adapter, without one. */

import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { LinkConfig } from '#dist/link/link.js';
import { LinkEventReader } from '#dist/link/linux/events.js';
import { createTun } from '#dist/link/linux/tun.js';
import { libc } from '#dist/os/libc.js';
import { inNetworkNamespace } from '#dist/os/namespaces.js';
import { NetlinkSocket } from '#dist/os/netlink-socket.js';
import { withNetns } from './netns.ts';

/** `POLLIN` in the `events` of a `struct pollfd`, its second word's lower half here. */
const POLLIN = 1;

export const PLAIN: LinkConfig = {
  name: undefined,
  addresses: ['10.7.0.1/24', 'fd07::1/64'],
  mtu: 1400,
  routes: [],
  ipv6LinkLocal: false,
  hostQueueLength: 777,
  offload: 'split',
  queues: 1,
  netns: undefined,
  engine: 'auto',
};

/** What `ip -j addr show` prints of a device, as far as tests look at it. */
export interface Shown {
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly txqlen: number;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

export class TunDevice {
  readonly netns: string;
  readonly fd: number;
  readonly name: string;
  readonly index: number;
  readonly socket: NetlinkSocket;
  readonly events: LinkEventReader;

  constructor(netns: string) {
    this.netns = netns;
    const made = inNetworkNamespace(netns, () => {
      const tun = createTun({});
      const index = libc().ifNameToIndex(tun.name);
      const socket = NetlinkSocket.open();
      return { ...tun, index, socket, events: LinkEventReader.open(index, socket) };
    });
    this.fd = made.fds[0]!;
    this.name = made.name;
    this.index = made.index;
    this.socket = made.socket;
    this.events = made.events;
  }

  /** Runs `ip` in the device's namespace; returns what it prints. */
  ip(...command: string[]): string {
    return execFileSync('ip', ['-n', this.netns, ...command], { encoding: 'utf8', stdio: 'pipe' });
  }

  show(): Shown {
    const [device] = JSON.parse(this.ip('-j', 'addr', 'show', this.name)) as [Shown];
    return device;
  }

  /** Addresses as `ip` shows them. */
  addresses(): string[] {
    return this.show().addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  }

  /** Static routes as `ip` shows them. */
  routes(): string[] {
    return ['-4', '-6'].flatMap((family) => {
      const printed = this.ip('-j', family, 'route', 'show', 'dev', this.name, 'proto', 'static');
      return (JSON.parse(printed || '[]') as { dst: string; metric?: number }[]).map(
        ({ dst, metric }) => (metric === undefined ? dst : `${dst} ${metric}`),
      );
    });
  }

  /** Runs any command in the device's namespace; a failure of it is no error. */
  run(...command: string[]): string {
    return spawnSync('ip', ['netns', 'exec', this.netns, ...command], { encoding: 'utf8' }).stdout;
  }

  /** Whether the event reader's descriptor is readable now. */
  hasNotifications(): boolean {
    const pollfd = new Int32Array([this.events.fd, POLLIN]);
    return libc().poll(new Uint8Array(pollfd.buffer), 1, 0) > 0;
  }

  close(): void {
    this.events.close();
    this.socket.close();
    closeSync(this.fd);
  }
}

/** Runs `use` with a fresh device in a fresh namespace. */
export async function withTun(use: (device: TunDevice) => void | Promise<void>): Promise<void> {
  await withNetns(async (netns) => {
    const device = new TunDevice(netns);
    try {
      await use(device);
    } finally {
      device.close();
    }
  });
}
