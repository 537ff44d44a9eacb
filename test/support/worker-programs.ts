/** What worker threads of tests do with an adapter they attach to. */

import { Writable } from 'node:stream';
import { parentPort, workerData } from 'node:worker_threads';
import {
  Adapter,
  type AdapterToken,
  BundleWriter,
  capture,
  isTunError,
  swapAddresses,
} from 'typetun';
import { numberOf, packet } from './packets.ts';

export interface ProgramOptions {
  /** For `readSync`, in ms. */
  readonly timeoutMs?: number;
  /** Packets in each bundle of `write`. */
  readonly packets?: number;
  /** Whether `reflect` sends nothing back. */
  readonly silent?: boolean;
}

const BUFFER_BYTES = 0x40000;
/** A word that is never notified. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));
/** Behind an IPv4 header without options. */
const UDP_OFFSET = 20;
const UDP_HEADER_BYTES = 8;

const PROGRAMS = {
  /** Blocks in one read, and tells what came of it. */
  readOnce: (adapter: Adapter, { timeoutMs = 10_000 }: ProgramOptions) => {
    const device = adapter.openDevice();
    parentPort!.postMessage('attached');
    try {
      const bundle = device.readSync(new Uint8Array(BUFFER_BYTES), { timeoutMs });
      parentPort!.postMessage(bundle === null ? null : [...bundle].map(numberOf));
    } catch (error) {
      parentPort!.postMessage(isTunError(error) ? error.code : String(error));
    }
  },
  /** Captures while it reads one bundle and sends it back, and tells the counts. */
  captureOnce: async (adapter: Adapter, { timeoutMs = 10_000 }: ProgramOptions) => {
    const taking = capture(adapter, new Writable({ write: (_chunk, _encoding, done) => done() }));
    const device = adapter.openDevice();
    parentPort!.postMessage('attached');
    device.writeSync(device.readSync(new Uint8Array(BUFFER_BYTES), { timeoutMs })!);
    await taking.close();
    await device.close();
    parentPort!.postMessage(taking.statistics);
  },
  /** Starts to iterate when told, in the same turn as it waited for the halt without hearing of it. */
  iterateAfterHalt: (adapter: Adapter) => {
    const device = adapter.openDevice();
    parentPort!.postMessage('attached');
    const iterate = async (): Promise<void> => {
      while (adapter.state !== 'Halted') Atomics.wait(NEVER, 0, 0, 1);
      for await (const _ of device) throw new Error('there is nothing to read');
      const { done } = await device.readable.getReader().read();
      parentPort!.postMessage(done);
    };
    parentPort!.once('message', () => {
      iterate().catch((error: unknown) => parentPort!.postMessage(String(error)));
    });
  },
  /** Reads in a blocking loop for ever, and posts sequence and numbers of each bundle. */
  readLoop: (adapter: Adapter) => {
    const device = adapter.openDevice();
    const buffer = new Uint8Array(BUFFER_BYTES);
    parentPort!.postMessage('attached');
    for (;;) {
      const bundle = device.readSync(buffer, { timeoutMs: Number.POSITIVE_INFINITY });
      if (bundle !== null) parentPort!.postMessage([bundle.sequence, ...[...bundle].map(numberOf)]);
    }
  },
  /** Reads on the event loop, and posts the numbers of each bundle, then how it ended. */
  readAsync: async (adapter: Adapter) => {
    const device = adapter.openDevice();
    parentPort!.postMessage('attached');
    try {
      for (;;) parentPort!.postMessage([...(await device.read())].map(numberOf));
    } catch (error) {
      parentPort!.postMessage(isTunError(error) ? error.code : String(error));
    }
  },
  /**
   * Sends every packet back, on the event loop; told anything, answers with its queue and with what it
   * has seen of each UDP flow: the source port, the packets, and how many came out of order by the
   * number that their payload begins with. Told to close it closes its handle, told to open it opens
   * another and begins anew.
   */
  reflect: (adapter: Adapter, { silent = false }: ProgramOptions) => {
    let device = adapter.openDevice();
    const flows = new Map<number, { packets: number; last: number; disordered: number }>();
    parentPort!.postMessage('attached');
    const reflect = async (): Promise<void> => {
      for await (const bundle of device) {
        for (const bytes of bundle) {
          const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
          const port = view.getUint16(UDP_OFFSET);
          const number = view.getUint32(UDP_OFFSET + UDP_HEADER_BYTES);
          const flow = flows.get(port) ?? { packets: 0, last: -1, disordered: 0 };
          flow.packets++;
          if (number <= flow.last) flow.disordered++;
          flow.last = number;
          flows.set(port, flow);
          swapAddresses(bytes, 0);
          view.setUint16(UDP_OFFSET, view.getUint16(UDP_OFFSET + 2));
          view.setUint16(UDP_OFFSET + 2, port);
        }
        if (!silent) device.writeSync(bundle);
      }
    };
    void reflect();
    parentPort!.on('message', (what: string) => {
      const seen = [...flows].map(([port, flow]) => [port, flow.packets, flow.disordered]);
      if (what === 'close') void device.close();
      if (what === 'open') {
        flows.clear();
        device = adapter.openDevice();
        void reflect();
      }
      parentPort!.postMessage([adapter.properties.queue, seen]);
    });
  },
  /** Opens a handle and does nothing with it; on a message closes it. Answers with its queue. */
  hold: (adapter: Adapter) => {
    const device = adapter.openDevice();
    parentPort!.postMessage('attached');
    parentPort!.on('message', (what: string) => {
      // A handle is closed when this returns.
      if (what === 'close') void device.close();
      parentPort!.postMessage(adapter.properties.queue);
    });
  },
  /** Reads one bundle on the event loop for each message it gets, and answers with its numbers. */
  readWhenTold: (adapter: Adapter) => {
    const device = adapter.openDevice();
    parentPort!.postMessage('attached');
    const answer = async (): Promise<void> =>
      parentPort!.postMessage([...(await device.read())].map(numberOf));
    parentPort!.on('message', () => void answer());
  },
  /** Leaves; then pauses for each message it gets, and answers with what came of it. */
  leave: async (adapter: Adapter) => {
    await adapter.close();
    parentPort!.postMessage('attached');
    const answer = async (): Promise<void> => {
      const code = await adapter.pause().then(
        () => 'done',
        (error: unknown) => (isTunError(error) ? error.code : String(error)),
      );
      parentPort!.postMessage(code);
    };
    parentPort!.on('message', () => void answer());
  },
  /** Writes one bundle for each message it gets, and answers with the packets delivered. */
  write: (adapter: Adapter, { packets = 1 }: ProgramOptions) => {
    const device = adapter.openDevice();
    const writer = new BundleWriter(new Uint8Array(BUFFER_BYTES));
    for (let i = 0; i < packets; i++) writer.append(packet(i));
    parentPort!.postMessage('attached');
    parentPort!.on('message', () => parentPort!.postMessage(device.writeSync(writer)));
  },
  /** Has a read waiting, and is too busy to notice that packets have come. */
  stall: async (adapter: Adapter) => {
    const reading = adapter.openDevice().read();
    reading.catch(() => undefined);
    // Its read is made known when the event loop has come round.
    await new Promise((resolve) => setImmediate(resolve));
    parentPort!.postMessage('attached');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0);
  },
  /** Leaves, and tells what then becomes of each call. */
  useAfterLeaving: async (adapter: Adapter) => {
    parentPort!.postMessage('attached');
    const device = adapter.openDevice();
    await adapter.close();
    const calls: readonly (() => unknown)[] = [
      () => adapter.openDevice(),
      () => device.readSync(),
      () => device.writeSync(new Uint8Array(BUFFER_BYTES)),
      () => adapter.pause(),
      () => adapter.setPower('D3'),
      () => adapter.removalQuery(),
    ];
    const codes: string[] = [];
    for (const call of calls) {
      try {
        await call();
        codes.push('done');
      } catch (error) {
        codes.push(isTunError(error) ? error.code : String(error));
      }
    }
    parentPort!.postMessage([adapter.state, adapter.power, adapter.media, ...codes]);
    parentPort!.on('message', () => undefined);
  },
  /**
   * Reads once when it is told, without waiting: 40 packets of 1500 bytes, and a packet more that has
   * room by itself but not with the padding of its entry.
   */
  readSmall: (adapter: Adapter) => {
    const device = adapter.openDevice();
    parentPort!.postMessage('attached');
    parentPort!.on('message', () => {
      const bundle = device.readSync(new Uint8Array(41 * 1520 - 4));
      parentPort!.postMessage(bundle?.count);
    });
  },
  /** Makes the control calls it is told, and answers with the state, power and media after each. */
  control: (adapter: Adapter) => {
    parentPort!.postMessage('attached');
    const answer = async (call: string): Promise<void> => {
      try {
        if (call === 'pause') await adapter.pause();
        if (call === 'restart') await adapter.restart();
        if (call === 'low') await adapter.setPower('D2');
        if (call === 'lowest') await adapter.setPower('D3');
        if (call === 'high') await adapter.setPower('D0');
        if (call === 'open') adapter.openDevice();
        if (call === 'close') await adapter.close();
        if (call === 'configure') await adapter.configure({ mtu: 1400 });
        if (call === 'shutdown') adapter.shutdown();
        if (call === 'share') adapter.share();
        parentPort!.postMessage([adapter.state, adapter.power, adapter.media, adapter.mtu]);
      } catch (error) {
        parentPort!.postMessage(isTunError(error) ? error.code : String(error));
      }
    };
    parentPort!.on('message', (call: string) => void answer(call));
  },
} as const;

export type ProgramName = keyof typeof PROGRAMS;

const { token, program, options } = workerData as {
  token: AdapterToken;
  program: ProgramName;
  options: ProgramOptions;
};
await PROGRAMS[program](await Adapter.attach(token), options);
