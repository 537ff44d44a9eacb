/**
 * The network interface between the in-memory host and the adapter, as the host's thread sees it:
 * its configuration, and what lies in shared memory (device-memory.ts).
 *
 * ```
 *  host ──► sendQueue (hostQueueLength, tail drop) ──► Link.take
 *  host ◄── receiveQueue (refuses when full) ◄──────── Link.give
 * ```
 */

import { TunError, TunErrorCode } from '../../errors.ts';
import {
  entryBytes,
  MAX_BUNDLE_BYTES,
  MAX_MTU,
  MAX_PACKET_BYTES,
  MAX_QUEUE_BYTES,
  MIN_MTU,
  MIN_MTU_IPV6,
  MIN_QUEUE_BYTES,
} from '../../limits.ts';
import { createPacketQueueMemory } from '../../sync/queue-layout.ts';
import { isPacket } from '../../wire/bundle.ts';
import type {
  LinkConfig,
  LinkEvent,
  LinkInfo,
  LinkReconfig,
  RouteConfig,
  SleepListener,
} from '../link.ts';
import { Addressing } from './addressing.ts';
import { DEVICE_WORDS_BYTES, DeviceMemory, type DeviceToken, DeviceWord } from './device-memory.ts';
import { Turn } from './turn.ts';

/** The address a host makes itself with `ipv6LinkLocal`. Each host is alone on its link. */
const LINK_LOCAL_ADDRESS = 'fe80::1/64';

export class MemoryDevice {
  readonly name: string;
  /** This thread's view of the shared part. */
  readonly memory: DeviceMemory;
  readonly #parts: Omit<DeviceToken, 'kind' | 'info'>;
  /** Called, possibly often, when there is something to take. Not to do any work itself. */
  onReadable: () => void = () => undefined;
  /** The same, for threads that are parked. */
  onArrival: () => void = () => undefined;
  onEvent: (event: LinkEvent) => void = () => undefined;
  onSystemSleep: SleepListener = () => undefined;
  /** Host's clean-up when the device goes. */
  onGone: () => void = () => undefined;
  readonly #hostQueueLength: number;
  readonly #linkLocal: boolean;
  readonly #eventTurn = new Turn(() => this.#tellEvents());
  #events: LinkEvent[] = [];
  #addressing: Addressing;
  #set: { addresses: readonly string[]; routes: readonly RouteConfig[] };

  /** `receiveQueueLength`: packets the host takes in one go before it refuses. */
  constructor(name: string, config: LinkConfig, receiveQueueLength: number) {
    this.name = name;
    this.#linkLocal = config.ipv6LinkLocal;
    this.#hostQueueLength = config.hostQueueLength;
    this.#set = { addresses: config.addresses, routes: config.routes };
    this.#addressing = this.#address(this.#set.addresses, this.#set.routes);
    checkMtu(config.mtu, this.#addressing);
    // Made for the largest MTU; pages that are never touched cost nothing.
    const most = this.#sendQueueBytes(MAX_MTU);
    this.#parts = {
      memory: new SharedArrayBuffer(DEVICE_WORDS_BYTES),
      sendQueue: createPacketQueueMemory(config.hostQueueLength, most),
      receiveQueue: createPacketQueueMemory(receiveQueueLength, MAX_BUNDLE_BYTES),
      hostQueueLength: config.hostQueueLength,
      receiveQueueLength,
    };
    this.memory = new DeviceMemory(this.#parts);
    this.memory.growSendQueue(this.#sendQueueBytes(config.mtu));
    this.memory.growReceiveQueue(MAX_BUNDLE_BYTES);
    this.memory.set(DeviceWord.MTU, config.mtu);
    this.memory.set(DeviceWord.UP, 1);
  }

  get addressing(): Addressing {
    return this.#addressing;
  }

  get mtu(): number {
    return this.memory.get(DeviceWord.MTU);
  }

  get up(): boolean {
    return this.memory.get(DeviceWord.UP) !== 0;
  }

  /** The device was removed, by the host or by closing its link. */
  get gone(): boolean {
    return this.memory.gone;
  }

  /** Whether somebody listens on the adapter. */
  get mediaConnected(): boolean {
    return this.memory.get(DeviceWord.MEDIA) !== 0;
  }

  get info(): LinkInfo {
    return {
      name: this.name,
      interfaceIndex: undefined,
      mtu: this.mtu,
      up: this.up,
      addresses: this.#addressing.addresses,
    };
  }

  /** By which another thread attaches. */
  get token(): DeviceToken {
    return { kind: 'memory', ...this.#parts, info: this.info };
  }

  /** Queues an entry for the adapter. Returns false when the queue is full: it is dropped, counted. */
  enqueue(bytes: Uint8Array, offset: number, length: number): boolean {
    if (!this.memory.send(bytes, offset, length)) {
      this.memory.add(DeviceWord.HOST_DROPS, 1);
      return false;
    }
    this.#arrived();
    return true;
  }

  /** Notes a packet that the adapter has to throw away; returns false when it is a usable one. */
  noteUnusable(packet: Uint8Array): boolean {
    if (packet.length > MAX_PACKET_BYTES) this.memory.add(DeviceWord.OVERSIZE, 1);
    else if (isPacket(packet[0] ?? 0, packet.length)) return false;
    else this.memory.add(DeviceWord.UNREADABLE, 1);
    this.#arrived();
    return true;
  }

  /**
   * Changes the device, wholly or not at all. `event` is the change to report, if it came from
   * outside.
   *
   * @throws TunError `CONFIGURATION` naming what is refused.
   */
  change(change: LinkReconfig, event?: LinkEvent['type']): LinkInfo {
    if (this.gone) {
      throw configurationError(
        `"${this.name}" cannot be configured: the device is gone; open another`,
      );
    }
    const addresses = change.addresses ?? this.#set.addresses;
    const routes = change.routes ?? this.#set.routes;
    const addressing = this.#address(addresses, routes);
    const mtu = change.mtu ?? this.mtu;
    checkMtu(mtu, addressing);
    this.#set = { addresses, routes };
    this.#addressing = addressing;
    this.memory.set(DeviceWord.MTU, mtu);
    this.memory.set(DeviceWord.UP, (change.up ?? this.up) ? 1 : 0);
    this.memory.growSendQueue(this.#sendQueueBytes(mtu));
    if (event !== undefined) this.#report(event);
    return this.info;
  }

  /** Takes the device away; `event` when it was the host and not the link. */
  remove(event?: 'removed'): void {
    if (this.gone) return;
    this.memory.set(DeviceWord.GONE, 1);
    this.memory.add(DeviceWord.HOST_DROPS, this.memory.clear());
    this.memory.signal();
    this.onGone();
    if (event !== undefined) this.#report(event);
  }

  /** No event is reported after this returns. */
  silence(): void {
    this.#events = [];
    this.#eventTurn.cancel();
  }

  #arrived(): void {
    this.onReadable();
    this.onArrival();
  }

  #address(addresses: readonly string[], routes: readonly RouteConfig[]): Addressing {
    return new Addressing(this.#linkLocal ? [...addresses, LINK_LOCAL_ADDRESS] : addresses, routes);
  }

  #sendQueueBytes(mtu: number): number {
    const wanted = this.#hostQueueLength * entryBytes(mtu);
    return Math.min(Math.max(wanted, MIN_QUEUE_BYTES), MAX_QUEUE_BYTES);
  }

  #report(type: LinkEvent['type']): void {
    this.#events.push({ type, info: this.info });
    this.#eventTurn.request();
  }

  #tellEvents(): void {
    const events = this.#events;
    this.#events = [];
    for (const event of events) this.onEvent(event);
  }
}

function checkMtu(mtu: number, addressing: Addressing): void {
  if (!(mtu >= MIN_MTU && mtu <= MAX_MTU)) {
    throw configurationError(`the MTU ${mtu} is refused; choose ${MIN_MTU} to ${MAX_MTU} bytes`);
  }
  if (addressing.hasIpv6 && mtu < MIN_MTU_IPV6) {
    throw configurationError(
      `the MTU ${mtu} is refused with the IPv6 addresses of ${addressing.addresses.join(', ')}; IPv6 takes at least ${MIN_MTU_IPV6}`,
    );
  }
}

function configurationError(message: string): TunError {
  return new TunError(TunErrorCode.CONFIGURATION, message);
}
