/** A link for another thread: from the token that the owner's link made. */

import type { Link, LinkToken } from './link.ts';

/** Attaches to the link of the token. Links are loaded when they are first used. */
export async function attachLink(token: LinkToken): Promise<Link> {
  if (token.kind === 'memory') {
    const { MemoryPeer } = await import('./memory/memory-peer.ts');
    return new MemoryPeer(token);
  }
  const { LinuxPeer } = await import('./linux/linux-peer.ts');
  return new LinuxPeer(token);
}
