/** Datagrams of mixed sizes through the kernel, each compared by hash with what was sent. */

import { createHash } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Check } from '../result.ts';
import { SendWindow } from '../send-window.ts';
import { fillPattern, mixedSize, NUMBER_BYTES } from '../sizes.ts';
import type { KernelCheck } from './context.ts';

/** Datagrams sent, as the demo promises. */
export const DATAGRAMS = 10_000;
/** Datagrams under way at most: the TUN's own queue holds 500. */
export const MAX_WINDOW = 256;
/** Bytes of IP and UDP headers in front of the data. */
export const UDP_HEADER_BYTES = { 4: 28, 6: 48 } as const;
/** Asked for; the kernel gives what net.core.rmem_max allows. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
/** What a datagram of up to an MTU of 1500 costs in a receive buffer: data and its skb, rounded up. */
const CHARGED_BYTES_PER_DATAGRAM = 2560;

/** Data of datagram `number`: its number, then a pattern. */
export function datagram(number: number, most: number): Buffer {
  const data = Buffer.alloc(mixedSize(number, NUMBER_BYTES, most));
  fillPattern(data, number);
  data.writeUInt32BE(number);
  return data;
}

export function digest(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('base64');
}

/** Counts what arrives against what was sent. */
export class DatagramCheck {
  /** Digest of each datagram that is under way or has arrived, by number. */
  readonly #digests = new Map<number, string>();
  corrupt = 0;

  sent(number: number, data: Uint8Array): void {
    this.#digests.set(number, digest(data));
  }

  /** Number of a datagram that arrived as it was sent; undefined, and counted, for any other. */
  arrived(data: Buffer): number | undefined {
    const number = data.length < NUMBER_BYTES ? -1 : data.readUInt32BE();
    if (this.#digests.get(number) === digest(data)) return number;
    this.corrupt++;
    return undefined;
  }
}

/** Runs the check. */
export async function checkUdp(context: KernelCheck, family: 4 | 6): Promise<Check> {
  const receiver = await bound(context.local, family);
  const sender = await bound(context.local, family);
  const check = new DatagramCheck();
  const most = context.mtu - UDP_HEADER_BYTES[family];
  const room = Math.floor(receiver.getRecvBufferSize() / CHARGED_BYTES_PER_DATAGRAM);
  const { port } = receiver.address();
  const window = new SendWindow(
    DATAGRAMS,
    Math.max(1, Math.min(MAX_WINDOW, room)),
    context.signal,
    (number) => {
      const data = datagram(number, most);
      check.sent(number, data);
      // A refusal by the host shows as a loss.
      sender.send(data, port, context.remote, () => undefined);
    },
  );
  receiver.on('message', (data) => {
    context.onBytes(data.length);
    const number = check.arrived(data);
    if (number !== undefined) window.arrived(number);
  });
  try {
    const outcome = await window.run();
    const { corrupt } = check;
    return {
      name: `udp${family}`,
      ok: outcome.lost === 0 && corrupt === 0,
      ...outcome,
      corrupt,
    };
  } finally {
    sender.close();
    receiver.close();
  }
}

async function bound(address: string, family: 4 | 6): Promise<Socket> {
  const socket = createSocket({ type: `udp${family}`, recvBufferSize: RECEIVE_BUFFER_BYTES });
  socket.bind(0, address);
  await once(socket, 'listening');
  socket.on('error', () => undefined);
  return socket;
}
