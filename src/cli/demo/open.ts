/** Makes the demo's adapter on the link that was asked for, or on the best there is. */

import { Adapter, isTunError, type LinkKind, TunErrorCode } from '../../index.ts';
import type { MemoryHost } from '../../testing.ts';
import type { DemoAddresses } from './addresses.ts';

/** Where the demo runs. */
export interface DemoAdapter {
  readonly adapter: Adapter;
  /** The host in memory; undefined on the kernel. */
  readonly host: MemoryHost | undefined;
  readonly link: LinkKind;
  /** Why this link, and how to get the other. */
  readonly reason: string;
  /** Why there is no IPv6; undefined when there is. */
  readonly noIpv6: string | undefined;
}

/** What the demo can be asked to run on. */
export type DemoLink = 'auto' | 'linux' | 'windows' | 'memory';

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
  wanted: DemoLink,
  addresses: DemoAddresses,
): Promise<DemoAdapter> {
  if (wanted === 'memory') return openMemory(addresses, 'asked for with --link memory');
  try {
    const why =
      wanted === 'auto'
        ? 'this process may create network devices (--link memory runs in process)'
        : `asked for with --link ${wanted}`;
    return await openKernel(wanted, addresses, why);
  } catch (error) {
    if (wanted !== 'auto' || !isTunError(error) || !NOT_HERE.includes(error.code)) throw error;
    return openMemory(addresses, `the kernel's link cannot be had: ${error.message}`);
  }
}

async function openKernel(
  wanted: Exclude<DemoLink, 'memory'>,
  addresses: DemoAddresses,
  reason: string,
): Promise<DemoAdapter> {
  const link = wanted === 'auto' ? {} : { link: wanted };
  const both = [addresses[4].prefix, addresses[6].prefix];
  try {
    const adapter = await Adapter.create({ ...link, addresses: both });
    return { adapter, host: undefined, link: adapter.properties.link, reason, noIpv6: undefined };
  } catch (error) {
    if (!isTunError(error, TunErrorCode.CONFIGURATION) || !/IPv6/.test(error.message)) throw error;
    const adapter = await Adapter.create({ ...link, addresses: [addresses[4].prefix] });
    const noIpv6 = error.message;
    return { adapter, host: undefined, link: adapter.properties.link, reason, noIpv6 };
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
