/**
 * The control side of a device in a network namespace that this process cannot look into: somebody made it
 * there and handed over a descriptor. What is known of it is what was said.
 */

import { TunError, TunErrorCode } from '../../errors.ts';
import { DEFAULT_MTU, MAX_HOST_QUEUE_LENGTH } from '../../limits.ts';
import type { AttachConfig, LinkInfo, LinkReconfig } from '../link.ts';
import type { DeviceControl } from './device-control.ts';
import type { TunMemory } from './tun-memory.ts';

export class BlindControl implements DeviceControl {
  readonly info: LinkInfo;

  /** @throws TunError `NO_PRIVILEGE` when something is asked for that would have to be set. */
  constructor(name: string, config: AttachConfig, shared: TunMemory) {
    if (config.routes !== undefined && config.routes.length > 0)
      throw outOfReach(name, 'its routes');
    if (config.ipv6LinkLocal !== undefined) throw outOfReach(name, 'ipv6LinkLocal');
    if (config.hostQueueLength !== undefined) throw outOfReach(name, 'hostQueueLength');
    const { mtu, addresses } = described(config);
    this.info = { name, interfaceIndex: undefined, mtu, up: true, addresses };
    shared.mtu = mtu;
    // Not known; it only bounds how much is thrown away at once.
    shared.hostQueueLength = MAX_HOST_QUEUE_LENGTH;
  }

  onEvent(): void {
    // Nothing is seen. That the device is gone, its descriptor tells.
  }

  configure({ mtu, addresses, routes, up }: LinkReconfig): LinkInfo {
    const { name } = this.info;
    if (mtu !== undefined) throw outOfReach(name, `the MTU ${mtu}`);
    if (addresses !== undefined) throw outOfReach(name, 'its addresses');
    if (routes !== undefined) throw outOfReach(name, 'its routes');
    if (up !== undefined) throw outOfReach(name, `whether it is ${up ? 'up' : 'down'}`);
    return this.info;
  }

  hostDrops(): number {
    return 0;
  }

  attachedQueues(): undefined {
    return undefined;
  }

  removeDevice(): void {
    // It is not ours, and out of reach.
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}

function described({ said, mtu, addresses }: AttachConfig): Pick<LinkInfo, 'mtu' | 'addresses'> {
  return {
    mtu: mtu ?? said?.mtu ?? DEFAULT_MTU,
    addresses: addresses ?? said?.addresses ?? [],
  };
}

function outOfReach(name: string, what: string): TunError {
  return new TunError(
    TunErrorCode.NO_PRIVILEGE,
    `"${name}" is in a network namespace that this process may not enter, so ${what} cannot be set from here; set it there, or run as root`,
  );
}
