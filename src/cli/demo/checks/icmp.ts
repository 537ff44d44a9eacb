/** ICMP echo through the kernel, with every data size from none to what the MTU takes. */

import { IcmpSocket } from '../../../os/icmp-socket.ts';
import type { Check, IcmpResult } from '../result.ts';
import { SendWindow } from '../send-window.ts';
import { fillPattern, quantile } from '../sizes.ts';
import type { KernelCheck } from './context.ts';

/** One at a time, so that the round trip is the adapter's and not that of a queue in front of it. */
const WINDOW = 1;

/** Bytes of IP and ICMP headers in front of the data. */
const HEADER_BYTES = { 4: 28, 6: 48 } as const;

const MEDIAN = 0.5;
const TAIL = 0.99;

/** Runs the check; skipped when this process may open no ICMP socket. */
export async function checkIcmp(context: KernelCheck, family: 4 | 6): Promise<Check> {
  const name = `icmp${family}` as const;
  const most = context.mtu - HEADER_BYTES[family];
  const data = new Uint8Array(most);
  const expected = new Uint8Array(most);
  const rtts: number[] = [];
  let corrupt = 0;
  const open = context.openEcho ?? IcmpSocket.open;
  const socket = open(family, (sequence, reply) => {
    fillPattern(expected.subarray(0, sequence), sequence);
    if (Buffer.compare(reply, expected.subarray(0, sequence)) !== 0) corrupt++;
    const rtt = window.arrived(sequence);
    if (rtt !== undefined) rtts.push(rtt);
  });
  if (typeof socket === 'string') return { name, skipped: socket };
  // The sequence number is the size: one request of each.
  const window = new SendWindow(most + 1, WINDOW, context.signal, (size) => {
    fillPattern(data.subarray(0, size), size);
    socket.send(context.remote, size, data.subarray(0, size));
  });
  try {
    const outcome = await window.run();
    rtts.sort((a, b) => a - b);
    const rttUs = {
      p50: Math.round(quantile(rtts, MEDIAN)),
      p99: Math.round(quantile(rtts, TAIL)),
    };
    const result: IcmpResult = { ...outcome, rttUs };
    if (corrupt > 0) return { name, ok: false, error: `${corrupt} replies differ`, ...result };
    return { name, ok: outcome.lost === 0, ...result };
  } finally {
    await socket.close();
  }
}
