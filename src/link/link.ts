/**
 * THE link contract: the operating system's edge. A link is one network device with one hardware queue
 * or several, each with its packets in order; the adapter above it knows nothing of any operating
 * system. Every link passes `test/contract/`.
 *
 * Directions are named from the host stack: packets the host *sends* come out of {@link Link.take},
 * packets it *receives* go in by {@link Link.give}.
 *
 * A link belongs to the thread that opened it. {@link Link.share} makes a token from which other
 * threads make links of their own to the same device (link/attach.ts); those move packets and park,
 * and leave configuring and closing to the owner. None of the methods waits, except `park` and the
 * promises of `open` and `close`.
 */

import type { SleepListener } from '../os/system-sleep.ts';
import type { Hand } from '../sync/hand.ts';
import type { Liveness } from '../sync/participants.ts';
import type { ParkingPlace } from '../sync/wake.ts';
import type { BundleIndex } from '../wire/bundle.ts';
import type { AttachConfig, ExistingDevice, LinkLoan } from './attach-config.ts';
import type { WintunAdapter, WintunDll, WintunOptions } from './wintun-options.ts';

export type {
  AttachConfig,
  ExistingDevice,
  LinkLoan,
  SleepListener,
  WintunAdapter,
  WintunDll,
  WintunOptions,
};

/** An address with its prefix length, in canonical text: `10.7.0.1/24`, `fd07::1/64`. */
export type AddressWithPrefix = string;

/** A route through the device. */
export interface RouteConfig {
  /** Destination prefix in text; host bits must be zero. `0.0.0.0/0` and `::/0` are the defaults. */
  readonly destination: string;
  /** Metric (priority); smaller wins. The host's default when absent. */
  readonly metric?: number | undefined;
}

/**
 * What becomes of super-packets, which a host with segmentation offload hands over in place of up to
 * some dozens of ordinary ones:
 * - `split`: the link splits them, and merges what is written: programs see ordinary packets;
 * - `carry`: they are passed on, each with its virtio-net header in its entry (wire/virtio-net.ts);
 * - `off`: the host is told not to make any.
 */
export type Offload = 'split' | 'carry' | 'off';

/** What a device is to look like. Validated by `adapter/options.ts` before it gets here. */
export interface LinkConfig {
  /** Interface name, or undefined to let the host choose. */
  readonly name: string | undefined;
  readonly addresses: readonly AddressWithPrefix[];
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
  readonly routes: readonly RouteConfig[];
  /** Whether the host makes itself an fe80:: address on the device. */
  readonly ipv6LinkLocal: boolean;
  /** Packets the host queues in front of the device before it drops. */
  readonly hostQueueLength: number;
  /** `split` where the host can, else `off`; `carry` or failing. */
  readonly offload: Offload;
  /** Hardware queues, where the host has several; it has at least one. */
  readonly queues: number;
  /** Network namespace (name or path) the device is made in; undefined for the present one. */
  readonly netns: string | undefined;
  /** Whether the device stays when the link is closed. */
  readonly persist?: boolean | undefined;
  /** User, and group, who may attach to it later without the right to make one. */
  readonly owner?: number | undefined;
  readonly group?: number | undefined;
  /** What may move packets; see {@link LinkCapabilities.engine}. A link that has one alone takes no notice. */
  readonly engine: Engine;
  /** Taken notice of on Windows alone. */
  readonly wintun?: WintunOptions | undefined;
}

/** What can be changed while a link is open. Absent members stay as they are. */
export interface LinkReconfig {
  /** Replaces all addresses that were set through the link. */
  readonly addresses?: readonly AddressWithPrefix[];
  readonly mtu?: number;
  /** Replaces all routes that were set through the link. */
  readonly routes?: readonly RouteConfig[];
  readonly up?: boolean;
}

/** What a device looks like now, as read back from the host. */
export interface LinkInfo {
  /** Interface name. */
  readonly name: string;
  /** The host's interface index; undefined for a link the host has no index for. */
  readonly interfaceIndex: number | undefined;
  /** What the device is named after, where that is not the interface index (Windows: its LUID's). */
  readonly luidIndex?: number;
  /** Bytes. */
  readonly mtu: number;
  readonly up: boolean;
  /** Addresses of both families; a link-local one the host made itself included. */
  readonly addresses: readonly AddressWithPrefix[];
}

/** TCP over IPv4, TCP over IPv6, UDP over both. */
export type Segmentation = 'tso4' | 'tso6' | 'uso';

/** `auto`: the fastest that works here. */
export type Engine = 'auto' | 'io_uring' | 'syscalls';

/** What this link can do. Fixed while it is open. */
export interface LinkCapabilities {
  /**
   * What moves packets. `io_uring`: packets of a bundle are written with one system call, where they are
   * several; `syscalls`: each with one of its own; `ring`: through memory that is shared with the driver;
   * `memory`: none is needed.
   */
  readonly engine: 'io_uring' | 'syscalls' | 'ring' | 'memory';
  /** What was granted of the offload that was asked for. */
  readonly offload: Offload;
  /** Kinds of super-packets that the host makes, and takes. */
  readonly segmentation: readonly Segmentation[];
  /** Whether media state reaches the host as carrier. */
  readonly carrier: boolean;
  /**
   * Hardware queues. The host puts each flow's packets into one queue: that of the thread which last
   * gave it a packet of that flow, or, where none did, one that depends on the flow alone.
   */
  readonly queues: number;
  /** Whether changes that others make to the device are reported. */
  readonly events: boolean;
}

/** Filled by {@link Link.take} and {@link Link.discardPending}; the caller owns and reuses it. */
export class TakeResult {
  /** Packets written to the bundle, or discarded. */
  packets = 0;
  /** Their bytes, IP headers included, entry headers not. */
  octets = 0;
  /** Packets over the size limit that were discarded. */
  oversize = 0;
  /** Packets that could not be read as IPv4 or IPv6 and were discarded. */
  unreadable = 0;
  /**
   * Packets that were read and did not fit: their entries lie in {@link Link.remainder}, one after
   * the other, and belong at the head of the adapter's queue.
   */
  remainderPackets = 0;
  /** Their bytes, as `octets`. */
  remainderOctets = 0;
  /** A take ended since the host had no more. Otherwise the bundle was full, and it may have. */
  emptied = false;
  readonly #hand: Hand | undefined;

  /** `hand` is told of each packet the moment it is taken, whatever becomes of it. */
  constructor(hand?: Hand) {
    this.#hand = hand;
  }

  /** The link took `packets` more from the host. */
  note(packets: number): void {
    this.#hand?.add(packets);
  }

  reset(): void {
    this.packets = 0;
    this.octets = 0;
    this.oversize = 0;
    this.unreadable = 0;
    this.remainderPackets = 0;
    this.remainderOctets = 0;
    this.emptied = false;
  }
}

/** Filled by {@link Link.give}; the caller owns and reuses it. */
export class GiveResult {
  /** Packets the host took. */
  packets = 0;
  /** Their bytes, IP headers included. */
  octets = 0;
  /** Packets the host refused (an in error each); the rest of the bundle was still delivered. */
  refused = 0;

  reset(): void {
    this.packets = 0;
    this.octets = 0;
    this.refused = 0;
  }
}

/** `take` returns this when the host has removed the device or the link is closed. */
export const LINK_CLOSED = -1;

/** Something that happened to the device from outside. Changes made through the link are not events. */
export interface LinkEvent {
  readonly type: 'up' | 'down' | 'mtu' | 'address' | 'name' | 'removed';
  /** The device after the change; for `removed` as it was last seen. */
  readonly info: LinkInfo;
}

/** Readiness on the thread's event loop, level-triggered. Never keeps the loop alive. */
export interface LinkWatch {
  /** Calls back, from the event loop and never from within this call, while packets are there. */
  start(): void;
  /** No callback after this returns. */
  stop(): void;
}

/** What a link needs to know of the adapter that uses it from this thread. */
export interface LinkUser {
  /** This thread's number among those that use the adapter (sync/participants.ts). */
  readonly participant: number;
  readonly liveness: Liveness;
  /** The hardware queue this thread takes from, gives to and waits for. */
  readonly queue: number;
  /**
   * To be called, in the thread of the host, when packets have come, by a link whose host cannot
   * wake a parked thread by itself.
   */
  arrived(): void;
}

/** By which another thread attaches to a link: plain data for `postMessage`. */
export type LinkToken =
  | {
      readonly kind: 'linux';
      readonly medium: 'tun' | 'veth';
      /** The owner's descriptors, one a queue, of which a thread that attaches makes its own. */
      readonly fds: readonly number[];
      readonly memory: SharedArrayBuffer;
      readonly offload: Offload;
      readonly headers: boolean;
      readonly events: boolean;
      readonly segmentation: readonly Segmentation[];
      readonly engine: Engine;
      readonly info: LinkInfo;
    }
  | {
      readonly kind: 'memory';
      readonly memory: SharedArrayBuffer;
      readonly sendQueue: SharedArrayBuffer;
      readonly receiveQueue: SharedArrayBuffer;
      readonly hostQueueLength: number;
      readonly receiveQueueLength: number;
      readonly info: LinkInfo;
    };

/** Which link it is. */
export type LinkKind = 'linux' | 'veth' | 'windows' | 'macos' | 'memory';

export interface Link extends ParkingPlace {
  readonly kind: LinkKind;
  readonly capabilities: LinkCapabilities;
  /** The device as last read back or reported; of an attached thread, as the owner last told it. */
  readonly info: LinkInfo;
  /** Holds the bundle entries of what did not fit, from offset 0, until the next `take`. */
  readonly remainder: Uint8Array;

  /** Who uses the link in this thread. Once, before anything else. */
  join(user: LinkUser): void;

  /**
   * Makes a buffer of `bytes` zero bytes that `take` and `give` move with the fewest copies. The
   * caller's; not to be transferred to another thread.
   */
  createBuffer(bytes: number): Uint8Array;

  /**
   * Moves packets the host has sent into `bytes`, from `offset` (a multiple of 16) on, as bundle
   * entries, without waiting. Called with the TransitionLock held shared and the TAKE mutex held, or
   * with the TAKE mutex held while nothing is accepted.
   *
   * `bytes` is the caller's and is not kept. Entry padding is zeroed. At most `maxPackets`, out of the
   * hardware queue `queue`, by default the one joined with. Each packet is noted in `result` the moment it is taken, also one that is then discarded.
   * Returns the bytes of the bundle written, 0 when the host has nothing now (or nothing fits),
   * {@link LINK_CLOSED} when the device is gone. `result` is reset first and holds the counts also
   * when 0 or LINK_CLOSED is returned. Throws `BUFFER_DETACHED` when `bytes` is detached.
   */
  take(
    bytes: Uint8Array,
    offset: number,
    maxPackets: number,
    result: TakeResult,
    queue?: number,
  ): number;

  /**
   * Hands the packets of a validated bundle to the host: those that `index` lists, in order. Called
   * with the TransitionLock held shared, by several threads at once. Calls nobody back.
   *
   * `bytes` is the caller's and is not kept. A packet that the host refuses does not stop the rest;
   * its length in `index` is set to 0, so that the caller knows which ones arrived.
   * Returns the packets delivered, {@link LINK_CLOSED} when the device is gone (`result` then says
   * what was delivered before; what was not is counted as refused).
   */
  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number;

  /**
   * Called after `give`, under no lock: an in-process host handles what it was given, and may call
   * back into the adapter.
   */
  settle(): void;

  /** Sets the function that the event loop calls when packets are there; one per link. */
  watch(onReadable: () => void): LinkWatch;

  /** Sets the function that is told of outside changes; one per link. Owner only. */
  onEvent(listener: (event: LinkEvent) => void): void;

  /**
   * Sets the function that is told, from the event loop, when the host is about to sleep and when it
   * woke up; one per link, until it is closed. Owner only. Never called where the host does not tell.
   */
  onSystemSleep(listener: SleepListener): void;

  /** Tells the host whether anybody listens (carrier). Informs only; it gates nothing. */
  setMediaConnected(connected: boolean): void;

  /** Throws away what the host has sent so far; `result` says how much. As `take`. Does not wait. */
  discardPending(result: TakeResult, queue?: number): void;

  /**
   * Sets the hardware queues, one bit each, whose packets end `park` and call back `watch` in this thread
   * from now on; at first that which it joined with. Never asked of a link with one queue.
   */
  waitFor(queues: number): void;

  /**
   * Changes the device, reads back, and returns it as it is. Owner only. Throws `CONFIGURATION`
   * naming what was refused.
   */
  configure(change: LinkReconfig): LinkInfo;

  /**
   * Packets the host itself dropped in front of the device, ever. The owner may ask the host (about
   * 50 us); elsewhere as the owner last asked.
   */
  hostDrops(): number;

  /** Makes what another thread attaches by. Owner only; may be called again and again. */
  share(): LinkToken;

  /** What another process attaches by. Owner only; absent where other processes cannot. */
  handOver?(): LinkLoan;

  /** The device has changed, as the owner says. Attached threads only. */
  noteInfo(info: LinkInfo): void;

  /** A participant died: whatever it held of the link is released. By any thread, once. */
  bury(participant: number): void;

  /**
   * Of the owner: removes the device, when no thread is inside any more. Of an attached thread:
   * releases what this thread has; `last` when the owner is dead and nobody else is left, so that
   * what the owner left is released as well. Safe to call twice. Does not block the event loop.
   * Never rejects.
   */
  close(last?: boolean): Promise<void>;
}

/** Something that opens a link: what `Adapter.create({ link })` takes. */
export interface LinkProvider {
  /** Short name for messages: `linux`, `veth`, `windows`, `macos`, `memory`. */
  readonly name: string;
  /** Makes the device and configures it. Releases everything it took when it fails. */
  open(config: LinkConfig): Promise<Link>;
  /**
   * Attaches to a device that exists; absent where there is no such thing. Descriptors stay the caller's,
   * who may close them once it has settled: the link has its own.
   */
  attach?(config: AttachConfig): Promise<Link>;
}
