/** What every part of the bench is given and adds to. */

import type { Measure, Samples } from '../report/result.ts';
import type { Candidate } from '../rig/candidates.ts';
import type { Tools } from '../rig/measure.ts';
import type { World } from '../rig/world.ts';

export interface Run {
  readonly world: World;
  /** Undefined without a C compiler: nothing to compare with, and no blaster. */
  readonly tools: Tools | undefined;
  readonly candidates: readonly Candidate[];
  readonly samples: Samples;
  readonly rounds: number;
  /** Indicative figures in under a minute. */
  readonly quick: boolean;
  /** Says what is being done. */
  say(text: string): void;
}

export const TCP: Measure = {
  id: 'tcp',
  title: 'one TCP stream',
  unit: 'Gbit/s',
  better: 'more',
};
export const TCP_CPU: Measure = {
  id: 'tcp-cpu',
  title: 'processor time of the forwarder, TCP',
  unit: 's/GB',
  better: 'less',
};
export const UDP: Measure = {
  id: 'udp64',
  title: 'datagrams of 64 bytes',
  unit: 'kpps',
  better: 'more',
};
export const UDP_CPU: Measure = {
  id: 'udp64-cpu',
  title: 'processor time of the forwarder, datagram',
  unit: 'ns',
  better: 'less',
};

/** The candidates named, in that order; those that are not there are left out. */
export function chosen(run: Run, ids: readonly string[]): Candidate[] {
  return ids.flatMap((id) => run.candidates.filter((candidate) => candidate.id === id));
}
