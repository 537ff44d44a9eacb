/** Chooses and opens a link. The only reader of `process.platform`, and of the system's name. */

import { release, type as systemType } from 'node:os';
import { TunError, TunErrorCode } from '../errors.ts';
import type { AttachConfig, Link, LinkConfig, LinkKind, LinkProvider } from './link.ts';

/**
 * Opens the link that was asked for: by name, by provider, or this platform's own.
 *
 * Links are loaded when they are first used, so that the in-process one works where the FFI
 * package is missing.
 *
 * @throws TunError `UNSUPPORTED` where the platform has no such link, or what its `open` throws.
 */
export async function openLink(
  wanted: LinkKind | LinkProvider | undefined,
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

async function chooseLink(wanted: LinkKind | LinkProvider | undefined): Promise<LinkProvider> {
  if (typeof wanted === 'object') return wanted;
  if (wanted === 'memory') {
    const { memoryLink } = await import('./memory/provider.ts');
    return memoryLink();
  }
  const kind = kernelLinkOf(process.platform);
  if (wanted === 'veth' && kind === 'linux') {
    return (await import('./linux/veth-provider.ts')).vethLink();
  }
  if (kind === undefined || (wanted !== undefined && wanted !== kind)) {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      `there is no kernel link${wanted === undefined ? '' : ` "${wanted}"`} for ${process.platform}; use the in-process link (link: 'memory')${kind === undefined ? '' : `, or '${kind}'`}`,
    );
  }
  if (kind === 'windows') return (await import('./windows/provider.ts')).windowsLink();
  if (kind === 'macos') return (await import('./macos/provider.ts')).macosLink();
  return (await import('./linux/provider.ts')).linuxLink();
}

/**
 * To be called before anything of Windows is loaded.
 *
 * @throws TunError `UNSUPPORTED` elsewhere.
 */
export function requireWindows(): void {
  if (kernelLinkOf(process.platform) === 'windows') return;
  throw new TunError(
    TunErrorCode.UNSUPPORTED,
    `Wintun is Windows' driver, and this is ${process.platform}`,
  );
}

/** The name of the link of this platform's own kernel; undefined where there is none. */
export function kernelLink(): LinkKind | undefined {
  return kernelLinkOf(process.platform);
}

/** The operating system's name and release, as files say where they come from. */
export function systemName(): string {
  return `${systemType()} ${release()}`;
}

/** The name of a platform's own link. */
function kernelLinkOf(platform: NodeJS.Platform): LinkKind | undefined {
  if (platform === 'linux') return 'linux';
  if (platform === 'win32') return 'windows';
  return platform === 'darwin' ? 'macos' : undefined;
}
