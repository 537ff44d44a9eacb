/** Cleaning up after a thread that has ended without leaving: its locks, its hand, its counters, its block. */

import type { Link } from '../link/link.ts';
import { Counter } from '../sync/layout.ts';
import { beginBurial, endBurial } from '../sync/participants.ts';
import type { SharedAdapter } from './shared-adapter.ts';

/**
 * Cleans up after `participant`; its handles are closed with it. False when that was done already.
 * Under CONTROL. What follows from it (media, queues, a pause that waited for it) is the caller's.
 */
export function buryParticipant(shared: SharedAdapter, link: Link, participant: number): boolean {
  const { counters, words } = shared;
  if (!beginBurial(words, participant)) return false;
  // If it died with a TAKE in its hands, taking it over sets its hand and the queue right.
  for (const lane of shared.lanes) {
    lane.lock();
    lane.unlock();
  }
  const abandoned = Math.max(0, shared.handOf(participant));
  counters.add(Counter.DROP_ABANDONED, abandoned);
  counters.add(Counter.OUT_DISCARDS, abandoned);
  counters.repair(participant);
  link.bury(participant);
  shared.lock.forget(participant);
  endBurial(words, participant);
  return true;
}
