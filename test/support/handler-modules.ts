/** A module of worker groups in tests: `data.program` says which of these handlers it gives. */

import { eachPacket, swapAddresses, type WorkerContext, type WorkerMain } from 'typetun';

interface Data {
  readonly program: string;
  readonly [key: string]: unknown;
}

/** The number a test packet carries, by the offset of `test/support/packets.ts`. */
function numberAt(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset + 24);
}

const PROGRAMS: Readonly<Record<string, WorkerMain>> = {
  /** Sends everything back with its addresses swapped. */
  reflect: (context) =>
    eachPacket(context, (bytes, offset, _size, from) => {
      swapAddresses(bytes, offset);
      return from;
    }),
  /** Packet n goes to adapter `to[n % to.length]`. */
  deal: (context) => {
    const { to } = context.data as { to: readonly number[] };
    return eachPacket(context, (bytes, offset) => to[numberAt(bytes, offset) % to.length]!);
  },
  /** Works on each bundle for `ms` before it passes it on. */
  slow: ({ devices, data }) => {
    const { ms } = data as { ms: number };
    return async (bundle, from) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      devices[devices.length - 1 - from]!.writeSync(bundle);
    };
  },
  /** Never lets go of its thread once it has a packet. */
  hang: () => () => {
    for (;;);
  },
  fail: () => () => {
    throw new Error('this handler fails');
  },
  failToStart: ({ index }) => {
    if (index === 0) throw new Error('this module does not start');
    return () => undefined;
  },
  exit: () => process.exit(0),
  exitLater: () => () => process.exit(3),
  notAFunction: () => 7 as never,
};

export const main: WorkerMain = (context: WorkerContext) =>
  PROGRAMS[(context.data as Data).program]!(context);
