/** Counts the packets of one bundle by kind of destination, then adds them up once per bundle. */

import type { Counters } from '../sync/counters.ts';
import { Counter } from '../sync/layout.ts';
import { DestinationKind, destinationKind } from '../wire/ip.ts';

/** The counters of one direction. */
const OUT = {
  octets: Counter.OUT_OCTETS,
  unicastPackets: Counter.OUT_UNICAST_PACKETS,
  unicastOctets: Counter.OUT_UNICAST_OCTETS,
  multicastPackets: Counter.OUT_MULTICAST_PACKETS,
  multicastOctets: Counter.OUT_MULTICAST_OCTETS,
  broadcastPackets: Counter.OUT_BROADCAST_PACKETS,
  broadcastOctets: Counter.OUT_BROADCAST_OCTETS,
} as const;

const IN = {
  octets: Counter.IN_OCTETS,
  unicastPackets: Counter.IN_UNICAST_PACKETS,
  unicastOctets: Counter.IN_UNICAST_OCTETS,
  multicastPackets: Counter.IN_MULTICAST_PACKETS,
  multicastOctets: Counter.IN_MULTICAST_OCTETS,
  broadcastPackets: Counter.IN_BROADCAST_PACKETS,
  broadcastOctets: Counter.IN_BROADCAST_OCTETS,
} as const;

const KINDS: number = Object.keys(DestinationKind).length;

export class Tally {
  readonly #packets = new Uint32Array(KINDS);
  readonly #octets = new Uint32Array(KINDS);

  reset(): void {
    // For so few places `fill` costs more than it writes.
    for (let i = 0; i < KINDS; i++) this.#packets[i] = 0;
    for (let i = 0; i < KINDS; i++) this.#octets[i] = 0;
  }

  /** Counts the packet of `size` bytes at `offset`. */
  add(bytes: Uint8Array, offset: number, size: number): void {
    const kind = destinationKind(bytes, offset);
    this.#packets[kind]! += 1;
    this.#octets[kind]! += size;
  }

  /** Adds what was counted to the `out` or the `in` counters. */
  addTo(counters: Counters, direction: 'out' | 'in'): void {
    const names = direction === 'out' ? OUT : IN;
    const packets = this.#packets;
    const octets = this.#octets;
    const unicast = octets[DestinationKind.UNICAST]!;
    const multicast = octets[DestinationKind.MULTICAST]!;
    const broadcast = octets[DestinationKind.BROADCAST]!;
    counters.add(names.octets, unicast + multicast + broadcast);
    counters.add(names.unicastPackets, packets[DestinationKind.UNICAST]!);
    counters.add(names.unicastOctets, unicast);
    counters.add(names.multicastPackets, packets[DestinationKind.MULTICAST]!);
    counters.add(names.multicastOctets, multicast);
    counters.add(names.broadcastPackets, packets[DestinationKind.BROADCAST]!);
    counters.add(names.broadcastOctets, broadcast);
  }
}
