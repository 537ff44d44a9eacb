/** Which participants of an adapter still exist: by their blocks, and by what the system says of their threads. */

import { currentThread, isThreadAlive } from '../os/threads.ts';
import { Claim } from '../sync/layout.ts';
import { attachParticipant, claimOf, identityOf, type Liveness } from '../sync/participants.ts';

/** The liveness of the participants in `words`. A block that nobody is attached to is dead. */
export function livenessIn(words: Int32Array): Liveness {
  return {
    isAlive: (participant) =>
      claimOf(words, participant) === Claim.ATTACHED &&
      isThreadAlive(identityOf(words, participant)),
  };
}

/** The calling thread takes the block that was offered; false when it is not on offer (any more). */
export function attachThisThread(words: Int32Array, participant: number): boolean {
  return attachParticipant(words, participant, currentThread());
}
