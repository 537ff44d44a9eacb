/** What a run counted, for a person and as an object. */

import type { AdapterStatistics, DirectionStatistics, PcapngStatistics } from '../../index.ts';
import type { PolicyStatistics } from '../../run.ts';

/** The object of `--json`. */
export interface RunReport {
  /** Exit status of the command, which is that of `typetun run`. */
  readonly status: number;
  readonly signal: string | null;
  readonly rung: string;
  readonly reason: string;
  readonly to: string;
  readonly adapter: AdapterStatistics;
  /** Packets of the command that the far side refused. */
  readonly refused: number;
  readonly policy?: PolicyStatistics & { readonly lastError?: string };
  readonly pcap?: PcapngStatistics & { readonly file: string; readonly error?: string };
}

/** Lines for a person. */
export function reportLines(report: RunReport): string[] {
  const { rung, reason, to, adapter, refused, policy, pcap } = report;
  const { out, in: into, drops, receiveDrops, hostDrops } = adapter;
  const errors = out.errors + into.errors;
  const lost = total({ ...drops }) + total({ ...receiveDrops }) + hostDrops + errors;
  const lines = [
    `network  ${rung}: ${reason}; to ${to}`,
    `packets  ${packets(out)} out (${out.octets} bytes), ${packets(into)} in (${into.octets} bytes), ${lost + refused} lost`,
  ];
  if (refused > 0) lines.push(`         ${refused} of them refused by the far side`);
  if (policy !== undefined) {
    const { passedOut, passedIn, flows, policyErrors, lastError } = policy;
    const { dropped, delayed, rewritten, evicted } = policy;
    const other =
      policy.conflicts +
      policy.malformed +
      policy.strayFragments +
      policy.untranslated +
      policy.delayFull +
      policy.delayDropped;
    lines.push(
      `policy   ${flows} flows; passed ${passedOut} out and ${passedIn} in; dropped ${dropped}, delayed ${delayed}, rewrote ${rewritten}`,
    );
    if (other > 0)
      lines.push(`         ${other} packets lost for other reasons (--json names them)`);
    if (evicted > 0) lines.push(`         ${evicted} flows forgotten, too many at a time`);
    if (policyErrors > 0)
      lines.push(`         threw ${policyErrors} times, the last: ${lastError}`);
  }
  if (pcap !== undefined) {
    const { file, packets, dropped, error } = pcap;
    lines.push(`capture  ${packets} packets in ${file}${dropped > 0 ? `, ${dropped} not` : ''}`);
    if (error !== undefined) lines.push(`         ${error}`);
  }
  return lines;
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, one) => sum + one, 0);
}

function packets(direction: DirectionStatistics): number {
  return direction.unicastPackets + direction.multicastPackets + direction.broadcastPackets;
}
