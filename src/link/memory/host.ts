/** An IP host in memory, at the far side of the in-process link. */

import type { LinkEvent, LinkProvider } from '../link.ts';
import { type Clock, realClock } from './clock.ts';
import type { HostFaults } from './fault-options.ts';
import { checkKnown } from './known-names.ts';
import { MemoryLink } from './memory-link.ts';
import type { PingOptions, PingResult } from './ping.ts';
import { HostStack } from './stack.ts';
import type { HostStatistics } from './statistics.ts';
import type { UdpMessage, UdpSocket } from './udp.ts';

/** What `new MemoryHost` takes. Everything is optional. */
export interface MemoryHostOptions {
  /** Decides what the faults hit: any safe integer. Default 1, so that runs repeat. */
  readonly seed?: number | undefined;
  /** Faults by direction; none by default. */
  readonly faults?: HostFaults | undefined;
  /** Where delays and timeouts take their time from; a {@link VirtualClock} or the real one. */
  readonly clock?: Clock | undefined;
  /** Packets the host takes in one go before it refuses, at least 1. Default 1000. */
  readonly queueLength?: number | undefined;
}

const OPTION_NAMES = [
  'seed',
  'faults',
  'clock',
  'queueLength',
] as const satisfies readonly (keyof MemoryHostOptions)[];

const DEFAULT_SEED = 1;

/** As many as the other direction holds by default, and more than one bundle of 256. */
const DEFAULT_QUEUE_LENGTH = 1000;

/** Largest `queueLength`: what four full bundles hold; more only costs memory. */
const MAX_QUEUE_LENGTH = 1024;

/**
 * A host for tests and for machines without privileges: it owns the addresses of the adapter that is
 * opened on it, answers ICMP echo (both families) and UDP echo on port 7, answers other UDP ports
 * with "port unreachable", and sends pings and datagrams of its own. It checks every checksum.
 *
 * It is small on purpose: no fragments (neither made nor reassembled), no IPv6 extension headers, no
 * TCP, no neighbours. One adapter at a time. What it drops, and what its faults do, is counted in
 * {@link statistics}.
 *
 * Directions are the host's: it *sends* to the adapter and *receives* from it. It runs on the
 * thread that uses it, without ever keeping the process alive, except while a ping is awaited.
 *
 * ```ts
 * const host = new MemoryHost({ seed: 7, faults: { send: { loss: 0.1 } } });
 * const adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], link: host.provider() });
 * // ... the program under test reads and writes ...
 * const { received } = await host.ping('10.7.0.2');
 * ```
 */
export class MemoryHost {
  readonly #stack: HostStack;
  readonly #queueLength: number;

  /** @throws TypeError naming an option that there is not, RangeError one that is out of range. */
  constructor(options: MemoryHostOptions = {}) {
    checkKnown('new MemoryHost', options, OPTION_NAMES);
    const { queueLength = DEFAULT_QUEUE_LENGTH } = options;
    if (!(Number.isInteger(queueLength) && queueLength >= 1 && queueLength <= MAX_QUEUE_LENGTH)) {
      throw new RangeError(
        `queueLength is ${queueLength}; give a whole number from 1 to ${MAX_QUEUE_LENGTH} packets`,
      );
    }
    this.#queueLength = queueLength;
    this.#stack = new HostStack(
      options.seed ?? DEFAULT_SEED,
      options.clock ?? realClock,
      options.faults ?? {},
    );
  }

  /**
   * What to pass as `link` to `Adapter.create`. Opening fails with `INVALID_STATE` while another
   * adapter is open on this host, `NAME_TAKEN`, or `UNSUPPORTED`
   * (`netns`, `persist`, `owner`, `group`, and `carry`).
   */
  provider(): LinkProvider {
    return {
      name: 'memory',
      open: async (config) =>
        new MemoryLink(this.#stack.attach(config, this.#queueLength), this.#stack),
    };
  }

  /** Whether somebody listens on the adapter, as the adapter says; false when there is none. */
  get mediaConnected(): boolean {
    return this.#stack.device?.mediaConnected ?? false;
  }

  /** What the host has done so far. A snapshot. */
  get statistics(): HostStatistics {
    return this.#stack.statistics;
  }

  /**
   * Replaces the faults of the directions given, from the next packet on; `{}` ends them.
   *
   * @throws TypeError naming what there is not, RangeError naming the value; nothing is changed then.
   */
  setFaults(faults: HostFaults): void {
    this.#stack.setFaults(faults);
  }

  /**
   * Sends a copy of a whole IP packet into the adapter, as a raw socket would. Source address and
   * checksums are the caller's business.
   *
   * Returns whether it left. False when there is no device or it is down, the packet exceeds the MTU
   * (nothing is fragmented), no route leads there, or it is no IP packet; each is counted. Faults
   * and a full queue may still stop a packet that left, as they would any other.
   */
  send(packet: Uint8Array): boolean {
    return this.#stack.transmitter.sendPacket(packet);
  }

  /**
   * Puts bytes in front of the adapter past all checks and faults, as a broken driver would: what is
   * too long or no IP packet is for the adapter to throw away. Returns false when there is no device
   * or its queue is full.
   */
  inject(bytes: Uint8Array): boolean {
    return this.#stack.transmitter.inject(bytes);
  }

  /**
   * Calls `listener` with a copy of every packet that reaches the host, before it is examined: also
   * those it then drops. Returns a function that ends it.
   */
  onPacket(listener: (packet: Uint8Array) => void): () => void {
    return this.#stack.receiver.listen(listener);
  }

  /**
   * Sends an ICMP echo request to `destination` and waits for the reply. Never rejects for want of
   * one: `received` says so. Without a route or with more data than the MTU takes, at once.
   *
   * @throws TypeError for a wrong address, RangeError for a wrong option.
   */
  async ping(destination: string, options: PingOptions = {}): Promise<PingResult> {
    return await this.#stack.pings.send(this.#stack.device, destination, options);
  }

  /**
   * Binds a UDP port, 0 for a free one, on all addresses of the host. `listener` is called from
   * within the adapter's write, or from the event loop when a fault delays the datagram. A binding
   * of port 7 takes the place of the echo service.
   *
   * @throws RangeError for a wrong port, TunError `INVALID_STATE` when it is bound.
   */
  bindUdp(port: number, listener: (message: UdpMessage) => void): UdpSocket {
    return this.#stack.udp.bind(port, listener);
  }

  /** Sets the device up or down from outside: a link event. Down, it neither sends nor receives. */
  setUp(up: boolean): void {
    this.#change({ up }, up ? 'up' : 'down');
  }

  /** Changes the MTU from outside: a link event. Throws `CONFIGURATION` as configuring would. */
  setMtu(mtu: number): void {
    this.#change({ mtu }, 'mtu');
  }

  /** Replaces the addresses from outside: a link event. */
  setAddresses(addresses: readonly string[]): void {
    this.#change({ addresses }, 'address');
  }

  /** Removes the device from outside: the adapter's surprise removal. */
  removeDevice(): void {
    this.#stack.device?.remove('removed');
  }

  /** The machine goes to sleep: the adapter lowers its power, if it was on. */
  suspend(): void {
    this.#stack.device?.onSystemSleep('suspend');
  }

  /** The machine woke up: the adapter's power is as before the sleep. */
  resume(): void {
    this.#stack.device?.onSystemSleep('resume');
  }

  #change(
    change: { up: boolean } | { mtu: number } | { addresses: readonly string[] },
    event: LinkEvent['type'],
  ): void {
    this.#stack.device?.change(change, event);
  }
}
