/** The targets of docs/performance.md, judged by the samples of one run. */

import type { Samples, Target } from './result.ts';
import { type Summary, summarize } from './statistics.ts';

/** A ratio that must be reached, or must not be passed. */
interface Goal {
  readonly id: string;
  readonly about: string;
  readonly candidate: string;
  /** Without one, the figure itself is judged. */
  readonly reference?: string;
  readonly measure: string;
  readonly target: number;
  readonly better?: 'less';
}

const GOALS: readonly Goal[] = [
  goal('P1', 'TCP, off / R1', 'off', 'r1', 'tcp', 0.85),
  goal('P1', '64 B datagrams, off / R1', 'off', 'r1', 'udp64', 0.85),
  goal('P2', 'TCP, carry / R2', 'carry', 'r2', 'tcp', 0.95),
  goal('P2', 'TCP, carry / R1', 'carry', 'r1', 'tcp', 6),
  goal('P3', 'TCP, split / R1', 'split', 'r1', 'tcp', 3),
  goal('P3', '64 B datagrams, split / R1', 'split', 'r1', 'udp64', 0.8),
  goal('P4', 'TCP, off / fs streams', 'off', 'fs', 'tcp', 25),
  goal('P4', 'TCP, carry / fs streams', 'carry', 'fs', 'tcp', 200),
  most('P5', 'round trip on one processor, median, off / R1', 'off', 'rtt-one-core-p50', 1.2),
  most('P5', 'round trip on one processor, p99, off / R1', 'off', 'rtt-one-core-p99', 2),
  most('P5', 'the same median in a worker', 'off-worker-loop', 'rtt-one-core-p50', 2),
  figure('P6', 'heap bytes a packet, off (an object has 16)', 'off', 'heap', 2),
  figure('P6', 'heap bytes a packet, split (an object has 16)', 'split', 'heap', 2),
  figure('P6', 'heap bytes a packet, carry (an object has 16)', 'carry', 'heap', 2),
  figure('P7', '1,000 adapters: KiB resident each', 'many', 'many-resident', 100),
  figure('P7', '1,000 adapters: % of a processor, idle', 'many', 'many-idle', 1),
  figure('P7', '1,000 adapters: timers', 'many', 'many-timers', 0),
  goal('P9', 'TCP, off / openvpn', 'off', 'openvpn', 'peer-tcp', 1),
  goal('P9', 'TCP, off / slirp4netns', 'off', 'slirp4netns', 'peer-tcp', 1),
  goal('P9', 'TCP, carry / openvpn', 'carry', 'openvpn', 'peer-tcp', 1),
  goal('P9', 'TCP, carry / slirp4netns', 'carry', 'slirp4netns', 'peer-tcp', 1),
  goal('P9', 'TCP, carry / pasta', 'carry', 'pasta', 'peer-tcp', 1),
];

/** The reference once more: how far from 1 the ratio of the same program to itself lies. */
const AGAIN = 'r1-again';

/** Judges what was measured. `quick`: the figures are indicative, nothing is judged. */
export function judge(samples: Samples, quick: boolean): Target[] {
  return GOALS.flatMap((wanted) => {
    const ratio = measured(samples, wanted);
    if (ratio === undefined) return [];
    const met =
      wanted.better === 'less' ? ratio.median <= wanted.target : ratio.median >= wanted.target;
    const noise = samples.ratio(AGAIN, 'r1', wanted.measure);
    const note = met || quick ? undefined : missNote(ratio, wanted.target, noise);
    return [
      {
        id: wanted.id,
        about: wanted.about,
        ratio: ratio.median,
        target: wanted.target,
        ...(wanted.better === 'less' ? { atMost: true } : {}),
        met: quick ? null : met,
        spread: [ratio.low, ratio.high],
        ...(note === undefined ? {} : { note }),
      },
    ];
  });
}

function measured(samples: Samples, { candidate, reference, measure }: Goal): Summary | undefined {
  if (reference !== undefined) return samples.ratio(candidate, reference, measure);
  const own = samples.of(candidate, measure);
  return own.length === 0 ? undefined : summarize(own);
}

/** A miss by less than R1 differs from itself. */
function missNote(ratio: Summary, target: number, noise: Summary | undefined): string | undefined {
  if (noise === undefined) return undefined;
  const off = Math.max(Math.abs(noise.low - 1), Math.abs(noise.high - 1));
  return Math.abs(ratio.median / target - 1) <= off ? 'within noise' : undefined;
}

function goal(
  id: string,
  about: string,
  candidate: string,
  reference: string,
  measure: string,
  target: number,
): Goal {
  return { id, about, candidate, reference, measure, target };
}

/** A time, which must not be more than so many times that of R1. */
function most(id: string, about: string, candidate: string, measure: string, target: number): Goal {
  return { id, about, candidate, reference: 'r1', measure, target, better: 'less' };
}

/** A figure that must not be more. */
function figure(
  id: string,
  about: string,
  candidate: string,
  measure: string,
  target: number,
): Goal {
  return { id, about, candidate, measure, target, better: 'less' };
}
