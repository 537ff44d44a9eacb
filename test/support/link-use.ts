/** Using a link directly, without an adapter. */

import { entryBytes } from '#dist/limits.js';
import { GiveResult, type Link, type LinkConfig, TakeResult } from '#dist/link/link.js';
import { createBundleIndex, HOST_LITTLE_ENDIAN, indexBundle } from '#dist/wire/bundle.js';
import { BundleWriter } from '#dist/wire/bundle-writer.js';
import { swapAddresses } from '#dist/wire/ip.js';
import { isCarriedPadding } from '#dist/wire/virtio-net.js';

/** Room for 256 packets of 1500 bytes, or some large ones. */
const BUFFER_BYTES = 0x80000;

export const linkConfig: LinkConfig = {
  name: undefined,
  addresses: ['10.7.0.1/24', 'fd07::1/64'],
  mtu: 1500,
  routes: [],
  ipv6LinkLocal: false,
  hostQueueLength: 1000,
  offload: 'split',
  queues: 1,
  netns: undefined,
  engine: 'auto',
};

const buffer = new Uint8Array(BUFFER_BYTES);

/** Takes one bundle and returns copies of its packets. */
export function takePackets(link: Link, maxPackets = 256): Uint8Array[] {
  const length = link.take(buffer, 0, maxPackets, new TakeResult());
  return length <= 0 ? [] : packetsOf(buffer.subarray(0, length), link);
}

/** Copies of the packets of a bundle, which is checked as one that the link's users get. */
export function packetsOf(bundle: Uint8Array, { capabilities }: Link): Uint8Array[] {
  const index = createBundleIndex();
  const carried = capabilities.offload === 'carry' ? [HOST_LITTLE_ENDIAN, isCarriedPadding] : [];
  indexBundle(bundle, bundle.length, index, ...(carried as []));
  return Array.from({ length: index.count }, (_, i) =>
    bundle.slice(index.offsets[i], index.offsets[i]! + index.lengths[i]!),
  );
}

/** A bundle of `packets`. */
export function bundleOf(packets: readonly Uint8Array[]): Uint8Array {
  const bytes = packets.reduce((sum, packet) => sum + entryBytes(packet.length), 0);
  const writer = new BundleWriter(new Uint8Array(bytes));
  for (const packet of packets) writer.append(packet);
  return writer.finish();
}

/** What a give did: its return value, its result, and the lengths it left in the index. */
export interface Given {
  readonly delivered: number;
  readonly result: GiveResult;
  readonly lengths: number[];
}

/** Gives `packets` as one bundle. */
export function givePackets(link: Link, packets: readonly Uint8Array[]): Given {
  const bundle = bundleOf(packets);
  const index = createBundleIndex();
  const result = new GiveResult();
  indexBundle(bundle, bundle.byteLength, index);
  const delivered = link.give(bundle, index, result);
  link.settle();
  return { delivered, result, lengths: [...index.lengths.subarray(0, index.count)] };
}

/** Takes what is there, exchanges the addresses, gives it back. Returns the packets reflected. */
export function reflect(link: Link): number {
  const packets = takePackets(link);
  for (const packet of packets) swapAddresses(packet, 0);
  if (packets.length > 0) givePackets(link, packets);
  return packets.length;
}

/** Reflects until nothing comes any more. */
export function reflectAll(link: Link): void {
  while (reflect(link) > 0);
}

/** Waits, holding the event loop, until `done` or the time is up; returns whether it was done. */
export async function until(done: () => boolean, timeoutMs = 2000): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!done() && performance.now() < deadline) await sleep(1);
  return done();
}

/** Holds the event loop for `ms`. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
