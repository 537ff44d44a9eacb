/** What the contract's tests are written in: the subject under test, and ways to use it. */

import assert from 'node:assert/strict';
import { type Link, type LinkConfig, TakeResult } from '#dist/link/link.js';
import { payloadOffset, udpPacket } from '../support/ip-packets.ts';
import { packetsOf, sleep, until } from '../support/link-use.ts';

/** One end of the datagrams. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** An open link and a host socket that sends to, and receives from, the far side of its device. */
export interface LinkSubject {
  readonly link: Link;
  /** What the link was opened with. */
  readonly config: LinkConfig;
  /** The host's socket: an IPv4 address of the device. */
  readonly local: Endpoint;
  /** Where it sends to: an address that is routed through the device. */
  readonly remote: Endpoint;
  /** Sends a datagram from local to remote. It is in front of the device when this is done. */
  hostSendUdp(payload: Uint8Array): void | Promise<void>;
  /**
   * Payloads the host's socket has received from remote since the last call. Waits, within reason,
   * until they are `atLeast`.
   */
  hostReceivedUdp(atLeast: number): Promise<Uint8Array[]>;
  /**
   * How many packets of so many bytes the host queues in front of the device, at the least queue there
   * is; by default what `hostQueueLength` says.
   */
  hostQueueHolds?(packetBytes: number): number;
  /** Whether the link has the right to change its device. Default true. */
  readonly mayConfigure?: boolean;
  /** Changes made past the link, if the test can make them. */
  readonly outside?: {
    setUp(up: boolean): void | Promise<void>;
    setMtu(mtu: number): void | Promise<void>;
    remove(): void | Promise<void>;
  };
  /** Closes the link and everything else. */
  close(): Promise<void>;
}

/** Opens a link as `change` asks, the rest being the maker's choice: up, media connected, no other traffic. */
export type MakeSubject = (change: Partial<LinkConfig>) => Promise<LinkSubject>;

/** Registers one test with a subject of its own. */
export type Contract = (
  what: string,
  run: (subject: LinkSubject) => void | Promise<void>,
  change?: Partial<LinkConfig>,
) => void;

export const PREFILL = 0xa5;
export const BUFFER_BYTES = 0x40000;
/** IPv4 and UDP. */
export const HEADERS = 28;

export interface Taken {
  readonly length: number;
  readonly packets: Uint8Array[];
  readonly result: TakeResult;
}

/** A datagram from remote to local. */
export function fromRemote({ local, remote }: LinkSubject, payload: Uint8Array): Uint8Array {
  return udpPacket(remote.address, remote.port, local.address, local.port, payload);
}

/** The payload of a datagram from local to remote; fails for any other packet. */
export function payloadOf(packet: Uint8Array, { local, remote }: LinkSubject): Uint8Array {
  const at = payloadOffset(packet);
  const payload = packet.subarray(at + 8);
  const expected = udpPacket(local.address, local.port, remote.address, remote.port, payload);
  assert.deepEqual(packet.subarray(12, 20), expected.subarray(12, 20), 'addresses');
  assert.deepEqual(packet.subarray(at, at + 6), expected.subarray(at, at + 6), 'ports and length');
  return payload;
}

export interface TakeOptions {
  readonly offset?: number;
  readonly maxPackets?: number;
  readonly buffer?: Uint8Array;
}

/** Takes once packets are there; checks the bundle whole. */
export async function takeOnce(
  subject: LinkSubject,
  { offset = 0, maxPackets = 256, buffer = prefilled() }: TakeOptions,
): Promise<Taken & { buffer: Uint8Array }> {
  const result = dirtyResult();
  const deadline = performance.now() + 2000;
  let length = 0;
  while (length === 0 && performance.now() < deadline) {
    length = subject.link.take(buffer, offset, maxPackets, result);
    if (length === 0) await sleep(1);
  }
  assert.ok(length > 0, 'a packet came within 2 s');
  assert.equal(length % 16, 0);
  // Validates sizes, versions and zero padding; the buffer was not zero before.
  const packets = packetsOf(buffer.slice(offset, offset + length), subject.link);
  assert.equal(packets.length, result.packets);
  assert.equal(
    result.octets,
    packets.reduce((sum, packet) => sum + packet.length, 0),
  );
  return { length, packets, result, buffer };
}

/** Takes until `count` packets have come; the results added up. */
export async function takeAll(subject: LinkSubject, count: number): Promise<Taken> {
  const packets: Uint8Array[] = [];
  const total = new TakeResult();
  let length = 0;
  while (packets.length < count) {
    const taken = await takeOnce(subject, {});
    packets.push(...taken.packets);
    length += taken.length;
    for (const key of Object.keys(taken.result) as (keyof TakeResult)[]) {
      if (key !== 'reset' && key !== 'note' && key !== 'emptied') total[key] += taken.result[key];
    }
    total.emptied = taken.result.emptied;
  }
  return { length, packets, result: total };
}

/** Waits until the link has something, without taking it. */
export async function untilPacket({ link }: LinkSubject): Promise<void> {
  let there = false;
  const watch = link.watch(() => {
    there = true;
    watch.stop();
  });
  watch.start();
  assert.ok(await until(() => there), 'a packet came');
}

export function packetsOfOrNone(bundle: Uint8Array, link: Link): Uint8Array[] {
  return bundle.length === 0 ? [] : packetsOf(bundle, link);
}

export function prefilled(): Uint8Array {
  return new Uint8Array(BUFFER_BYTES).fill(PREFILL);
}

/** A result with something in every field, to see that it is reset. */
export function dirtyResult(): TakeResult {
  return Object.assign(new TakeResult(), {
    packets: 99,
    octets: 99,
    oversize: 99,
    unreadable: 99,
    remainderPackets: 99,
    remainderOctets: 99,
  });
}

/** Memory in which word 0 says that a thread is parked. */
export function parkedWords(): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(16));
  words[0] = 1;
  return words;
}

export function timed(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}
