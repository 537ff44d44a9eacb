/** The options of an adapter, checked once. Each refusal names the value and what would do. */

import {
  DEFAULT_HOST_QUEUE_LENGTH,
  DEFAULT_MTU,
  MAX_HOST_QUEUE_LENGTH,
  MAX_INTERFACE_NAME_BYTES,
  MAX_MTU,
  MAX_QUEUE_BYTES,
  MAX_QUEUES,
  MIN_MTU,
  MIN_MTU_IPV6,
  MIN_QUEUE_BYTES,
} from '../limits.ts';
import type {
  Engine,
  LinkConfig,
  LinkKind,
  LinkProvider,
  LinkReconfig,
  Offload,
  RouteConfig,
  WintunOptions,
} from '../link/link.ts';
import { DROP_POLICIES, type DropPolicy } from '../sync/packet-queue.ts';
import { formatPrefix, networkOf, type Prefix, parsePrefix } from '../wire/address.ts';
import { checkBoolean, checkInteger, checkNames, checkOneOf, shown } from './option-values.ts';
import { checkWintun } from './wintun-options.ts';

/** What `Adapter.create` takes. Everything is optional. */
export interface AdapterOptions {
  /** Interface name, up to 15 bytes without `/`, `:` or white space. The system chooses by default. */
  readonly name?: string;
  /** Addresses with prefix length, both families: `['10.7.0.1/24', 'fd07::1/64']`. */
  readonly addresses?: readonly string[];
  /** Bytes of the largest IP packet: 576 to 61,424, at least 1280 with IPv6. Default 1500. */
  readonly mtu?: number;
  /** Destinations to route through the adapter, besides the networks of its addresses. */
  readonly routes?: readonly (string | RouteConfig)[];
  /** Whether the system makes itself an fe80:: address on the interface. Default false. */
  readonly ipv6LinkLocal?: boolean;
  /** Packets the system queues in front of the adapter before it drops. Default 1000. */
  readonly hostQueueLength?: number;
  /**
   * What becomes of super-packets, which a system with segmentation offload hands over in place of up
   * to 44 ordinary ones. `split`, the default where the system can: the adapter splits them, and
   * merges what is written; the program sees ordinary packets, at several times the speed. `carry`:
   * the program gets them as they are, each with its virtio-net header in its entry, and may write
   * such. `off`: the system makes none. What was granted is in `adapter.properties.offload`.
   */
  readonly offload?: Offload;
  /**
   * Hardware queues, 1 to 16; default 1. With several, each thread that attaches gets one of its own as
   * long as there are any: its flows come to it alone, in order. Where the system has only one, that is
   * what all share; what was granted is in `adapter.properties.capabilities.queues`.
   */
  readonly queues?: number;
  /**
   * What moves packets on Linux. `auto`, the default: `io_uring` for writing, where the kernel has it and
   * lets this process use it, else `syscalls`. Either can be demanded. What it came to is in
   * `adapter.properties.capabilities.engine`.
   */
  readonly engine?: Engine;
  /** Network namespace to make the adapter in: a name as `ip netns` uses it, or a path. Linux. */
  readonly netns?: string;
  /**
   * Whether the interface stays when the adapter is closed, for `Adapter.open`. Default false. Linux.
   */
  readonly persist?: boolean;
  /**
   * User (number) who may open the interface later without the right to make one. Linux. Default: of a persistent
   * interface without a group, the user this process runs as; one that was nobody's could be opened by all.
   */
  readonly owner?: number;
  /** Group (number) whose members may; with an owner, he has to be one of them. Linux. */
  readonly group?: number;
  /** Whether packets are taken from the system while no read waits. Default true. */
  readonly prefetch?: boolean;
  /** What a full queue of 1000 packets drops. Default `drop-oldest`. */
  readonly dropPolicy?: DropPolicy;
  /** Byte bound of that queue, 61,440 to 61,440,000. Default: 1000 packets of the MTU's size. */
  readonly queueBytes?: number;
  /**
   * `linux`: the kernel's TUN. `veth`: on Linux as well, a veth pair and a packet socket, where `/dev/net/tun` cannot
   * be had; slower, without offload, and its host queue is bounded in bytes. `windows`: `wintun.dll`. `macos`: `utun`, experimental. `memory`: the in-process link
   * with a host of its own. Or a provider, such as `new MemoryHost().provider()` of `typetun/testing`.
   * Default: this system's kernel link.
   */
  readonly link?: LinkKind | LinkProvider;
  /** Where `wintun.dll` is and what it is told. Windows. */
  readonly wintun?: WintunOptions;
}

/** What `adapter.configure` takes. Absent members stay as they are. */
export interface AdapterChange {
  /** Replaces all addresses. */
  readonly addresses?: readonly string[];
  readonly mtu?: number;
  /** Replaces all routes. */
  readonly routes?: readonly (string | RouteConfig)[];
}

/** How an adapter queues, with every default filled in. */
export interface QueueSettings {
  readonly prefetch: boolean;
  readonly dropPolicy: DropPolicy;
  readonly queueBytes: number | undefined;
}

/** Options with every default filled in. */
export interface CheckedOptions extends QueueSettings {
  readonly config: LinkConfig;
  readonly link: LinkKind | LinkProvider | undefined;
}

/** What is known of a present adapter when it is to be changed. */
export interface PresentConfig {
  readonly mtu: number;
  readonly addresses: readonly string[];
}

const OPTION_NAMES = [
  'name',
  'addresses',
  'mtu',
  'routes',
  'ipv6LinkLocal',
  'hostQueueLength',
  'offload',
  'queues',
  'engine',
  'netns',
  'persist',
  'owner',
  'group',
  'prefetch',
  'dropPolicy',
  'queueBytes',
  'link',
  'wintun',
] as const satisfies readonly (keyof AdapterOptions)[];

const LINK_KINDS: readonly LinkKind[] = ['linux', 'veth', 'windows', 'macos', 'memory'];

const ROUTE_NAMES = ['destination', 'metric'] as const;

const CHANGE_NAMES = ['addresses', 'mtu', 'routes'] as const;

const FORBIDDEN_IN_NAME = /[\s/:%]|[^\x21-\x7e]/;
const MAX_METRIC = 2 ** 32 - 1;
/** The number above stands for nobody. */
const MAX_IDENTITY = 2 ** 32 - 2;

/**
 * Checks and completes the options.
 *
 * @throws TypeError or RangeError naming the option, its value, and what would do.
 */
export function checkOptions(options: AdapterOptions): CheckedOptions {
  checkNames(options, OPTION_NAMES, 'Adapter.create');
  const addresses = checkAddresses(options.addresses ?? []);
  const mtu = options.mtu ?? DEFAULT_MTU;
  const ipv6LinkLocal = checkBoolean('ipv6LinkLocal', options.ipv6LinkLocal ?? false);
  checkMtu(mtu, ipv6LinkLocal || hasIpv6(addresses));
  return {
    config: {
      name: checkName(options.name),
      addresses,
      mtu,
      routes: checkRoutes(options.routes ?? []),
      ipv6LinkLocal,
      hostQueueLength: checkHostQueueLength(options.hostQueueLength ?? DEFAULT_HOST_QUEUE_LENGTH),
      offload: checkOffload(options.offload),
      queues: checkQueues(options.queues),
      netns: checkNetns(options.netns),
      engine: checkEngine(options.engine),
      persist: checkBoolean('persist', options.persist ?? false),
      owner: checkIdentity('owner', options.owner),
      group: checkIdentity('group', options.group),
      wintun: checkWintun(options.wintun),
    },
    ...checkQueueSettings(options),
    link: checkLink(options.link),
  };
}

/** @throws as {@link checkOptions}. */
export function checkQueueSettings(
  options: Pick<AdapterOptions, 'prefetch' | 'dropPolicy' | 'queueBytes'>,
): QueueSettings {
  const { prefetch = true, dropPolicy = 'drop-oldest', queueBytes } = options;
  return {
    prefetch: checkBoolean('prefetch', prefetch),
    dropPolicy: checkOneOf('dropPolicy', dropPolicy, DROP_POLICIES),
    queueBytes:
      queueBytes === undefined
        ? undefined
        : checkInteger('queueBytes', queueBytes, MIN_QUEUE_BYTES, MAX_QUEUE_BYTES, 'bytes'),
  };
}

function checkIdentity(name: string, number: number | undefined): number | undefined {
  return number === undefined ? undefined : checkInteger(name, number, 0, MAX_IDENTITY, '');
}

export function checkHostQueueLength(packets: number): number {
  return checkInteger('hostQueueLength', packets, 1, MAX_HOST_QUEUE_LENGTH, 'packets');
}

export function checkQueues(queues = 1): number {
  return checkInteger('queues', queues, 1, MAX_QUEUES, '');
}

export function checkOffload(offload: Offload = 'split'): Offload {
  return checkOneOf('offload', offload, ['split', 'carry', 'off']);
}

export function checkEngine(engine: Engine = 'auto'): Engine {
  return checkOneOf('engine', engine, ['auto', 'io_uring', 'syscalls']);
}

/**
 * Checks a change against what is there.
 *
 * @throws as {@link checkOptions}.
 */
export function checkChange(change: AdapterChange, present: PresentConfig): LinkReconfig {
  checkNames(change, CHANGE_NAMES, 'adapter.configure');
  const addresses = change.addresses === undefined ? undefined : checkAddresses(change.addresses);
  checkMtu(change.mtu ?? present.mtu, hasIpv6(addresses ?? present.addresses));
  return {
    ...(addresses === undefined ? {} : { addresses }),
    ...(change.mtu === undefined ? {} : { mtu: change.mtu }),
    ...(change.routes === undefined ? {} : { routes: checkRoutes(change.routes) }),
  };
}

export function checkName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  if (typeof name !== 'string' || name === '' || name === '.' || name === '..') {
    throw new TypeError(`${shown(name)} is no interface name; leave it out to get a free one`);
  }
  if (name.length > MAX_INTERFACE_NAME_BYTES) {
    throw new RangeError(
      `the interface name "${name}" has ${name.length} bytes; at most ${MAX_INTERFACE_NAME_BYTES} are possible`,
    );
  }
  if (FORBIDDEN_IN_NAME.test(name)) {
    throw new TypeError(
      `the interface name "${name}" has a character that is not allowed; use printable ASCII without "/", ":", "%" and spaces`,
    );
  }
  return name;
}

export function checkAddresses(addresses: readonly string[]): string[] {
  if (!Array.isArray(addresses)) {
    throw new TypeError(`addresses is ${typeof addresses}; give an array like ['10.7.0.1/24']`);
  }
  const given: readonly string[] = addresses;
  const checked = given.map((text) => formatPrefix(checkHostAddress(text)));
  const twice = checked.find((text, at) => checked.indexOf(text) !== at);
  if (twice !== undefined) throw new TypeError(`the address ${twice} is given twice`);
  return checked;
}

/** An address a host can have: not unspecified, not multicast, not the IPv4 broadcast address. */
function checkHostAddress(text: string): Prefix {
  const prefix = parsePrefix(text);
  const { address, family } = prefix;
  const first = address[0]!;
  const unspecified = address.every((byte) => byte === 0);
  const multicast = family === 4 ? first >>> 4 === 0xe : first === 0xff;
  const broadcast = family === 4 && address.every((byte) => byte === 0xff);
  if (!unspecified && !multicast && !broadcast) return prefix;
  const what = unspecified ? 'the unspecified' : multicast ? 'a multicast' : 'the broadcast';
  throw new TypeError(`${text} is ${what} address; an interface needs an address of its own`);
}

export function checkRoutes(routes: readonly (string | RouteConfig)[]): RouteConfig[] {
  if (!Array.isArray(routes)) {
    throw new TypeError(`routes is ${typeof routes}; give an array like ['10.8.0.0/16']`);
  }
  return routes.map((route: string | RouteConfig) => {
    const config = typeof route === 'string' ? { destination: route } : route;
    checkNames(config, ROUTE_NAMES, 'a route');
    if (typeof config.destination !== 'string') {
      throw new TypeError(
        `the destination of a route is ${shown(config.destination)}; give a prefix like '10.8.0.0/16'`,
      );
    }
    const prefix = parsePrefix(config.destination);
    const network = formatPrefix(networkOf(prefix));
    if (network !== formatPrefix(prefix)) {
      throw new TypeError(
        `the route ${config.destination} has host bits set; did you mean ${network}?`,
      );
    }
    if (config.metric !== undefined) {
      checkInteger('the metric of a route', config.metric, 0, MAX_METRIC, '');
    }
    return { destination: network, metric: config.metric };
  });
}

export function hasIpv6(addresses: readonly string[]): boolean {
  return addresses.some((text) => text.includes(':'));
}

export function checkMtu(mtu: number, ipv6: boolean): void {
  checkInteger('mtu', mtu, MIN_MTU, MAX_MTU, 'bytes');
  if (ipv6 && mtu < MIN_MTU_IPV6) {
    throw new RangeError(
      `mtu is ${mtu}; IPv6 needs at least ${MIN_MTU_IPV6} (RFC 8200), so raise it or leave the IPv6 addresses out`,
    );
  }
}

export function checkNetns(netns: string | undefined): string | undefined {
  if (netns === undefined || (typeof netns === 'string' && netns !== '')) return netns;
  throw new TypeError(`netns is ${shown(netns)}; give a name of "ip netns list" or a path`);
}

function checkLink(link: AdapterOptions['link']): AdapterOptions['link'] {
  if (link === undefined || LINK_KINDS.some((kind) => kind === link)) return link;
  if (typeof link === 'object' && typeof link?.open === 'function') return link;
  throw new TypeError(
    `link is ${shown(link)}; give 'linux', 'veth', 'windows', 'macos', 'memory', or a provider such as new MemoryHost().provider()`,
  );
}
