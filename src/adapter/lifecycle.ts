/**
 * The control calls of one thread, as promises: each begins when the one before it has settled, a
 * `pause` that arrives while one is under way joins it, and what another thread has under way is
 * waited for.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, ParticipantWord, participantIndex, Word } from '../sync/layout.ts';
import { whenNotified } from '../sync/wake.ts';
import { absentError } from './absent.ts';
import { ControlQueue } from './control-queue.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { PowerState } from './state.ts';
import { DONE, type Transitions } from './transitions.ts';

/** While a call waits for another thread it looks this often whether that thread still lives, in ms. */
const LIVENESS_CHECK_MS = 50;

/** What a halt makes the rest of the adapter do, in this order. */
export interface HaltSteps {
  /** The device name disappears: nobody can open it any more. */
  unpublish(): void;
  /** All reads are completed and all handles closed by force. */
  forceClose(): void;
  /** The link is released. */
  release(): Promise<void>;
}

export class Lifecycle {
  readonly #shared: SharedAdapter;
  readonly #transitions: Transitions;
  readonly #control = new ControlQueue();
  /** The last control call, when it is a pause: another pause joins it. */
  #lastPause: Promise<void> | undefined;
  #halted: Promise<void> | undefined;
  /** Power is low because the machine sleeps. */
  #asleep = false;

  constructor(shared: SharedAdapter, transitions: Transitions) {
    this.#shared = shared;
    this.#transitions = transitions;
  }

  /** Paused -> Restarting -> Running. Does nothing when Running. */
  restart(): Promise<void> {
    return this.#run(async () => {
      for (;;) {
        const pausing = this.#transitions.restart();
        if (pausing === DONE) return;
        await this.#stateChange(pausing);
      }
    });
  }

  /** Running -> Pausing -> Paused; resolves when Paused. Joins a pause that was asked for last. */
  pause(): Promise<void> {
    if (this.#lastPause !== undefined) return this.#lastPause;
    const pause = this.#control.run(() => this.#pause(Counter.DROP_PAUSED));
    this.#lastPause = pause;
    const settled = (): void => {
      if (this.#lastPause === pause) this.#lastPause = undefined;
    };
    pause.then(settled, settled);
    return pause;
  }

  /** Empties the queue as "request aborted" and pauses, so that nothing holds a removal up. */
  removalQuery(): Promise<void> {
    return this.#run(() => this.#pause(Counter.DROP_CLEARED, 'query removal of'));
  }

  /** Changes device power; configuration and handles stay as they are. */
  setPower(power: PowerState): Promise<void> {
    return this.#run(async () => {
      this.#asleep = false;
      this.#transitions.setPower(power);
    });
  }

  /** Another thread has set the power: it is not the machine's sleep any more that keeps it low. */
  powerChanged(): void {
    this.#asleep = false;
  }

  /** The machine is about to sleep: device power is lowered to D3, unless it is low already. */
  suspend(): Promise<void> {
    return this.#run(async () => {
      if (!this.#shared.present || this.#shared.power !== PowerState.D0) return;
      this.#transitions.setPower(PowerState.D3);
      this.#asleep = true;
    });
  }

  /** The machine woke up: what {@link suspend} lowered is D0 again, unless changed meanwhile. */
  resume(): Promise<void> {
    return this.#run(async () => {
      const slept = this.#asleep;
      this.#asleep = false;
      if (!slept || !this.#shared.present || this.#shared.power !== PowerState.D3) return;
      this.#transitions.setPower(PowerState.D0);
    });
  }

  /**
   * Pauses, then Paused -> Halting -> Halted: waits for every operation still inside, of all threads,
   * before the link is released. Resolves for every caller when Halted. By the owner.
   */
  halt(steps: HaltSteps): Promise<void> {
    this.#halted ??= this.#run(async () => {
      do {
        // As far as it goes without waiting: whoever blocks this thread next must see the adapter gone.
        const pausing = this.#shared.present ? this.#transitions.pause(Counter.DROP_PAUSED) : DONE;
        if (pausing !== DONE) await this.#stateChange(pausing);
        steps.unpublish();
      } while (!this.#transitions.beginHalt());
      steps.forceClose();
      await this.#operationsOut();
      this.#transitions.drain();
      await steps.release();
      this.#transitions.endHalt();
    });
    return this.#halted;
  }

  /** A control call that is no pause: one that comes later does not join one that came earlier. */
  #run(call: () => Promise<void>): Promise<void> {
    this.#lastPause = undefined;
    return this.#control.run(call);
  }

  async #pause(reason: Counter, what?: string): Promise<void> {
    const pausing = this.#transitions.pause(reason, what);
    if (pausing !== DONE) await this.#stateChange(pausing);
  }

  /** Resolves when the state is not that of `word` any more, whichever thread changes it. */
  async #stateChange(word: number): Promise<void> {
    const changed = whenNotified(this.#shared.words, Word.STATE, word);
    while (this.#shared.stateWord === word) {
      await Promise.race([changed, sleep(LIVENESS_CHECK_MS)]);
      if (this.#shared.left) throw absentError('wait for', this.#shared.state);
      if (this.#transitions.buryDead() > 0) this.#transitions.transactionsEnded();
    }
  }

  /** Resolves when no operation of a thread that lives is inside the adapter. */
  async #operationsOut(): Promise<void> {
    const { liveness, rundown, words } = this.#shared;
    for (;;) {
      const inside = rundown.firstInside(liveness);
      if (inside < 0) return;
      const index = participantIndex(inside, ParticipantWord.INSIDE);
      const left = whenNotified(words, index, Atomics.load(words, index));
      await Promise.race([left, sleep(LIVENESS_CHECK_MS)]);
    }
  }
}
