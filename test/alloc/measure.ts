/**
 * Heap bytes per packet of the packet path, printed as JSON. A program of its own because it needs
 * `--expose-gc` and a young generation so large that nothing is collected while it measures.
 *
 * What a bundle costs (a promise, a result object) is allowed, so heap growth with few and with many
 * packets per bundle is compared: the slope is what a packet costs.
 */

import { Adapter, BundleReader, BundleWriter, swapAddresses } from 'typetun';
import { MemoryHost } from 'typetun/testing';
import { DataPath } from '#dist/adapter/data-path.js';
import { SharedAdapter } from '#dist/adapter/shared-adapter.js';
import { packet } from '../support/packets.ts';
import { ScriptedLink } from '../support/scripted-link.ts';

const FEW = 8;
const MANY = 248;
const BUNDLES = 200;
const SAMPLES = 7;
const WARM_UP = 3000;
const PACKET_BYTES = 1400;
const BUFFER_BYTES = 256 * 1424;

const gc = globalThis.gc;
if (gc === undefined) throw new Error('run with --expose-gc');

/** The least heap growth per call in several samples: what is left is not noise. */
function leastGrowth(run: (packets: number) => void, packets: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < SAMPLES; sample++) {
    gc!();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < BUNDLES; i++) run(packets);
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / BUNDLES);
  }
  return least;
}

function slope(run: (packets: number) => void): number {
  for (let i = 0; i < WARM_UP; i++) run(i % 2 === 0 ? FEW : MANY);
  return (leastGrowth(run, MANY) - leastGrowth(run, FEW)) / (MANY - FEW);
}

/** An object per packet: what the measurement must see. */
function control(): number {
  const kept: unknown[] = new Array(MANY).fill(0);
  return slope((packets) => {
    for (let i = 0; i < packets; i++) kept[i] = { i, packets };
  });
}

/** Link to reader, reader to link, link to queue, queue to reader. */
function dataPath(): number {
  const shared = new SharedAdapter({ dropPolicy: 'drop-oldest', queueBytes: undefined, mtu: 1500 });
  const link = new ScriptedLink(packet(1, PACKET_BYTES));
  const path = new DataPath(shared, link);
  link.accept(shared);
  const buffer = new Uint8Array(BUFFER_BYTES);
  return slope((packets) => {
    link.offer(packets);
    const bundle = path.read(buffer);
    path.write(buffer, bundle!.byteLength, () => undefined);
    link.offer(packets);
    while (path.prefetch());
    path.read(buffer);
  });
}

function codec(): number {
  const one = packet(1, PACKET_BYTES);
  const writer = new BundleWriter(new Uint8Array(BUFFER_BYTES));
  const reader = new BundleReader();
  return slope((packets) => {
    writer.reset();
    for (let i = 0; i < packets; i++) writer.append(one);
    reader.reset(writer.bytes, writer.length);
    while (reader.next()) swapAddresses(writer.bytes, reader.offset);
  });
}

/** Reading and reflecting over the kernel's TUN; undefined without the right to make one. */
async function kernel(): Promise<number | undefined> {
  if (process.argv[2] !== 'kernel') return undefined;
  const { createSocket } = await import('node:dgram');
  await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], hostQueueLength: 1000 });
  const device = adapter.openDevice();
  const socket = createSocket('udp4').bind(0, '10.7.0.1');
  await new Promise((resolve) => socket.once('listening', resolve));
  const buffer = new Uint8Array(BUFFER_BYTES);
  // What is measured is only reading and writing: the packets are sent before, outside of it.
  const cost = async (packets: number): Promise<number> => {
    let least = Number.POSITIVE_INFINITY;
    for (let sample = 0; sample < 8 * SAMPLES; sample++) {
      for (let i = 0; i < packets; i++) {
        await new Promise((resolve) => socket.send(Buffer.alloc(1000), 9, '10.7.0.2', resolve));
      }
      const before = process.memoryUsage().heapUsed;
      let read = 0;
      while (read < packets) {
        const bundle = device.readSync(buffer);
        if (bundle === null) break;
        for (let at = 0; at < bundle.byteLength; at += 1056) swapAddresses(buffer, at + 16);
        device.writeSync(bundle);
        read += bundle.count;
      }
      const grown = process.memoryUsage().heapUsed - before;
      if (read >= packets) least = Math.min(least, grown);
      if (sample % 8 === 0) gc!();
    }
    return least;
  };
  await cost(MANY);
  const result = ((await cost(MANY)) - (await cost(FEW))) / (MANY - FEW);
  socket.close();
  return result;
}

async function memoryLink(): Promise<number> {
  const host = new MemoryHost({});
  await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], link: host.provider() });
  const device = adapter.openDevice();
  const buffer = new Uint8Array(BUFFER_BYTES);
  const one = packet(1, PACKET_BYTES);
  return slope((packets) => {
    for (let i = 0; i < packets; i++) host.send(one);
    device.readSync(buffer);
  });
}

console.log(
  JSON.stringify({
    control: control(),
    dataPath: dataPath(),
    codec: codec(),
    memoryLink: await memoryLink(),
    kernel: await kernel(),
  }),
);
