/** Attaches the calling thread to another thread's adapter, by its token. */

import { TunError, TunErrorCode } from '../errors.ts';
import { MAX_PARTICIPANTS } from '../limits.ts';
import { attachLink } from '../link/attach.ts';
import type { LinkToken } from '../link/link.ts';
import { Claim, OWNER } from '../sync/layout.ts';
import { DROP_POLICIES, type DropPolicy } from '../sync/packet-queue.ts';
import { claimOf, leaveParticipant } from '../sync/participants.ts';
import { VERSION } from '../version.ts';
import { AttachedMiniport } from './attached-miniport.ts';
import { attachThisThread, livenessIn } from './liveness.ts';
import type { Miniport, QueueOptions } from './miniport.ts';
import { lanesOf } from './shared-adapter.ts';
import type { AdapterToken } from './sharing.ts';

/**
 * Attaches to the adapter of `token`.
 *
 * @throws TypeError when it is no token, or its port was not transferred; TunError `UNSUPPORTED` for
 * a token of another version, `INVALID_STATE` for one that was used, or whose adapter is gone.
 */
export async function attachMiniport(token: AdapterToken): Promise<Miniport> {
  checkToken(token);
  const { memory, participant, lane, luidIndex, options, port } = token;
  const words = new Int32Array(memory);
  const liveness = livenessIn(words);
  const link = await attachLink(token.link);
  const attached = attachThisThread(words, participant);
  // What the link has of its owner is only known to be the owner's if that is still alive.
  if (!attached || claimOf(words, OWNER) !== Claim.ATTACHED || !liveness.isAlive(OWNER)) {
    if (attached) leaveParticipant(words, participant);
    await link.close();
    throw new TunError(
      TunErrorCode.INVALID_STATE,
      'the token was used already, or its adapter is gone; each thread needs a token of its own from adapter.share()',
    );
  }
  const parts = { link, memory, participant, lane, liveness, luidIndex, options };
  try {
    return new AttachedMiniport(parts, port);
  } catch (error) {
    leaveParticipant(words, participant);
    await link.close();
    throw error;
  }
}

function checkToken(token: AdapterToken): void {
  if (typeof token !== 'object' || token === null || typeof token.typetun !== 'string') {
    throw new TypeError(
      `an adapter is attached by a token of adapter.share(), not by ${token === null ? 'null' : typeof token}`,
    );
  }
  if (token.typetun !== VERSION) {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      `the token is of typetun ${token.typetun}, this thread runs ${VERSION}; use one version in all threads`,
    );
  }
  const { memory, participant, lane, options, link, port } = token;
  if (
    !isAdapterMemory(memory) ||
    !isParticipant(participant) ||
    !isLane(lane, memory) ||
    !isOptions(options) ||
    !isLink(link)
  ) {
    throw new TypeError('the token is damaged; pass on what adapter.share() returned, as it is');
  }
  if (typeof port?.postMessage !== 'function') {
    throw new TypeError(
      'the token has lost its port; send it as postMessage(token, transfer), with the transfer list of adapter.share()',
    );
  }
}

function isAdapterMemory(memory: SharedArrayBuffer): boolean {
  return memory instanceof SharedArrayBuffer && lanesOf(memory) > 0;
}

function isLane(lane: number, memory: SharedArrayBuffer): boolean {
  return Number.isInteger(lane) && lane >= 0 && lane < lanesOf(memory);
}

function isOptions(options: Partial<QueueOptions> | undefined): boolean {
  const isPolicy = DROP_POLICIES.includes(options?.dropPolicy as DropPolicy);
  return isPolicy && typeof options?.prefetch === 'boolean';
}

function isLink(link: LinkToken | undefined): boolean {
  if (link?.kind === 'linux') return Array.isArray(link.fds) && isShared(link.memory);
  return (
    link?.kind === 'memory' &&
    [link.memory, link.sendQueue, link.receiveQueue].every((memory) => isShared(memory))
  );
}

function isShared(memory: unknown): boolean {
  return memory instanceof SharedArrayBuffer && memory.byteLength > 0;
}

function isParticipant(participant: number): boolean {
  return Number.isInteger(participant) && participant > OWNER && participant < MAX_PARTICIPANTS;
}
