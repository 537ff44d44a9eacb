/** One TCP stream through us and through others' programs, with the same rig. */

import type { Measure } from '../report/result.ts';
import type { Candidate } from '../rig/candidates.ts';
import { measureTcp } from '../rig/measure.ts';
import { peers as installed } from '../rig/peers.ts';
import { inRounds } from '../rig/rounds.ts';
import { chosen, type Run } from './run.ts';

const WARM_UP_SECONDS = 1;
const SECONDS = 2;

const TCP: Measure = {
  id: 'peer-tcp',
  title: 'one TCP stream, next to peers',
  unit: 'Gbit/s',
  better: 'more',
};

export async function peers(run: Run): Promise<void> {
  if (run.quick) return;
  const theirs = installed((name) => {
    console.error(
      `${name} is not installed, so it is not measured: apt-get install ${PACKAGES[name] ?? name}`,
    );
  });
  const turns = [...chosen(run, ['off', 'split', 'carry']), ...theirs].map((candidate) => ({
    title: candidate.title,
    run: () => measure(run, candidate),
  }));
  await inRounds(run.rounds, turns, run.say);
}

/** Where the package is called otherwise. */
const PACKAGES: Readonly<Record<string, string>> = { pasta: 'passt' };

async function measure({ world, samples }: Run, candidate: Candidate): Promise<void> {
  try {
    await using forwarder = await candidate.start(world);
    await measureTcp(world, WARM_UP_SECONDS, forwarder);
    const { gbitPerSecond } = await measureTcp(world, SECONDS, forwarder);
    samples.add(candidate, TCP, gbitPerSecond);
  } finally {
    await candidate.stop?.(world);
  }
}
