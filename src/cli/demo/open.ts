/** Makes the demo's adapter on the link that was asked for, or on the best there is. */

import { Adapter, isTunError, TunErrorCode } from '../../index.ts';
import type { MemoryHost } from '../../testing.ts';
import type { DemoAddresses } from './addresses.ts';

/** Where the demo runs. */
export interface DemoAdapter {
  readonly adapter: Adapter;
  /** The host in memory; undefined on the kernel. */
  readonly host: MemoryHost | undefined;
  readonly link: 'linux' | 'memory';
  /** Why this link, and how to get the other. */
  readonly reason: string;
  /** Why there is no IPv6; undefined when there is. */
  readonly noIpv6: string | undefined;
}

/** What says that this machine, or this user, cannot have the kernel's link. */
const NOT_HERE: readonly string[] = [
  TunErrorCode.NO_PRIVILEGE,
  TunErrorCode.NO_DRIVER,
  TunErrorCode.NO_FFI,
  TunErrorCode.UNSUPPORTED,
];

/**
 * Opens it. With `auto`, falls back from the kernel to memory when the kernel's link cannot be had;
 * any other failure is thrown.
 */
export async function openDemoAdapter(
  wanted: 'auto' | 'linux' | 'memory',
  addresses: DemoAddresses,
): Promise<DemoAdapter> {
  if (wanted === 'memory') return openMemory(addresses, 'asked for with --link memory');
  try {
    const why =
      wanted === 'linux'
        ? 'asked for with --link linux'
        : 'this process may create network devices (--link memory runs in process)';
    return await openKernel(addresses, why);
  } catch (error) {
    if (wanted === 'linux' || !isTunError(error) || !NOT_HERE.includes(error.code)) throw error;
    return openMemory(addresses, `the kernel's link cannot be had: ${error.message}`);
  }
}

async function openKernel(addresses: DemoAddresses, reason: string): Promise<DemoAdapter> {
  const both = [addresses[4].prefix, addresses[6].prefix];
  try {
    const adapter = await Adapter.create({ link: 'linux', addresses: both });
    return { adapter, host: undefined, link: 'linux', reason, noIpv6: undefined };
  } catch (error) {
    if (!isTunError(error, TunErrorCode.CONFIGURATION) || !/IPv6/.test(error.message)) throw error;
    const adapter = await Adapter.create({ link: 'linux', addresses: [addresses[4].prefix] });
    return { adapter, host: undefined, link: 'linux', reason, noIpv6: error.message };
  }
}

async function openMemory(addresses: DemoAddresses, reason: string): Promise<DemoAdapter> {
  const { MemoryHost } = await import('../../testing.ts');
  const host = new MemoryHost({});
  const adapter = await Adapter.create({
    link: host.provider(),
    addresses: [addresses[4].prefix, addresses[6].prefix],
  });
  return { adapter, host, link: 'memory', reason, noIpv6: undefined };
}
