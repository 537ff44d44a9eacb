/** Opens the macOS link. Experimental: written from the documentation, not verified on a Mac. */

import { isMainThread } from 'node:worker_threads';
import { TunError, TunErrorCode } from '../../errors.ts';
import { darwin } from '../../os/darwin.ts';
import type { Link, LinkConfig, LinkProvider } from '../link.ts';
import { MacosLink, refuseAddresses } from './macos-link.ts';
import { createUtun, setMtu } from './utun.ts';

/** macOS' utun as a link provider. */
export function macosLink(): LinkProvider {
  return {
    name: 'macos',
    open: (config) => new Promise((resolve) => resolve(openUtun(config))),
  };
}

function openUtun(config: LinkConfig): Link {
  refuseUnknown(config);
  const utun = createUtun(config.name);
  try {
    const mtu = setMtu(utun.name, config.mtu);
    const interfaceIndex = darwin().ifNameToIndex(utun.name);
    return new MacosLink(utun, { name: utun.name, interfaceIndex, mtu, up: true, addresses: [] });
  } catch (error) {
    darwin().close(utun.fd);
    throw error;
  }
}

function refuseUnknown(config: LinkConfig): void {
  const { name, addresses, routes, netns, offload, persist, owner, group } = config;
  refuseAddresses(name ?? 'utunN', addresses, routes);
  if (!isMainThread) {
    throw unsupported('an adapter on macOS can be made in the main thread alone in this release');
  }
  if (netns !== undefined) {
    throw unsupported(`netns is "${netns}", but macOS has no network namespaces; leave it out`);
  }
  if (offload === 'carry') {
    throw unsupported("offload is 'carry', but utun hands over no super-packets; leave it out");
  }
  if (persist === true || owner !== undefined || group !== undefined) {
    throw unsupported(
      'a utun is gone with its descriptor, and has no owner; leave persist, owner and group out',
    );
  }
}

function unsupported(message: string): TunError {
  return new TunError(TunErrorCode.UNSUPPORTED, message);
}
