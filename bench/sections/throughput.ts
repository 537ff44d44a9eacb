/** How much passes from one namespace to the other: TCP, and small datagrams. */

import type { Candidate } from '../rig/candidates.ts';
import { measureTcp, measureUdp } from '../rig/measure.ts';
import { inRounds } from '../rig/rounds.ts';
import { chosen, type Run, TCP, TCP_CPU, UDP, UDP_CPU } from './run.ts';

/** Bytes of payload, so that the packet has 92 with its headers. */
const SMALL_BYTES = 64;

const FULL = [
  ...['r1', 'off', 'r1-again', 'split', 'r2', 'carry', 'fs', 'veth'],
  ...['host-socket', 'host-descriptor'],
  ...['off-worker-loop', 'off-workers', 'split-workers', 'carry-workers'],
];
const QUICK = ['r1', 'off', 'split', 'r2', 'carry', 'fs'];

/**
 * Seconds of each measurement, and of the load before it that the compilers of Node need. Whole ones
 * of TCP: iperf3 takes a fraction for 0, which is for ever.
 */
const FULL_SECONDS = { warmUp: 2, tcp: 2, udp: 1 };
const QUICK_SECONDS = { warmUp: 1, tcp: 1, udp: 0.3 };

export async function throughput(run: Run): Promise<void> {
  const turns = chosen(run, run.quick ? QUICK : FULL).map((candidate) => ({
    title: candidate.title,
    run: () => measure(run, candidate),
  }));
  await inRounds(run.rounds, turns, run.say);
}

async function measure(run: Run, candidate: Candidate): Promise<void> {
  const { world, samples, tools } = run;
  const seconds = run.quick ? QUICK_SECONDS : FULL_SECONDS;
  await using forwarder = await candidate.start(world);
  try {
    await measureTcp(world, seconds.warmUp, forwarder);
    const tcp = await measureTcp(world, seconds.tcp, forwarder);
    samples.add(candidate, TCP, tcp.gbitPerSecond);
    if (forwarder !== undefined) samples.add(candidate, TCP_CPU, tcp.cpuPerGigabyte);
    if (tools === undefined) return;
    await measureUdp(world, tools, SMALL_BYTES, seconds.udp / 2, forwarder);
    const udp = await measureUdp(world, tools, SMALL_BYTES, seconds.udp, forwarder);
    samples.add(candidate, UDP, udp.kpps);
    if (forwarder !== undefined) samples.add(candidate, UDP_CPU, udp.cpuPerPacket);
  } finally {
    await candidate.stop?.(world);
  }
}
