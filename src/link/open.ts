/** Chooses and opens a link. The only reader of `process.platform`. */

import { TunError, TunErrorCode } from '../errors.ts';
import type { AttachConfig, Link, LinkConfig, LinkProvider } from './link.ts';

/**
 * Opens the link that was asked for: by name, by provider, or this platform's own.
 *
 * Links are loaded when they are first used, so that the in-process one works where the FFI
 * package is missing.
 *
 * @throws TunError `UNSUPPORTED` where the platform has no such link, or what its `open` throws.
 */
export async function openLink(
  wanted: 'linux' | 'memory' | LinkProvider | undefined,
  config: LinkConfig,
): Promise<Link> {
  const provider = await chooseLink(wanted);
  const link: Link | undefined = await provider.open(config);
  if (typeof link?.take === 'function') return link;
  throw new TypeError(
    `the provider "${provider.name}" opened no link; its open() must resolve to one`,
  );
}

/**
 * Attaches to a device that exists, by this platform's own link.
 *
 * @throws TunError `UNSUPPORTED` where there is no such thing, or what its `attach` throws.
 */
export async function openExisting(config: AttachConfig): Promise<Link> {
  const provider = await chooseLink(undefined);
  if (provider.attach !== undefined) return provider.attach(config);
  throw new TunError(
    TunErrorCode.UNSUPPORTED,
    `the ${provider.name} link attaches to no device that exists; create an adapter instead`,
  );
}

async function chooseLink(
  wanted: 'linux' | 'memory' | LinkProvider | undefined,
): Promise<LinkProvider> {
  if (typeof wanted === 'object') return wanted;
  if (wanted === 'memory') {
    const { memoryLink } = await import('./memory/provider.ts');
    return memoryLink();
  }
  if (process.platform === 'linux') {
    const { linuxLink } = await import('./linux/provider.ts');
    return linuxLink();
  }
  throw new TunError(
    TunErrorCode.UNSUPPORTED,
    `there is no kernel link for ${process.platform} in this release; use the in-process link (link: 'memory'), or Linux`,
  );
}
