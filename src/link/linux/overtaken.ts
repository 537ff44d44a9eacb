/** Whether packets that are written again would come behind later ones of their flow. */

import { RING_WRITES } from '../../os/write-ring.ts';
import { WRITE_FIRST, WRITE_LENGTH } from '../../wire/kernels/layout.ts';
import type { KernelTables } from '../../wire/kernels/tables.ts';
import { isSameFlow, partOf } from '../../wire/mergeable.ts';

/**
 * Of the rows that a ring wrote together with row `row`, whether one behind it reached the host and
 * belongs to the same flow. `results` are the ring's, `rows` is their number in all; the packets lie where
 * the merge found them, byte 0 of their bundle at `base`. Allocates: for what is refused, and that is rare.
 */
export function isOvertaken(
  tables: KernelTables,
  results: Int32Array,
  base: number,
  row: number,
  rows: number,
): boolean {
  const { lengths, memory, offsets } = tables;
  const first = tables.row(row, WRITE_FIRST);
  const at = base + offsets[first]!;
  const part = partOf(memory, at, lengths[first]!, true);
  const end = Math.min(row - (row % RING_WRITES) + RING_WRITES, rows);
  for (let later = row + 1; later < end; later++) {
    if (results[later % RING_WRITES] !== tables.row(later, WRITE_LENGTH)) continue;
    const other = tables.row(later, WRITE_FIRST);
    const packet = base + offsets[other]!;
    if (part === undefined || isSameFlow(memory, part, at, packet, lengths[other]!)) return true;
  }
  return false;
}
