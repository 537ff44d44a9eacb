/**
 * Two network namespaces, as if they were two machines, and what a forwarder is to put between them:
 * a TUN device in each, with one address of each family.
 */

import { run } from './child.ts';

export const DEVICE = 'bench0';
export const MTU = 1500;
/** Packets the kernel queues in front of each device: what adapters take by default. */
const QUEUE_LENGTH = '1000';

export interface Side {
  /** Name of the network namespace. */
  readonly netns: string;
  readonly address: string;
  readonly address6: string;
}

export class World implements AsyncDisposable {
  readonly a: Side;
  readonly b: Side;

  private constructor(prefix: string) {
    this.a = { netns: `${prefix}-a`, address: '10.60.0.1', address6: 'fd60::1' };
    this.b = { netns: `${prefix}-b`, address: '10.60.0.2', address6: 'fd60::2' };
  }

  static async make(): Promise<World> {
    const world = new World(`typetun-bench-${process.pid}`);
    for (const { netns } of world.sides) {
      await run('ip', 'netns', 'add', netns);
      await run('ip', '-n', netns, 'link', 'set', 'lo', 'up');
    }
    return world;
  }

  get sides(): readonly Side[] {
    return [this.a, this.b];
  }

  /** The command, run in the side's namespace, on the processors given. */
  within(side: Side, command: readonly string[], cpus?: string): string[] {
    return [
      ...['ip', 'netns', 'exec', side.netns],
      ...(cpus === undefined ? [] : ['taskset', '-c', cpus]),
      ...command,
    ];
  }

  /** Gives the devices, which somebody else made, their addresses and sets them up. */
  async configure(): Promise<void> {
    for (const side of this.sides) {
      const ip = (...args: string[]) => run('ip', '-n', side.netns, ...args);
      await ip('link', 'set', DEVICE, 'addrgenmode', 'none').catch(() => '');
      await ip('link', 'set', DEVICE, 'mtu', String(MTU), 'txqueuelen', QUEUE_LENGTH, 'up');
      await ip('address', 'add', `${side.address}/24`, 'dev', DEVICE);
      await ip('address', 'add', `${side.address6}/64`, 'dev', DEVICE, 'nodad');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { netns } of this.sides) await run('ip', 'netns', 'delete', netns).catch(() => '');
  }
}
