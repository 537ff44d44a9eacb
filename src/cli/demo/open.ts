/** Makes the demo's adapter on the link that was chosen. */

import { Adapter, isTunError, TunErrorCode } from '../../index.ts';
import type { MemoryHost } from '../../testing.ts';
import type { DemoAddresses } from './addresses.ts';
import type { Choice, DemoLink } from './rungs.ts';

/** Where the demo runs. */
export interface DemoAdapter {
  readonly adapter: Adapter;
  /** The host in memory; undefined on the kernel. */
  readonly host: MemoryHost | undefined;
  readonly link: DemoLink;
  /** Why this link, and how to get the other. */
  readonly reason: string;
  /** Why there is no IPv6; undefined when there is. */
  readonly noIpv6: string | undefined;
}

/** Opens it. */
export function openDemoAdapter(
  { link, reason }: Choice,
  addresses: DemoAddresses,
): Promise<DemoAdapter> {
  return link === 'memory' ? openMemory(addresses, reason) : openKernel(addresses, link, reason);
}

async function openKernel(
  addresses: DemoAddresses,
  link: Exclude<DemoLink, 'memory'>,
  reason: string,
): Promise<DemoAdapter> {
  // In the user namespace, where this process is by now, it is the same link.
  const kernel = link === 'rootless' ? 'linux' : link;
  const both = [addresses[4].prefix, addresses[6].prefix];
  try {
    const adapter = await Adapter.create({ link: kernel, addresses: both });
    return { adapter, host: undefined, link, reason, noIpv6: undefined };
  } catch (error) {
    if (!isTunError(error, TunErrorCode.CONFIGURATION) || !/IPv6/.test(error.message)) throw error;
    const adapter = await Adapter.create({ link: kernel, addresses: [addresses[4].prefix] });
    return { adapter, host: undefined, link, reason, noIpv6: error.message };
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
