/** How long an echo takes: with everything on one processor, and with the forwarder on another. */

import type { Measure } from '../report/result.ts';
import type { Candidate } from '../rig/candidates.ts';
import { measureRtt } from '../rig/measure.ts';
import { inRounds } from '../rig/rounds.ts';
import { chosen, type Run } from './run.ts';

const FULL = ['r1', 'off', 'r1-again', 'split', 'carry', 'off-worker-loop', 'off-workers', 'fs'];
const QUICK = ['r1', 'off', 'split', 'carry'];

/** The load's processor, and where the forwarder runs: the same, or the other. */
const LOAD_CPU = '0';
const PLACES = [
  { id: 'one-core', title: 'on one processor', cpu: '0' },
  { id: 'two-cores', title: 'across two processors', cpu: '1' },
] as const;

/** Echoes of one measurement, and before it, until everything is compiled. */
const FULL_ECHOES = 20_000;
const QUICK_ECHOES = 2000;

function measures(place: (typeof PLACES)[number]): Record<'p50' | 'p99', Measure> {
  const of = (id: 'p50' | 'p99', what: string): Measure => ({
    id: `rtt-${place.id}-${id}`,
    title: `round trip ${place.title}, ${what}`,
    unit: 'us',
    better: 'less',
  });
  return { p50: of('p50', 'median'), p99: of('p99', '99th percentile') };
}

export async function latency(run: Run): Promise<void> {
  if (run.tools === undefined) return;
  const turns = chosen(run, run.quick ? QUICK : FULL).map((candidate) => ({
    title: `echoes through ${candidate.title}`,
    run: () => measure(run, candidate),
  }));
  await inRounds(run.rounds, turns, run.say);
}

async function measure(run: Run, candidate: Candidate): Promise<void> {
  const { world, samples, tools, quick } = run;
  const echoes = quick ? QUICK_ECHOES : FULL_ECHOES;
  await using forwarder = await candidate.start(world);
  for (const place of quick ? PLACES.slice(0, 1) : PLACES) {
    await forwarder!.pin(place.cpu);
    await measureRtt(world, tools!, echoes, LOAD_CPU);
    const { p50Micros, p99Micros } = await measureRtt(world, tools!, echoes, LOAD_CPU);
    const { p50, p99 } = measures(place);
    samples.add(candidate, p50, p50Micros);
    samples.add(candidate, p99, p99Micros);
  }
}
