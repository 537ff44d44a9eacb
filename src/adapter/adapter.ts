/** The adapter as programs see it. */

import { EventEmitter } from 'node:events';
import { TunError, TunErrorCode } from '../errors.ts';
import type { Link, LinkEvent, LinkLoan } from '../link/link.ts';
import { attachMiniport } from './attach.ts';
import { adoptMiniport, createMiniport } from './create.ts';
import { Device } from './device.ts';
import {
  checkFromFd,
  checkOpen,
  type DescriptorOptions,
  type OpenOptions,
} from './existing-options.ts';
import { checkTakeOver, type HandedOver, type ReceiveSettings } from './handed-over.ts';
import { queryInformation, setInformation } from './information.ts';
import { showAs } from './inspect.ts';
import { deviceName } from './luid.ts';
import { Miniport } from './miniport.ts';
import { type AdapterChange, type AdapterOptions, checkChange } from './options.ts';
import { type AdapterProperties, readProperties } from './properties.ts';
import { lookUp, registered } from './registry.ts';
import type { AdapterToken, ShareResult } from './sharing.ts';
import { type AdapterState, type MediaState, POWER_STATES, PowerState } from './state.ts';
import { type AdapterStatistics, readStatistics } from './statistics.ts';
import type { Tap } from './tap.ts';

/** Events of an adapter with their arguments. Emitted after the change is complete. */
export interface AdapterEvents {
  state: [state: AdapterState, previous: AdapterState];
  media: [media: MediaState];
  power: [power: PowerState];
  /** Something that others did to the network interface. */
  link: [event: LinkEvent];
}

/** One line of {@link Adapter.list}. */
export interface AdapterDescription {
  readonly name: string;
  readonly luidIndex: number;
  /** `\\.\Device\WINTUN7` */
  readonly device: string;
  readonly link: Link['kind'];
  readonly state: AdapterState;
  readonly power: PowerState;
  readonly media: MediaState;
  readonly mtu: number;
  readonly addresses: readonly string[];
}

/** Power states a program may set. */
export type SettablePower = Exclude<PowerState, 'Unspecified'>;

/**
 * A network adapter of the operating system whose packets a program reads and writes in bundles.
 *
 * An object belongs to one thread; {@link Adapter.share} and {@link Adapter.attach} give the same
 * adapter to others. The adapter itself does not keep the process alive; open device handles do.
 * Close it, or declare it with `await using`: an adapter that is only dropped stays until the process
 * ends.
 */
export class Adapter extends EventEmitter<AdapterEvents> implements AsyncDisposable {
  readonly #miniport: Miniport;

  static {
    showAs(Adapter, (adapter) => describe(adapter.#miniport));
  }

  /** @internal Use {@link Adapter.create}. */
  constructor(miniport: Miniport) {
    super();
    if (!(miniport instanceof Miniport)) {
      throw new TypeError(
        'adapters are made by await Adapter.create({ ... }), not by new Adapter()',
      );
    }
    this.#miniport = miniport;
    miniport.setEvents({
      state: (state, previous) => this.#tell('state', state, previous),
      media: (media) => this.#tell('media', media),
      power: (power) => this.#tell('power', power),
      link: (event) => this.#tell('link', event),
    });
  }

  /**
   * Makes an adapter, configures it, and brings it up to Running.
   *
   * Rejects with TypeError or RangeError naming the option that is wrong, or with TunError:
   * `NO_PRIVILEGE`, `NO_DRIVER`, `NO_FFI`, `NAME_TAKEN`, `CONFIGURATION`, `NETNS`, `UNSUPPORTED`;
   * nothing is left behind then.
   */
  static async create(options: AdapterOptions = {}): Promise<Adapter> {
    return new Adapter(await createMiniport(options));
  }

  /**
   * Makes an adapter on an interface that exists and nobody is attached to: a persistent TUN, made by
   * `Adapter.create({ persist: true, owner })` or `ip tuntap add NAME mode tun user USER`. Its owner, and the
   * members of its group, need no right. Closing the adapter leaves the interface, with what was set on
   * it.
   *
   * Rejects with TypeError or RangeError naming what is wrong, or with TunError: `NOT_FOUND`; `NOT_TUN` for
   * another kind of interface; `BUSY` when another program is attached; `NO_PRIVILEGE` naming the owner, or
   * what was asked for and may not be set; `NO_DRIVER`, `NETNS`, `CONFIGURATION`, `UNSUPPORTED`, `NO_FFI`.
   */
  static async open(name: string, options: OpenOptions = {}): Promise<Adapter> {
    return new Adapter(await adoptMiniport(checkOpen(name, options)));
  }

  /**
   * Makes an adapter on a TUN device that somebody else opened: by a descriptor that this process has
   * inherited or been sent. Takes no right, but for what has to be changed. Also on one over a veth pair
   * (`link: 'veth'`): by its packet socket, of whose device `mtu` and `addresses` are what is said.
   *
   * When it resolves the descriptor is the adapter's, which closes it; until then, and when it rejects,
   * it is the caller's. It is made non-blocking, in every process that has it. The device itself goes
   * with the last descriptor of it, wherever that is, unless it is persistent; what the adapter has set
   * on it stays.
   *
   * Rejects with TypeError or RangeError naming what is wrong, or with TunError: `NOT_TUN` for a
   * descriptor that is not open, of something else, of a TAP, or of no device; `ADAPTER_REMOVED`; `UNSUPPORTED` for one with
   * protocol information in front of packets; `NO_PRIVILEGE` naming what was asked for and may not be
   * set; `CONFIGURATION`, `NO_FFI`.
   */
  static async fromFd(fd: number, options: DescriptorOptions = {}): Promise<Adapter> {
    return new Adapter(await adoptMiniport(checkFromFd(fd, options)));
  }

  /**
   * @internal Use `receiveAdapter`. As {@link Adapter.fromFd}, for a device as another process described
   * it, with all its queues.
   */
  static async takeOver(
    fds: readonly number[],
    description: HandedOver,
    settings: ReceiveSettings,
  ): Promise<Adapter> {
    return new Adapter(await adoptMiniport(checkTakeOver(fds, description, settings)));
  }

  /**
   * Attaches this thread to an adapter of another thread of the process, by a token of
   * {@link Adapter.share}. State, queue and counters are the same; events that other threads cause
   * come a little later. Handles opened here belong to this thread.
   *
   * Rejects with TypeError when it is no token, TunError `UNSUPPORTED` for a token of another
   * version, `INVALID_STATE` for one that was used, or whose adapter is gone.
   */
  static async attach(token: AdapterToken): Promise<Adapter> {
    return new Adapter(await attachMiniport(token));
  }

  /** The adapters that this thread has created or attached to, and not closed. */
  static async list(): Promise<AdapterDescription[]> {
    return registered()
      .filter((adapter): adapter is Miniport => adapter instanceof Miniport)
      .map(describe);
  }

  /** Interface name. */
  get name(): string {
    return this.#miniport.link.info.name;
  }

  /** Index in the adapter's LUID: the interface index; from 2^31 up for in-process adapters. */
  get luidIndex(): number {
    return this.#miniport.luidIndex;
  }

  /** Name of the device: `\\.\Device\WINTUN7`. */
  get deviceName(): string {
    return deviceName(this.#miniport.luidIndex);
  }

  /** Bytes of the largest packet. */
  get mtu(): number {
    return this.#miniport.link.info.mtu;
  }

  /** Addresses with prefix length, as the system has them. */
  get addresses(): readonly string[] {
    return this.#miniport.link.info.addresses;
  }

  get state(): AdapterState {
    return this.#miniport.shared.state;
  }

  get power(): PowerState {
    return this.#miniport.shared.power;
  }

  /** Connected while a device handle is open. */
  get media(): MediaState {
    return this.#miniport.shared.media;
  }

  /** Open device handles. */
  get openHandles(): number {
    return this.#miniport.shared.openHandles;
  }

  /** A snapshot of the counters. */
  get statistics(): AdapterStatistics {
    return readStatistics(this.#miniport.shared, this.#miniport.link);
  }

  /**
   * Makes a token by which one other thread attaches: `worker.postMessage(token, transfer)`, and in
   * the worker `Adapter.attach(token)`. When that thread ends, however it does, its handles are closed
   * and what it held is given back.
   *
   * @throws TunError `FORCED_CLOSED` when the adapter is gone; `UNSUPPORTED` in a thread that did not
   * create it, or with 64 threads.
   */
  share(): ShareResult {
    return this.#miniport.share();
  }

  /**
   * @internal Use `sendAdapter`. What another process attaches by: the loan is to be released.
   *
   * @throws TunError `FORCED_CLOSED` when the adapter is gone; `UNSUPPORTED` for one in process, or in a
   * thread that did not create it.
   */
  handOver(): LinkLoan & { readonly description: HandedOver } {
    const { shared, link } = this.#miniport;
    if (!shared.present) throw this.#miniport.closedError();
    if (link.handOver === undefined) throw notToHandOver();
    const { mtu, addresses } = this;
    const description = { mtu, addresses, offload: link.capabilities.offload };
    return { ...link.handOver(), description };
  }

  /**
   * @internal Use `capture` or `trace`. Lets `tap` look at what this thread reads and writes; returns what ends
   * that.
   *
   * @throws TunError `FORCED_CLOSED` when the adapter is gone.
   */
  tap(tap: Tap): () => void {
    this.#miniport.addTap(tap);
    return () => this.#miniport.removeTap(tap);
  }

  /** A snapshot of the properties. */
  get properties(): AdapterProperties {
    const { shared, link, options } = this.#miniport;
    return readProperties(shared, link, options);
  }

  /**
   * Opens a device handle. The first connects the media.
   *
   * @throws TunError `DELETE_PENDING` when the adapter is halted, halting or shut down.
   */
  openDevice(): Device {
    return new Device(this.#miniport);
  }

  /**
   * Stops the exchange: when it resolves the adapter is Paused, its queue is empty, and no packet
   * passes until {@link restart}. Joins a pause that is under way. Rejects with `INVALID_STATE`
   * unless the adapter is present.
   */
  pause(): Promise<void> {
    return this.#miniport.lifecycle.pause();
  }

  /** Lets packets pass again. What the system sent meanwhile is dropped and counted. */
  restart(): Promise<void> {
    return this.#miniport.lifecycle.restart();
  }

  /**
   * Sets device power: D1 to D3 stop the exchange and empty the queue, D0 resumes it. Configuration
   * and open handles stay.
   *
   * Rejects with TypeError for another value, `INVALID_STATE` unless the adapter is present.
   */
  async setPower(power: SettablePower): Promise<void> {
    if (!POWER_STATES.includes(power) || (power as PowerState) === PowerState.UNSPECIFIED) {
      throw new TypeError(`power is "${String(power)}"; give 'D0', 'D1', 'D2' or 'D3'`);
    }
    await this.#miniport.lifecycle.setPower(power);
  }

  /** Pauses with the queue cleared as aborted, so that nothing undelivered holds up a removal. */
  removalQuery(): Promise<void> {
    return this.#miniport.lifecycle.removalQuery();
  }

  /**
   * The system is going down: all reads fail, nothing is accepted any more. Close still applies.
   *
   * @throws TunError `UNSUPPORTED` in a thread that did not create the adapter.
   */
  shutdown(): void {
    this.#miniport.shutdown();
  }

  /**
   * Changes addresses, MTU or routes and reads them back.
   *
   * Rejects with TypeError or RangeError for the values, TunError `CONFIGURATION` when the system
   * refuses, `FORCED_CLOSED` when the adapter is gone, `UNSUPPORTED` in a thread that did not create
   * it.
   */
  async configure(change: AdapterChange): Promise<void> {
    this.#miniport.configure(checkChange(change, this));
  }

  /** Answers an NDIS query into `buffer`; returns the bytes written. See `Oid`. */
  queryInformation(oid: number, buffer: Uint8Array): number {
    return queryInformation(
      { shared: this.#miniport.shared, statistics: () => this.statistics },
      oid,
      buffer,
    );
  }

  /**
   * Applies an NDIS set request; resolves when it is in effect. See `Oid`. Rejects with
   * `OID_NOT_SUPPORTED`, `OID_TOO_SHORT`, `OID_INVALID_DATA`, `FORCED_CLOSED` when the adapter is gone.
   */
  async setInformation(oid: number, data: Uint8Array): Promise<void> {
    if (!this.#miniport.shared.present) throw this.#miniport.closedError();
    const power = setInformation(this.#miniport.shared, oid, data);
    if (power !== undefined) await this.setPower(power as SettablePower);
  }

  /**
   * Halts: the device name goes, waiting reads fail, handles are forced closed in all threads, the
   * interface is removed. In a thread that attached to the adapter: leaves it; its handles are closed,
   * and the adapter goes on. Safe to call twice.
   */
  close(): Promise<void> {
    return this.#miniport.halt();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A listener that throws must not break a transition half way: its error surfaces by itself. */
  #tell<K extends keyof AdapterEvents>(event: K, ...args: AdapterEvents[K]): void {
    try {
      (this as EventEmitter).emit(event, ...args);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}

/**
 * Opens the device of that name: `\\.\Device\WINTUN7`, `WINTUN7` or `7`.
 *
 * @throws TypeError for another form; TunError `NOT_FOUND`, `DELETE_PENDING`.
 */
export function openDevice(name: string): Device {
  return new Device(lookUp(name) as Miniport);
}

function notToHandOver(): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    'only a kernel adapter can be handed to another process, and only by the thread that created it',
  );
}

function describe(miniport: Miniport): AdapterDescription {
  const { link, shared, luidIndex } = miniport;
  return {
    name: link.info.name,
    luidIndex,
    device: deviceName(luidIndex),
    link: link.kind,
    state: shared.state,
    power: shared.power,
    media: shared.media,
    mtu: link.info.mtu,
    addresses: link.info.addresses,
  };
}
