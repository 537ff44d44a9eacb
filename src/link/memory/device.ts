/**
 * The network interface between the in-memory host and the adapter: its configuration, and two
 * queues in shared memory.
 *
 * ```
 *  host ──► sendQueue (hostQueueLength, tail drop) ──► Link.take
 *  host ◄── receiveQueue (refuses when full) ◄──────── Link.give
 * ```
 */

import { TunError, TunErrorCode } from '../../errors.ts';
import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  MAX_BUNDLE_BYTES,
  MAX_MTU,
  MAX_PACKET_BYTES,
  MAX_QUEUE_BYTES,
  MIN_MTU,
  MIN_MTU_IPV6,
  MIN_QUEUE_BYTES,
} from '../../limits.ts';
import { createPacketQueueMemory, PacketQueue } from '../../sync/packet-queue.ts';
import { isPacket } from '../../wire/bundle.ts';
import type { LinkConfig, LinkEvent, LinkInfo, LinkReconfig, RouteConfig } from '../link.ts';
import { Addressing } from './addressing.ts';
import { Turn } from './turn.ts';

/** The address a host makes itself with `ipv6LinkLocal`. Each host is alone on its link. */
const LINK_LOCAL_ADDRESS = 'fe80::1/64';

export class MemoryDevice {
  readonly name: string;
  readonly sendQueue: PacketQueue;
  readonly receiveQueue: PacketQueue;
  /** Packets dropped at the tail of {@link sendQueue}, ever. */
  hostDrops = 0;
  /** Packets injected that no bundle can hold; the next take reports and forgets them. */
  oversize = 0;
  /** Packets injected that are not IP; the next take reports and forgets them. */
  unreadable = 0;
  mediaConnected = false;
  /** Called, possibly often, when {@link readable} has become true. Not to do any work itself. */
  onReadable: () => void = () => undefined;
  onEvent: (event: LinkEvent) => void = () => undefined;
  /** Host's clean-up when the device goes. */
  onGone: () => void = () => undefined;
  readonly #hostQueueLength: number;
  readonly #linkLocal: boolean;
  readonly #eventTurn = new Turn(() => this.#tellEvents());
  #events: LinkEvent[] = [];
  #addressing: Addressing;
  #set: { addresses: readonly string[]; routes: readonly RouteConfig[] };
  #mtu: number;
  #up = true;
  #gone = false;

  /** `receiveQueueLength`: packets the host takes in one go before it refuses. */
  constructor(name: string, config: LinkConfig, receiveQueueLength: number) {
    this.name = name;
    this.#mtu = config.mtu;
    this.#linkLocal = config.ipv6LinkLocal;
    this.#hostQueueLength = config.hostQueueLength;
    this.#set = { addresses: config.addresses, routes: config.routes };
    this.#addressing = this.#address(this.#set.addresses, this.#set.routes);
    checkMtu(config.mtu, this.#addressing);
    this.sendQueue = createQueue(
      config.hostQueueLength,
      this.#sendQueueBytes(config.mtu),
      this.#sendQueueBytes(MAX_MTU),
    );
    this.receiveQueue = createQueue(receiveQueueLength, MAX_BUNDLE_BYTES, MAX_BUNDLE_BYTES);
  }

  get addressing(): Addressing {
    return this.#addressing;
  }

  get mtu(): number {
    return this.#mtu;
  }

  get up(): boolean {
    return this.#up;
  }

  /** The device was removed, by the host or by closing its link. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Whether a take would have something to report. */
  get readable(): boolean {
    return this.sendQueue.count + this.oversize + this.unreadable > 0;
  }

  get info(): LinkInfo {
    return {
      name: this.name,
      interfaceIndex: undefined,
      mtu: this.#mtu,
      up: this.#up,
      addresses: this.#addressing.addresses,
    };
  }

  /** Queues an entry for the adapter. Returns false when the queue is full: it is dropped, counted. */
  enqueue(bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.sendQueue.push(bytes, offset, length) > 0) {
      this.hostDrops++;
      return false;
    }
    this.onReadable();
    return true;
  }

  /** Notes a packet that the adapter has to throw away; returns false when it is a usable one. */
  noteUnusable(packet: Uint8Array): boolean {
    if (packet.length > MAX_PACKET_BYTES) this.oversize++;
    else if (!isPacket(packet[0] ?? 0, packet.length)) this.unreadable++;
    else return false;
    this.onReadable();
    return true;
  }

  /**
   * Takes an entry for the host. Returns false when it is down, has no room, or the packet is not IP
   * (any more: a bundle's memory may be shared with a thread that changes it).
   */
  accept(bytes: Uint8Array, offset: number, length: number): boolean {
    return (
      this.#up &&
      isPacket(bytes[offset + ENTRY_HEADER_BYTES]!, length) &&
      this.receiveQueue.push(bytes, offset, length) === 0
    );
  }

  /**
   * Changes the device, wholly or not at all. `event` is the change to report, if it came from
   * outside.
   *
   * @throws TunError `CONFIGURATION` naming what is refused.
   */
  change(change: LinkReconfig, event?: LinkEvent['type']): LinkInfo {
    if (this.#gone) {
      throw configurationError(
        `"${this.name}" cannot be configured: the device is gone; open another`,
      );
    }
    const addresses = change.addresses ?? this.#set.addresses;
    const routes = change.routes ?? this.#set.routes;
    const addressing = this.#address(addresses, routes);
    const mtu = change.mtu ?? this.#mtu;
    checkMtu(mtu, addressing);
    this.#set = { addresses, routes };
    this.#addressing = addressing;
    this.#mtu = mtu;
    this.#up = change.up ?? this.#up;
    this.sendQueue.growTo(this.#sendQueueBytes(mtu));
    if (event !== undefined) this.#report(event);
    return this.info;
  }

  /** Takes the device away; `event` when it was the host and not the link. */
  remove(event?: 'removed'): void {
    if (this.#gone) return;
    this.#gone = true;
    this.sendQueue.clear();
    this.receiveQueue.clear();
    this.oversize = 0;
    this.unreadable = 0;
    this.onGone();
    if (event !== undefined) this.#report(event);
  }

  /** No event is reported after this returns. */
  silence(): void {
    this.#events = [];
    this.#eventTurn.cancel();
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

function createQueue(maxPackets: number, maxBytes: number, mostBytes: number): PacketQueue {
  // The memory is made for the largest MTU; pages that are never touched cost nothing.
  const memory = createPacketQueueMemory(maxPackets, mostBytes);
  return new PacketQueue(memory, { maxPackets, maxBytes, policy: 'drop-newest' });
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
