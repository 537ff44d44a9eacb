/**
 * The way into the host: what arrives from the adapter is examined as a kernel would, from the
 * outside in, and handed to ICMP or UDP. Whatever a hostile writer sends is dropped and counted;
 * nothing here throws.
 */

import { IP_PROTOCOL_ICMP, IP_PROTOCOL_ICMPV6, IP_PROTOCOL_UDP } from '../../wire/ip.ts';
import type { MemoryDevice } from './device.ts';
import { ReceivedPacket } from './headers.ts';
import type { Icmp } from './icmp.ts';
import { tell } from './listeners.ts';
import type { Counting, ReceiveStatistics } from './statistics.ts';
import { PACKET } from './transmitter.ts';
import type { Udp } from './udp.ts';

export class Receiver {
  readonly #statistics: Counting<ReceiveStatistics>;
  readonly #device: () => MemoryDevice | undefined;
  readonly #icmp: Icmp;
  readonly #udp: Udp;
  readonly #packet = new ReceivedPacket();
  #listeners: readonly ((packet: Uint8Array) => void)[] = [];

  constructor(
    statistics: Counting<ReceiveStatistics>,
    device: () => MemoryDevice | undefined,
    icmp: Icmp,
    udp: Udp,
  ) {
    this.#statistics = statistics;
    this.#device = device;
    this.#icmp = icmp;
    this.#udp = udp;
  }

  /** See `MemoryHost.onPacket`. */
  listen(listener: (packet: Uint8Array) => void): () => void {
    const own = (packet: Uint8Array): void => listener(packet);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== own);
    };
  }

  /**
   * Receives the entry at `offset`, whose packet has `length` bytes. The packet may be changed (an
   * answer is made in its place) and is not kept. Listeners are called from here, first of all, and
   * may cause other packets to be received meanwhile.
   */
  receive(bytes: Uint8Array, offset: number, length: number): void {
    const start = offset + PACKET;
    const listeners = this.#listeners;
    for (let i = 0; i < listeners.length; i++) {
      tell(listeners[i]!, bytes.slice(start, start + length));
    }
    this.#statistics.packets++;
    this.#statistics.octets += length;
    const packet = this.#packet;
    const fault = packet.parse(bytes, start, length);
    if (fault !== undefined) this.#statistics[fault]++;
    else if (!packet.hasUnicastSource) this.#statistics.badSource++;
    else if (!this.#isMine(packet)) this.#statistics.notMine++;
    else this.#dispatch(packet);
  }

  #isMine(packet: ReceivedPacket): boolean {
    const device = this.#device();
    return device?.addressing.owns(packet.bytes, packet.destination, packet.family) === true;
  }

  #dispatch(packet: ReceivedPacket): void {
    const icmp = packet.family === 4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6;
    if (packet.protocol === icmp) this.#icmp.receive(packet);
    else if (packet.protocol === IP_PROTOCOL_UDP) this.#udp.receive(packet);
    else this.#statistics.unknownProtocol++;
  }
}
