/**
 * What is said on the control socket: the methods with their parameters and results, and the events.
 * JSON-RPC 2.0, one object a line, over the Unix socket `control` in the run directory. All of it is
 * plain JSON; counters are numbers, exact up to 2^53.
 *
 * In words: docs/control-protocol.md.
 */

import type {
  AdapterChange,
  AdapterDescription,
  AdapterOptions,
  AdapterProperties,
  AdapterState,
  AdapterStatistics,
  LinkEvent,
  LinkKind,
  MediaState,
  PowerState,
  RouteConfig,
  SettablePower,
} from '../index.ts';

/** The version of the protocol. A higher one may add methods, members and events, never take any away. */
export const CONTROL_PROTOCOL = 1;

/** Name of the socket in the run directory. */
export const CONTROL_SOCKET = 'control';

/** Bytes of a request's line at most, the line's end not counted. */
export const MAX_REQUEST_BYTES = 65_536;

/** The `code` of an error. The first five are JSON-RPC's own. */
export const ControlErrorCode = {
  /** The line is no JSON. */
  PARSE: -32_700,
  /** It is JSON, but no request; or it is too long, or did not end in time: the connection is closed then. */
  INVALID_REQUEST: -32_600,
  METHOD_NOT_FOUND: -32_601,
  /** A parameter is wrong: a TypeError or RangeError. */
  INVALID_PARAMS: -32_602,
  /** A mistake of the host's own. */
  INTERNAL: -32_603,
  /** A TunError; its code is in `data.code`. */
  FAILED: -32_000,
  /** The peer has no right to the host; the connection is closed then. */
  REFUSED: -32_001,
} as const;
export type ControlErrorCode = (typeof ControlErrorCode)[keyof typeof ControlErrorCode];

/** The `data` of an error. */
export interface ControlErrorData {
  readonly type: 'TunError' | 'TypeError' | 'RangeError' | 'Error';
  /** A value of `TunErrorCode`. */
  readonly code?: string;
  readonly syscall?: string;
  readonly errno?: number;
}

/** Who besides the host's own user and root may use a device, or the control socket. */
export interface AccessConfig {
  /** Users, by name or number. */
  readonly users?: readonly (string | number)[];
  /** Groups whose members may, by name or number. */
  readonly groups?: readonly (string | number)[];
  /** Of a device: whether they may also be handed the descriptor itself. Default false. */
  readonly descriptor?: boolean;
}

/** An adapter as it stands in the configuration, and as `adapter.create` takes it. */
export interface AdapterConfig extends Omit<AdapterOptions, 'link' | 'wintun'> {
  readonly name: string;
  /** `memory` is the in-process link, for trying things out. Default: this system's kernel link. */
  readonly link?: LinkKind;
  readonly access?: AccessConfig;
}

/** A program that has the device open. */
export interface ClientInfo {
  /** Number of the connection, unique as long as the host runs. */
  readonly id: number;
  /** Process, user and group as the kernel says them; undefined where it does not. */
  readonly pid?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** What the client calls itself. */
  readonly name?: string;
  /** `packets`: bundles over the socket; `descriptor`: it has the TUN's descriptor itself. */
  readonly role: 'packets' | 'descriptor';
  /** Bundles and packets that were read, and written, over this connection. */
  readonly bundlesRead: number;
  readonly packetsRead: number;
  readonly bundlesWritten: number;
  readonly packetsWritten: number;
  /** Reads that wait for a packet. */
  readonly waitingReads: number;
}

/** An adapter of the host. */
export interface AdapterInfo extends AdapterDescription {
  /** Path of the socket of its device, whose last component is `WINTUN<luidIndex>`. */
  readonly socket: string;
  readonly routes: readonly (string | RouteConfig)[];
  readonly persist: boolean;
  /** Where it comes from: the configuration file, or `adapter.create`. */
  readonly origin: 'config' | 'control';
  readonly access: AccessConfig;
  /** Whether a client has the descriptor, and does its own input and output. */
  readonly lent: boolean;
  readonly clients: readonly ClientInfo[];
}

/** The host itself. */
export interface HostInfo {
  readonly version: string;
  readonly protocol: number;
  readonly pid: number;
  /** The user it runs as. */
  readonly uid?: number;
  readonly runDirectory: string;
  /** Path of the configuration file; null without one. */
  readonly config: string | null;
  /** When it started: ISO 8601. */
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  /** The link of this system's own kernel. */
  readonly kernelLink?: LinkKind;
  readonly node: string;
  readonly adapters: number;
  readonly clients: number;
}

/** What the kernel counts of an interface (IFLA_STATS64). Directions are the adapter's: `out` is what the system sent. */
export interface InterfaceStatistics {
  readonly out: InterfaceDirection;
  readonly in: InterfaceDirection;
}

export interface InterfaceDirection {
  readonly packets: number;
  readonly octets: number;
  readonly errors: number;
  readonly dropped: number;
}

/** The counters of one adapter. */
export interface StatisticsEntry {
  readonly adapter: string;
  /** `WINTUN7` */
  readonly device: string;
  /** When they were read, in ms since 1970, with fractions. */
  readonly time: number;
  readonly statistics: AdapterStatistics;
  /** What the kernel counted while a client has the descriptor: the adapter's own counters do not see that. */
  readonly interface?: InterfaceStatistics;
}

/** What reloading the configuration came to: names of adapters. */
export interface ReloadResult {
  readonly created: readonly string[];
  readonly removed: readonly string[];
  /** Changed while they went on. */
  readonly changed: readonly string[];
  /** Closed and made again, since what differs cannot be changed. */
  readonly replaced: readonly string[];
  readonly kept: readonly string[];
  /** Of those that could not be brought to what the file says: why. */
  readonly failed: readonly { readonly adapter: string; readonly message: string }[];
}

/** The state of the host for a bug report. No packet contents, no addresses of peers. */
export interface DebugReport {
  readonly host: HostInfo;
  readonly adapters: readonly (AdapterInfo & {
    readonly properties: AdapterProperties;
    readonly statistics: StatisticsEntry;
  })[];
  /** Open connections to the control socket. */
  readonly controlConnections: number;
  /** Peers that were turned away, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
  /** As of process.memoryUsage(), in bytes. */
  readonly memory: Readonly<Record<string, number>>;
  /** Open descriptors of the process; undefined where it cannot be told. */
  readonly descriptors?: number;
  readonly system: { readonly platform: string; readonly release: string; readonly arch: string };
  /** The last lines of the host's log, oldest first. */
  readonly log: readonly string[];
}

/** An adapter of the host: its interface name, or its device as `\\.\Device\WINTUN7`, `WINTUN7` or `7`. */
export interface AdapterReference {
  readonly adapter: string;
}

/** Nothing. */
export type Empty = Readonly<Record<string, never>>;

/** Every method: what it takes and what it gives. */
export interface ControlMethods {
  'host.info': { params: Empty; result: HostInfo };
  /** Reads the configuration again, as SIGHUP does. A wrong one fails with `CONFIG`, and nothing changes. */
  'host.reload': { params: Empty; result: ReloadResult };
  'adapter.list': { params: Empty; result: AdapterInfo[] };
  'adapter.show': { params: AdapterReference; result: AdapterInfo };
  'adapter.create': { params: AdapterConfig; result: AdapterInfo };
  /** Changes addresses, MTU, routes or access; what is absent stays. */
  'adapter.set': {
    params: AdapterReference & AdapterChange & { readonly access?: AccessConfig };
    result: AdapterInfo;
  };
  'adapter.pause': { params: AdapterReference; result: AdapterInfo };
  'adapter.restart': { params: AdapterReference; result: AdapterInfo };
  'adapter.power': {
    params: AdapterReference & { readonly power: SettablePower };
    result: AdapterInfo;
  };
  /** Halts the adapter and removes its interface, a persistent one as well. Returns it as it last was. */
  'adapter.remove': { params: AdapterReference; result: AdapterInfo };
  'adapter.properties': { params: AdapterReference; result: AdapterProperties };
  /** Of one adapter, or of all. */
  statistics: { params: { readonly adapter?: string }; result: StatisticsEntry[] };
  /** From now on events come as notifications of the method `event`. All of them, or those named. */
  'events.subscribe': {
    params: { readonly events?: readonly ControlEventName[] };
    result: Empty;
  };
  'events.unsubscribe': { params: Empty; result: Empty };
  debug: { params: Empty; result: DebugReport };
}

export type ControlMethod = keyof ControlMethods;
export type ControlParams<M extends ControlMethod> = ControlMethods[M]['params'];
export type ControlResult<M extends ControlMethod> = ControlMethods[M]['result'];

interface OfAdapter {
  /** Interface name. */
  readonly adapter: string;
  /** `WINTUN7` */
  readonly device: string;
}

/** What happened: the parameters of the notification `event`. */
export type ControlEvent =
  | { readonly event: 'adapter.added'; readonly adapter: string; readonly info: AdapterInfo }
  | (OfAdapter & { readonly event: 'adapter.removed' })
  | (OfAdapter & {
      readonly event: 'state';
      readonly state: AdapterState;
      readonly previous: AdapterState;
    })
  | (OfAdapter & { readonly event: 'media'; readonly media: MediaState })
  | (OfAdapter & { readonly event: 'power'; readonly power: PowerState })
  /** What others did to the interface. */
  | (OfAdapter & { readonly event: 'link'; readonly change: LinkEvent })
  /** `adapter.set`, or a reload, changed it. */
  | { readonly event: 'adapter.changed'; readonly adapter: string; readonly info: AdapterInfo }
  | (OfAdapter & { readonly event: 'client.connected'; readonly client: ClientInfo })
  | (OfAdapter & { readonly event: 'client.disconnected'; readonly client: ClientInfo })
  | { readonly event: 'host.reloaded'; readonly result: ReloadResult }
  | { readonly event: 'host.stopping' };

export type ControlEventName = ControlEvent['event'];

/** Every event, for a check of names. */
export const CONTROL_EVENTS: readonly ControlEventName[] = [
  'adapter.added',
  'adapter.removed',
  'adapter.changed',
  'state',
  'media',
  'power',
  'link',
  'client.connected',
  'client.disconnected',
  'host.reloaded',
  'host.stopping',
];

/** The parameters as arguments of a call: left out where all of them may be. */
export type ControlArguments<M extends ControlMethod> =
  Empty extends ControlParams<M>
    ? [params?: ControlParams<M>]
    : Record<never, never> extends ControlParams<M>
      ? [params?: ControlParams<M>]
      : [params: ControlParams<M>];

/**
 * Something that answers the methods: a connection to a host (`ControlClient`), or the host of this
 * process (`Host`).
 */
export interface Control {
  /** Rejects with TunError, TypeError or RangeError as the method does. */
  call<M extends ControlMethod>(method: M, ...args: ControlArguments<M>): Promise<ControlResult<M>>;
  /** Calls `listener` with each event from now on, until what it resolves to is called. */
  subscribe(listener: (event: ControlEvent) => void): Promise<() => void>;
}
