/** The miniport of a thread that attached to another thread's adapter. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { TunError, TunErrorCode } from '../errors.ts';
import type { LinkReconfig } from '../link/link.ts';
import { Claim, OWNER, ParticipantWord, participantIndex } from '../sync/layout.ts';
import { claimOf, leaveParticipant } from '../sync/participants.ts';
import { Miniport, type MiniportParts, type News } from './miniport.ts';
import { register, unregister } from './registry.ts';
import type { ShareResult } from './sharing.ts';

export class AttachedMiniport extends Miniport {
  readonly #port: MessagePort;
  #left: Promise<void> | undefined;

  /** Takes over `port` and the link. This thread is `parts.participant`, and attached. */
  constructor(parts: MiniportParts, port: MessagePort) {
    super(parts, false);
    this.#port = port;
    port.on('message', (news: News) => this.hear(news));
    port.on('close', () => this.#ownerEnded());
    // Last: adding a listener refers to the port again.
    port.unref();
    register(this);
    this.requests.start();
    this.requests.listen();
  }

  /** Leaves the adapter, which goes on without this thread. */
  override halt(): Promise<void> {
    this.#left ??= this.#leave();
    return this.#left;
  }

  override shutdown(): void {
    throw notOwner('shut it down');
  }

  override configure(_change: LinkReconfig): void {
    throw notOwner('configure it');
  }

  override share(): ShareResult {
    throw notOwner('share it');
  }

  protected override linkClosed(): void {
    // The owner's system tells it, too, and it halts the adapter.
  }

  protected override tellOthers(news: News): void {
    this.#port.postMessage(news);
  }

  async #leave(): Promise<void> {
    unregister(this);
    this.closeHandles();
    this.shared.leave();
    this.forceClose();
    const { participant, words } = this.shared;
    // Called from within an operation of this thread, it ends first.
    const inside = participantIndex(participant, ParticipantWord.INSIDE);
    while (Atomics.load(words, inside) > 0) await nextTurn();
    // Inside once more: it wakes others by way of the link, which no halt is to release meanwhile.
    this.shared.rundown.enter();
    this.transitions.transactionsEnded();
    this.shared.rundown.leave();
    this.shared.rundown.retire();
    leaveParticipant(words, participant);
    // Only now: of two threads that leave at once, each would take the other for one that stays.
    await this.link.close(this.#isLast());
    this.#port.close();
  }

  /** Whether the owner is gone and no other thread is left. */
  #isLast(): boolean {
    const { participant, participants, words } = this.shared;
    for (let i = OWNER; i < participants; i++) {
      if (i !== participant && claimOf(words, i) === Claim.ATTACHED) return false;
    }
    return true;
  }

  /** The port is closed from the other side: the adapter is halted, or its owner's thread ended. */
  #ownerEnded(): void {
    if (this.#left !== undefined) return;
    this.transitions.bury(OWNER);
    this.forceClose();
    void this.halt();
  }
}

function notOwner(what: string): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    `only the thread that created the adapter can ${what}; send it a message`,
  );
}
