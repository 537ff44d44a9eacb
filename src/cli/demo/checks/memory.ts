/** The demo's checks over the in-process link: the host in memory sends, and gets back what it sent. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Adapter } from '../../../index.ts';
import type { MemoryHost } from '../../../testing.ts';
import type { Check, PauseResult } from '../result.ts';
import { SendWindow } from '../send-window.ts';
import { quantile } from '../sizes.ts';
import { isPauseOk, offered, passed } from './pause.ts';
import { DATAGRAMS, DatagramCheck, datagram, MAX_WINDOW, UDP_HEADER_BYTES } from './udp.ts';

const ICMP_HEADER_BYTES = { 4: 28, 6: 48 } as const;
const PING_WINDOW = 1;
const MEDIAN = 0.5;
const TAIL = 0.99;
const UDP_PORT = 4007;
const PAUSE_MS = 200;
const PROBES = 20;

/** One family's side of the reflector, and the host that does the sending. */
export interface MemoryCheck {
  readonly host: MemoryHost;
  readonly remote: string;
  readonly mtu: number;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** Pings of every size, with the data compared by the host. */
export async function checkMemoryIcmp(context: MemoryCheck, family: 4 | 6): Promise<Check> {
  const most = context.mtu - ICMP_HEADER_BYTES[family];
  const rtts: number[] = [];
  let differing = 0;
  const window = new SendWindow(most + 1, PING_WINDOW, context.signal, (payloadBytes) => {
    void context.host.ping(context.remote, { payloadBytes }).then((reply) => {
      if (!reply.received) return;
      if (!reply.intact) differing++;
      rtts.push(reply.rttUs);
      context.onBytes(payloadBytes);
      window.arrived(payloadBytes);
    });
  });
  const outcome = await window.run();
  rtts.sort((a, b) => a - b);
  return {
    name: `icmp${family}`,
    ok: outcome.lost === 0 && differing === 0,
    ...outcome,
    rttUs: { p50: Math.round(quantile(rtts, MEDIAN)), p99: Math.round(quantile(rtts, TAIL)) },
    ...(differing > 0 ? { error: `${differing} replies differ` } : {}),
  };
}

/** Datagrams of mixed sizes, each compared by hash. */
export async function checkMemoryUdp(context: MemoryCheck, family: 4 | 6): Promise<Check> {
  const check = new DatagramCheck();
  const most = context.mtu - UDP_HEADER_BYTES[family];
  const receiver = context.host.bindUdp(UDP_PORT, ({ data }) => {
    context.onBytes(data.length);
    const number = check.arrived(Buffer.from(data));
    if (number !== undefined) window.arrived(number);
  });
  const sender = context.host.bindUdp(UDP_PORT + 1, () => undefined);
  const window = new SendWindow(DATAGRAMS, MAX_WINDOW, context.signal, (number) => {
    const data = datagram(number, most);
    check.sent(number, data);
    sender.send(data, context.remote, UDP_PORT);
  });
  try {
    const outcome = await window.run();
    const { corrupt } = check;
    return { name: `udp${family}`, ok: outcome.lost + corrupt === 0, ...outcome, corrupt };
  } finally {
    sender.close();
    receiver.close();
  }
}

/** A pause while the host goes on sending, and an answered ping afterwards. */
export async function checkMemoryPause(context: MemoryCheck, adapter: Adapter): Promise<Check> {
  const sender = context.host.bindUdp(UDP_PORT, () => undefined);
  const offeredBefore = offered(adapter);
  await adapter.pause();
  const pausedAt = performance.now();
  const passedBefore = passed(adapter);
  let delivered = 0;
  try {
    for (let i = 0; i < PROBES; i++) {
      sender.send(new Uint8Array(i), context.remote, UDP_PORT);
      await sleep(PAUSE_MS / PROBES, undefined, { signal: context.signal });
    }
    delivered = passed(adapter) - passedBefore;
  } finally {
    sender.close();
    await adapter.restart();
  }
  const restartedAt = performance.now();
  const reply = await context.host.ping(context.remote, {});
  const result: PauseResult = {
    pausedMs: Math.round(restartedAt - pausedAt),
    offeredWhilePaused: offered(adapter) - offeredBefore,
    deliveredWhilePaused: delivered,
    resumedAfterMs: Math.round(performance.now() - restartedAt),
    recovered: reply.received && reply.intact,
  };
  return { name: 'pause', ok: isPauseOk(result), ...result };
}
