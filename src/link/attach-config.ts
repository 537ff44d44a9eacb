/** How a link attaches to a device that exists: a part of the link contract (link.ts). */

import type { AddressWithPrefix, Engine, Offload, RouteConfig } from './link.ts';

/** What device a link is to attach to. */
export type ExistingDevice =
  /** An interface that exists, of that name. */
  | { readonly name: string; readonly queues: number }
  /** Descriptors of the system's own for one device, one for each of its hardware queues. */
  | { readonly fds: readonly number[] };

/**
 * How a link attaches to a device that somebody else made. What is undefined stays as it is. What is
 * given and is not so already is set where the process has the right to; of a device that cannot be looked
 * at, MTU and addresses are taken as a description.
 */
export interface AttachConfig {
  readonly device: ExistingDevice;
  /** Where a named device is (name or path); undefined for the present namespace. */
  readonly netns: string | undefined;
  /** Addresses it is to have, besides those it has. */
  readonly addresses: readonly AddressWithPrefix[] | undefined;
  readonly mtu: number | undefined;
  readonly routes: readonly RouteConfig[] | undefined;
  readonly ipv6LinkLocal: boolean | undefined;
  readonly hostQueueLength: number | undefined;
  /** As {@link LinkConfig.offload}. A descriptor without virtio-net headers has none. */
  readonly offload: Offload;
  readonly engine: Engine;
  /** What the device looks like, as somebody says; for where it cannot be looked at. */
  readonly said?: { readonly mtu: number; readonly addresses: readonly AddressWithPrefix[] };
}

/** What another process attaches to the device by. */
export interface LinkLoan {
  /** Descriptors of the device, one for each queue, apart from the link's own. */
  readonly fds: readonly number[];
  /** From now on closing the link leaves the device, and what it is set to, alone. */
  keepDevice(): void;
  /** Closes `fds`. Safe to call twice. */
  release(): void;
}
