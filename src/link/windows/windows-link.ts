/** The link over `wintun.dll`: takes, gives and waits; configures and closes. One thread's. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { MAX_BLOCK_MS, MAX_BUNDLE_PACKETS } from '../../limits.ts';
import { EventWatch } from '../../os/event-watch.ts';
import { createEvent, kernel32 } from '../../os/win32.ts';
import { type WindowsSleepWatch, watchWindowsSleep } from '../../os/windows-sleep.ts';
import type { BundleIndex } from '../../wire/bundle.ts';
import { lengthOf } from '../../wire/view.ts';
import {
  type GiveResult,
  LINK_CLOSED,
  type Link,
  type LinkCapabilities,
  type LinkInfo,
  type LinkReconfig,
  type LinkToken,
  type LinkWatch,
  type SleepListener,
  TakeResult,
} from '../link.ts';
import type { WindowsControl } from './control.ts';
import { detached } from './refusals.ts';
import { RingPath, refuseRest, takenOf } from './ring-path.ts';
import type { Session } from './session.ts';

const CAPABILITIES: LinkCapabilities = {
  engine: 'ring',
  offload: 'off',
  segmentation: [],
  // A session is what Windows sees as carrier, and packets pass only with one.
  carrier: false,
  queues: 1,
  events: false,
};

/** Bytes taken at once when packets are thrown away: some dozens of ordinary packets. */
const SINK_BYTES = 0x40000;
let sink: Uint8Array | undefined;
/** Bytes that a packet takes in a ring at least: its size in front, and alignment (wintun.h, Wintun's README). */
const LEAST_IN_RING = 8;

/** The adapter, as the link leaves it behind. */
export interface AdapterHandle {
  /** Removes the adapter, or lets go of one that others made. Once. */
  close(): Promise<void>;
  /** Whether it stays when this program lets go of it. */
  readonly stays: boolean;
}

export class WindowsLink implements Link {
  readonly kind = 'windows' as const;
  readonly capabilities: LinkCapabilities = CAPABILITIES;
  readonly #adapter: AdapterHandle;
  readonly #session: Session;
  readonly #control: WindowsControl;
  readonly #path: RingPath;
  readonly #events: EventWatch;
  /** Auto reset: ends a `park`. */
  readonly #quit: number;
  /** What `park` waits for: to quit, packets known of, packets heard of. */
  readonly #handles: BigUint64Array;
  readonly #discarded = new TakeResult();
  readonly #powerLibrary: string | undefined;
  #sleep: WindowsSleepWatch | undefined;
  #info: LinkInfo;
  #closing: Promise<void> | undefined;

  /** Takes over all of it; `info` is the device as it was set up. */
  constructor(
    adapter: AdapterHandle,
    session: Session,
    control: WindowsControl,
    info: LinkInfo,
    powerLibrary?: string,
  ) {
    this.#adapter = adapter;
    this.#session = session;
    this.#control = control;
    this.#info = info;
    this.#powerLibrary = powerLibrary;
    this.#path = new RingPath(session);
    this.#quit = createEvent(false);
    this.#events = new EventWatch(session.ready);
    this.#handles = BigUint64Array.of(BigInt(this.#quit), BigInt(session.ready), 0n);
    this.#follow();
  }

  get info(): LinkInfo {
    return this.#info;
  }

  get remainder(): Uint8Array {
    return this.#path.remainder;
  }

  join(): void {
    // There is one thread, and Windows wakes it.
  }

  createBuffer(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }

  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    result.reset();
    if (this.#session.gone) return LINK_CLOSED;
    // A detached view has no bytes at all, and no caller takes into nothing.
    const capacity = lengthOf(bytes);
    if (capacity === 0 || offset > capacity) throw detached();
    if (this.#session.handle === 0) {
      result.emptied = true;
      return 0;
    }
    const length = this.#path.take(bytes, offset, maxPackets, this.#info.mtu, result);
    if (length === LINK_CLOSED) this.#session.markGone();
    return length;
  }

  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    result.reset();
    if (this.#session.gone || this.#session.handle === 0) {
      refuseRest(index, 0, result);
      return this.#session.gone ? LINK_CLOSED : 0;
    }
    const given = this.#path.give(bytes, index, result);
    if (given === LINK_CLOSED) this.#session.markGone();
    return given;
  }

  settle(): void {
    // Windows has what was written to the ring.
  }

  park(_participant: number, words: Int32Array, index: number, timeoutMs: number): void {
    if (this.#session.gone || Atomics.load(words, index) !== 1) return;
    const count = this.#handles[SIGNAL] === 0n ? SIGNAL : this.#handles.length;
    const ms = Math.ceil(Math.min(Math.max(timeoutMs, 0), MAX_BLOCK_MS));
    const which = kernel32().waitForAny(count, this.#handles, 0, ms);
    // It has reset itself: whoever else waits is told by the other.
    if (which === SIGNAL) kernel32().setEvent(this.#session.ready);
  }

  unpark(): void {
    if (this.#closing === undefined) kernel32().setEvent(this.#quit);
  }

  watch(onReadable: () => void): LinkWatch {
    return this.#events.watch(onReadable);
  }

  onEvent(): void {
    // Windows would tell from threads of its own; what others change is not reported.
  }

  onSystemSleep(listener: SleepListener): void {
    this.#sleep = watchWindowsSleep(listener, this.#powerLibrary);
  }

  setMediaConnected(): void {
    // See `CAPABILITIES.carrier`.
  }

  discardPending(result: TakeResult): void {
    const total = this.#discarded;
    total.reset();
    sink ??= new Uint8Array(SINK_BYTES);
    // Bounded: more than the ring holds was sent after this call began.
    const { ringBytes } = this.#session;
    while (total.octets <= ringBytes && takenOf(total) * LEAST_IN_RING <= ringBytes) {
      this.take(sink, 0, MAX_BUNDLE_PACKETS, result);
      const whole = result.packets + result.remainderPackets;
      total.packets += whole;
      total.octets += result.octets + result.remainderOctets;
      total.oversize += result.oversize;
      total.unreadable += result.unreadable;
      if (result.emptied || takenOf(result) + result.remainderPackets === 0) break;
    }
    result.reset();
    result.packets = total.packets;
    result.octets = total.octets;
    result.oversize = total.oversize;
    result.unreadable = total.unreadable;
  }

  waitFor(): void {
    // There is one.
  }

  configure({ up, ...change }: LinkReconfig): LinkInfo {
    if (up === true) this.#session.begin();
    this.#info = { ...this.#control.change(change), up: this.#session.handle !== 0 };
    if (up === false) this.#session.end();
    this.#follow();
    this.#info = { ...this.#info, up: this.#session.handle !== 0 };
    return this.#info;
  }

  hostDrops(): number {
    return this.#control.hostDrops();
  }

  share(): LinkToken {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      'an adapter on Windows cannot be shared with other threads in this release: a thread that ends in the middle of a packet would stop the ring for all; use it in the thread that created it',
    );
  }

  noteInfo(): void {
    // The owner is who knows.
  }

  bury(): void {
    // Nobody else takes part.
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    this.#sleep?.close();
    this.#control.close();
    this.#session.markGone();
    kernel32().setEvent(this.#quit);
    await this.#events.close();
    if (this.#adapter.stays) this.#control.clear();
    this.#session.close();
    kernel32().closeHandle(this.#quit);
    await this.#adapter.close();
  }

  /** Waits from now on for the present session's event. */
  #follow(): void {
    this.#handles[SIGNAL] = BigInt(this.#session.signal);
    this.#events.signal = this.#session.signal;
    this.#session.closeSignals((event) => this.#events.isUsed(event));
  }
}

/** Where the session's event lies among what `park` waits for. */
const SIGNAL = 2;
