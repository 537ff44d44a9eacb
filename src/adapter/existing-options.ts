/** The options of an adapter on a device that exists. Each refusal names the value and what would do. */

import type { AttachConfig, ExistingDevice } from '../link/link.ts';
import { checkBoolean, checkInteger, checkNames } from './option-values.ts';
import {
  type AdapterOptions,
  checkAddresses,
  checkEngine,
  checkHostQueueLength,
  checkMtu,
  checkName,
  checkNetns,
  checkOffload,
  checkQueueSettings,
  checkQueues,
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

/**
 * What `Adapter.open` takes: as `Adapter.fromFd`, and where the interface is. `queues` counts where the
 * interface was made for several. `offload` is what the adapter wants, whatever the interface was last
 * used with; but as it has it while another program is attached to a further queue of it.
 */
export type OpenOptions = DescriptorOptions & Pick<AdapterOptions, 'netns' | 'queues'>;

const DESCRIPTOR_OPTIONS = [
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

const OPEN_OPTIONS = [
  ...DESCRIPTOR_OPTIONS,
  'netns',
  'queues',
] as const satisfies readonly (keyof OpenOptions)[];

/** The largest number a descriptor can have: that of an `int`. */
const MAX_DESCRIPTOR = 2 ** 31 - 1;

/** Options with every default filled in. */
export interface CheckedExisting extends QueueSettings {
  readonly config: AttachConfig;
}

/**
 * Checks a descriptor and the options that go with it.
 *
 * @throws TypeError or RangeError naming the option, its value, and what would do.
 */
export function checkFromFd(fd: number, options: DescriptorOptions): CheckedExisting {
  checkNames(options, DESCRIPTOR_OPTIONS, 'Adapter.fromFd');
  const fds = [checkInteger('the descriptor', fd, 0, MAX_DESCRIPTOR, '')];
  return check({ fds }, options, undefined);
}

/**
 * Checks a name and the options that go with it.
 *
 * @throws as {@link checkFromFd}.
 */
export function checkOpen(name: string, options: OpenOptions): CheckedExisting {
  checkNames(options, OPEN_OPTIONS, 'Adapter.open');
  if (name === undefined) throw new TypeError('Adapter.open takes the name of an interface');
  const queues = checkQueues(options.queues);
  return check({ name: checkName(name)!, queues }, options, checkNetns(options.netns));
}

function check(
  device: ExistingDevice,
  options: DescriptorOptions,
  netns: string | undefined,
): CheckedExisting {
  const { mtu, ipv6LinkLocal, hostQueueLength } = options;
  const addresses = ifGiven(options.addresses, checkAddresses);
  ifGiven(ipv6LinkLocal, (value) => checkBoolean('ipv6LinkLocal', value));
  const ipv6 = ipv6LinkLocal === true || hasIpv6(addresses ?? []);
  ifGiven(mtu, (value) => checkMtu(value, ipv6));
  return {
    config: {
      device,
      netns,
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

function ifGiven<T, R>(value: T | undefined, check: (value: T) => R): R | undefined {
  return value === undefined ? undefined : check(value);
}
