/** What is measured through a forwarder. Each returns a figure of one run. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Forwarder } from './candidates.ts';
import { Running, run } from './child.ts';
import type { World } from './world.ts';

const IPERF_PORT = '5201';
const BLAST_PORT = '9001';
const PONG_PORT = '9002';
/** The blaster starts after the counter and ends after it. */
const BLAST_MARGIN_SECONDS = 0.3;
const KILO = 1e3;
const GIGA = 1e9;

export interface TcpResult {
  readonly gbitPerSecond: number;
  /** Processor seconds of the forwarder for each gigabyte that arrived. */
  readonly cpuPerGigabyte: number;
}

export interface UdpResult {
  readonly kpps: number;
  /** Processor time of the forwarder for each datagram that arrived, in ns. */
  readonly cpuPerPacket: number;
}

export interface RttResult {
  readonly p50Micros: number;
  readonly p99Micros: number;
}

/** One TCP stream from a to b. */
export async function measureTcp(
  world: World,
  seconds: number,
  forwarder: Forwarder | undefined,
): Promise<TcpResult> {
  await using _server = await iperfServer(world);
  const before = forwarder?.cpuSeconds ?? 0;
  const json = await run(
    ...world.within(world.a, [
      ...['iperf3', '-c', world.b.address, '-p', IPERF_PORT, '-t', String(seconds), '-J'],
    ]),
  );
  const cpu = (forwarder?.cpuSeconds ?? 0) - before;
  const { bits_per_second, bytes } = (
    JSON.parse(json) as { end: { sum_received: { bits_per_second: number; bytes: number } } }
  ).end.sum_received;
  return { gbitPerSecond: bits_per_second / GIGA, cpuPerGigabyte: cpu / (bytes / GIGA) };
}

/** Datagrams of `bytes` bytes (headers not counted) from a to b, as fast as they go. */
export async function measureUdp(
  world: World,
  tools: Tools,
  bytes: number,
  seconds: number,
  forwarder: Forwarder | undefined,
): Promise<UdpResult> {
  await using counter = await Running.start(
    world.within(world.b, [tools.blast, 'count', BLAST_PORT, String(seconds)]),
  );
  const before = forwarder?.cpuSeconds ?? 0;
  await run(
    ...world.within(world.a, [
      tools.blast,
      ...['send', world.b.address, BLAST_PORT, String(bytes)],
      String(seconds + BLAST_MARGIN_SECONDS),
    ]),
  );
  const printed = await counter.finished();
  const cpu = (forwarder?.cpuSeconds ?? 0) - before;
  const [arrived = 0, elapsed = 0] = printed.trim().split(/\s+/).slice(1).map(Number);
  if (arrived === 0) throw new Error(`no datagram of ${bytes} bytes arrived`);
  return { kpps: arrived / elapsed / KILO, cpuPerPacket: (cpu / arrived) * GIGA };
}

/** Round trips of one datagram after the other; both ends on the processors given. */
export async function measureRtt(
  world: World,
  tools: Tools,
  rounds: number,
  cpus: string,
): Promise<RttResult> {
  await using _pong = await Running.start(
    world.within(world.b, [tools.pingpong, 'pong', PONG_PORT], cpus),
  );
  const printed = await run(
    ...world.within(
      world.a,
      [tools.pingpong, 'ping', world.b.address, PONG_PORT, String(rounds)],
      cpus,
    ),
  );
  const [p50 = 0, p99 = 0, lost = 0] = printed.trim().split(/\s+/).map(Number);
  if (lost > 0) throw new Error(`${lost} of ${rounds} echoes were lost`);
  return { p50Micros: p50 / KILO, p99Micros: p99 / KILO };
}

/** The load programs, compiled. */
export interface Tools {
  readonly blast: string;
  readonly pingpong: string;
}

async function iperfServer(world: World): Promise<AsyncDisposable> {
  const server = Running.start(
    world.within(world.b, [
      ...['sh', '-c', `echo ready; exec iperf3 -s -p ${IPERF_PORT} >/dev/null`],
    ]),
  );
  const running = await server;
  // It says nothing of use when it listens.
  const table = `/proc/net/tcp6`;
  const port = `:${Number(IPERF_PORT).toString(16).toUpperCase().padStart(4, '0')} `;
  for (let i = 0; i < 200; i++) {
    const sockets = await run(...world.within(world.b, ['cat', table]));
    if (sockets.includes(port)) break;
    await sleep(10);
  }
  return running;
}
