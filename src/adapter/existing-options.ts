/** The options of an adapter on a device that exists. Each refusal names the value and what would do. */

import type { AttachConfig } from '../link/link.ts';
import { checkBoolean, checkInteger, checkNames } from './option-values.ts';
import {
  type AdapterOptions,
  checkAddresses,
  checkEngine,
  checkHostQueueLength,
  checkMtu,
  checkOffload,
  checkQueueSettings,
  checkRoutes,
  hasIpv6,
  type QueueSettings,
} from './options.ts';

/**
 * What `Adapter.fromFd` takes, each as in `Adapter.create`. Everything is optional, and what is left out
 * stays as it is; what is given and is not so already is set, which takes CAP_NET_ADMIN. Of a device in a
 * network namespace that this process may not enter, `mtu` (default 1500) and `addresses` are what the
 * adapter reports, and the rest cannot be given. `offload` follows the descriptor: one that was opened
 * without virtio-net headers (`IFF_VNET_HDR`) has none.
 */
export type DescriptorOptions = Pick<
  AdapterOptions,
  | 'addresses'
  | 'mtu'
  | 'routes'
  | 'ipv6LinkLocal'
  | 'hostQueueLength'
  | 'offload'
  | 'engine'
  | 'prefetch'
  | 'dropPolicy'
  | 'queueBytes'
>;

const OPTION_NAMES = [
  'addresses',
  'mtu',
  'routes',
  'ipv6LinkLocal',
  'hostQueueLength',
  'offload',
  'engine',
  'prefetch',
  'dropPolicy',
  'queueBytes',
] as const satisfies readonly (keyof DescriptorOptions)[];

/** The largest number a descriptor can have: that of an `int`. */
const MAX_DESCRIPTOR = 2 ** 31 - 1;

/** Options as checked, all but where the device is. */
export interface CheckedExisting extends QueueSettings {
  readonly config: Omit<AttachConfig, 'device' | 'netns'>;
}

/**
 * Checks the options.
 *
 * @throws TypeError or RangeError naming the option, its value, and what would do.
 */
export function checkExisting(
  options: DescriptorOptions,
  where: string,
  known: readonly string[] = OPTION_NAMES,
): CheckedExisting {
  checkNames(options, known, where);
  const { mtu, ipv6LinkLocal, hostQueueLength } = options;
  const addresses = ifGiven(options.addresses, checkAddresses);
  ifGiven(ipv6LinkLocal, (value) => checkBoolean('ipv6LinkLocal', value));
  const ipv6 = ipv6LinkLocal === true || hasIpv6(addresses ?? []);
  ifGiven(mtu, (value) => checkMtu(value, ipv6));
  return {
    config: {
      addresses,
      mtu,
      routes: ifGiven(options.routes, checkRoutes),
      ipv6LinkLocal,
      hostQueueLength: ifGiven(hostQueueLength, checkHostQueueLength),
      offload: checkOffload(options.offload),
      engine: checkEngine(options.engine),
    },
    ...checkQueueSettings(options),
  };
}

/** @throws TypeError or RangeError when it is no descriptor's number. */
export function checkDescriptor(fd: number): number {
  return checkInteger('the descriptor', fd, 0, MAX_DESCRIPTOR, '');
}

function ifGiven<T, R>(value: T | undefined, check: (value: T) => R): R | undefined {
  return value === undefined ? undefined : check(value);
}
