/**
 * The transitions of one adapter, as seen from one of its threads: state, power, media, handles.
 *
 * Control calls of all threads are serialised by the CONTROL mutex. None of these waits for anything
 * but the two locks, each of which is held for one bundle's work at most; what has to wait longer
 * (Pausing for its last transaction) is told by the state word and waited for elsewhere
 * (lifecycle.ts). If a thread dies with the mutex in its hands, the next one finishes its work.
 *
 * The order within each transition is the original's (docs/driver-contract.md, section 4): change
 * the state with the TransitionLock held exclusively, release it, then clear the queue, then
 * indicate. Starting up takes no TransitionLock: the link is drained, then the state is changed.
 */

import type { Link } from '../link/link.ts';
import { Claim, Counter, OWNER } from '../sync/layout.ts';
import { claimOf } from '../sync/participants.ts';
import { absentError, deletePendingError } from './absent.ts';
import { buryParticipant } from './burial.ts';
import { ControlSection } from './control-section.ts';
import type { DataPath } from './data-path.ts';
import { Gate } from './gate.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { AdapterState, isPresent, MediaState, PowerState } from './state.ts';
import { stateOf } from './state-word.ts';
import { Steering } from './steering.ts';

/** Told of each change, after it is complete and under no lock. Must not throw. */
export interface Indications {
  state(state: AdapterState, previous: AdapterState): void;
  media(media: MediaState): void;
  power(power: PowerState): void;
}

/** What {@link Transitions.pause} and {@link Transitions.restart} return when there is no need to wait. */
export const DONE = -1;

export class Transitions {
  readonly #shared: SharedAdapter;
  readonly #link: Link;
  readonly #path: DataPath;
  readonly #indicate: Indications;
  readonly #gate: Gate;
  readonly #steering: Steering;
  readonly #control: ControlSection;

  constructor(shared: SharedAdapter, link: Link, path: DataPath, indicate: Indications) {
    this.#shared = shared;
    this.#link = link;
    this.#path = path;
    this.#indicate = indicate;
    this.#gate = new Gate(shared, path);
    this.#steering = new Steering(shared, path);
    this.#control = new ControlSection(shared, {
      repair: () => this.#repair(),
      settle: () => this.#completeIfIdle(),
    });
  }

  /** Halted -> Initializing -> Paused, with power D0 and nobody listening. By the owner, once. */
  initialize(): void {
    this.#control.run(() => {
      this.#change(AdapterState.INITIALIZING);
      this.#shared.power = PowerState.D0;
      this.#link.setMediaConnected(false);
      this.#settleHandles();
      this.#change(AdapterState.PAUSED);
      this.#control.say(() => this.#indicate.media(MediaState.DISCONNECTED));
    });
  }

  /**
   * Paused -> Restarting -> Running. Returns {@link DONE}, also when it is Running; or the state word
   * of a pause that is under way, which has to be waited for.
   *
   * @throws TunError `INVALID_STATE`.
   */
  restart(): number {
    return this.#control.run(() => {
      this.#requirePresent('restart');
      const word = this.#shared.stateWord;
      if (stateOf(word) === AdapterState.PAUSING) return word;
      if (stateOf(word) === AdapterState.PAUSED) {
        this.#change(AdapterState.RESTARTING);
        this.#run();
      }
      return DONE;
    });
  }

  /**
   * Running -> Pausing, with the queue cleared and counted under `reason`, and on to Paused when no
   * transaction is active. Returns {@link DONE} when Paused, else the state word of Pausing: this
   * pause, or the one it has joined, completes when the last transaction ends.
   *
   * @throws TunError `INVALID_STATE`; `what` names the call in its message.
   */
  pause(reason: Counter, what = 'pause'): number {
    return this.#control.run(() => {
      this.#requirePresent(what);
      return this.#pause(reason);
    });
  }

  /**
   * Changes device power; configuration and handles stay as they are.
   *
   * @throws TunError `INVALID_STATE`.
   */
  setPower(power: PowerState): void {
    this.#control.run(() => {
      this.#requirePresent('set the power of');
      const before = this.#shared.power;
      if (power === before) return;
      if (power === PowerState.D0) {
        this.#gate.open(() => {
          this.#shared.power = power;
        });
      } else {
        this.#exclude(() => {
          this.#shared.power = power;
        });
        this.#path.clearQueue(Counter.DROP_LOW_POWER);
      }
      this.#control.say(() => this.#indicate.power(power));
    });
  }

  /**
   * This thread opens a handle: the first of all connects the media.
   *
   * @throws TunError `DELETE_PENDING` when the adapter is not present.
   */
  open(): void {
    this.#control.run(() => {
      const { state, participant } = this.#shared;
      if (!isPresent(state)) {
        throw deletePendingError(this.#link.info.name, state);
      }
      this.#shared.setHandlesOf(participant, this.#shared.handlesOf(participant) + 1);
      this.#settleHandles();
    });
  }

  /** This thread closes a handle: the last of all disconnects the media. */
  close(): void {
    this.#control.run(() => {
      const { participant } = this.#shared;
      const handles = this.#shared.handlesOf(participant);
      // They may have been closed by force meanwhile.
      if (handles === 0) return;
      this.#shared.setHandlesOf(participant, handles - 1);
      this.#settleHandles();
    });
  }

  /**
   * Paused -> Halting: from here on nobody gets in. False when another thread restarted it, and it has
   * to be paused again; true also when it is absent already.
   */
  beginHalt(): boolean {
    return this.#control.run(() => {
      const { state } = this.#shared;
      if (!isPresent(state)) return true;
      if (state !== AdapterState.PAUSED) return false;
      this.#change(AdapterState.HALTING);
      return true;
    });
  }

  /** All handles of all threads are closed by force. Once the adapter is absent. */
  closeHandles(): void {
    this.#control.run(() => {
      for (let i = 0; i < this.#shared.participants; i++) this.#shared.setHandlesOf(i, 0);
      this.#settleHandles();
    });
  }

  /** Throws away what the host has sent, the last time before the link is released. */
  drain(): void {
    this.#control.run(() => this.#gate.open(() => undefined));
  }

  /** Halting -> Halted, power Unspecified. Stays Shutdown if it was shut down. */
  endHalt(): void {
    this.#control.run(() => {
      if (this.#shared.state === AdapterState.SHUTDOWN) return;
      this.#shared.power = PowerState.UNSPECIFIED;
      this.#change(AdapterState.HALTED);
    });
  }

  /** The system goes down: what runs is stopped as by a pause, and nothing begins again. */
  shutdown(): void {
    this.#control.run(() => {
      if (this.#shared.state === AdapterState.SHUTDOWN) return;
      this.#pause(Counter.DROP_CLEARED);
      this.#change(AdapterState.SHUTDOWN);
    });
  }

  /**
   * Transactions ended: completes the pause that waits for the last one. Of all threads that find
   * none left, exactly one completes it.
   */
  transactionsEnded(): void {
    const word = this.#shared.stateWord;
    if (stateOf(word) !== AdapterState.PAUSING || !this.#complete(word)) return;
    this.#shared.wake.announce();
    this.#indicate.state(AdapterState.PAUSED, AdapterState.PAUSING);
  }

  /**
   * Cleans up after participants whose threads are gone: their locks, their handles, the packets in
   * their hands. Returns how many there were.
   */
  buryDead(): number {
    return this.#control.run(() => this.#buryDead());
  }

  /** Cleans up after `participant`, whose thread has ended. Does nothing when that is done. */
  bury(participant: number): void {
    this.#control.run(() => this.#bury(participant));
  }

  /** Finishes what a thread that died in the middle of a control call has begun. */
  #repair(): void {
    if (this.#shared.state === AdapterState.RESTARTING) this.#run();
    this.#settleHandles();
    if (this.#shared.media === MediaState.DISCONNECTED) {
      this.#path.clearQueue(Counter.DROP_NOT_OPEN);
    } else if (this.#shared.state !== AdapterState.RUNNING) {
      this.#path.clearQueue(Counter.DROP_PAUSED);
    } else if (this.#shared.power !== PowerState.D0) {
      this.#path.clearQueue(Counter.DROP_LOW_POWER);
    }
  }

  /** Restarting -> Running. */
  #run(): void {
    this.#gate.open(() => this.#change(AdapterState.RUNNING));
  }

  #pause(reason: Counter): number {
    if (this.#shared.state === AdapterState.RUNNING) {
      this.#exclude(() => this.#change(AdapterState.PAUSING));
      this.#path.clearQueue(reason);
      this.#completeIfIdle();
    }
    const word = this.#shared.stateWord;
    return stateOf(word) === AdapterState.PAUSING ? word : DONE;
  }

  /** Makes a change after which packets do not pass. */
  #exclude(change: () => void): void {
    if (this.#gate.shut(change)) this.#buryDead();
  }

  /** Media and the lanes' sources follow the handles. */
  #settleHandles(): void {
    this.#settleMedia();
    if (!this.#steering.settle()) return;
    this.#path.follow();
    // The other threads are woken, and look for themselves.
    this.#control.say(() => undefined);
  }

  #settleMedia(): void {
    const open = this.#shared.openHandles > 0;
    if (open === (this.#shared.media === MediaState.CONNECTED)) return;
    const media = open ? MediaState.CONNECTED : MediaState.DISCONNECTED;
    const change = (): void => {
      this.#shared.media = media;
    };
    if (open) {
      this.#gate.open(change);
    } else {
      this.#exclude(change);
      this.#path.clearQueue(Counter.DROP_NOT_OPEN);
    }
    this.#link.setMediaConnected(open);
    this.#control.say(() => this.#indicate.media(media));
  }

  #completeIfIdle(): void {
    const word = this.#shared.stateWord;
    if (stateOf(word) !== AdapterState.PAUSING || !this.#complete(word)) return;
    this.#control.say(() => this.#indicate.state(AdapterState.PAUSED, AdapterState.PAUSING));
  }

  #complete(word: number): boolean {
    return this.#shared.idle && this.#shared.changeState(word, AdapterState.PAUSED);
  }

  #buryDead(): number {
    const { liveness, participants, words } = this.#shared;
    let buried = 0;
    for (let i = 0; i < participants; i++) {
      if (claimOf(words, i) !== Claim.ATTACHED || liveness.isAlive(i)) continue;
      if (this.#bury(i)) buried++;
    }
    return buried;
  }

  #bury(participant: number): boolean {
    if (!buryParticipant(this.#shared, this.#link, participant)) return false;
    this.#settleHandles();
    if (participant === OWNER) this.#ownerDied();
    // Somebody may be waiting for a lock it held, or for it to leave.
    this.#control.say(() => undefined);
    return true;
  }

  /** Without its owner an adapter has nobody who could configure or halt it. */
  #ownerDied(): void {
    if (this.#shared.state === AdapterState.SHUTDOWN) return;
    this.#pause(Counter.DROP_CLEARED);
    this.#change(AdapterState.SHUTDOWN);
  }

  /** Under CONTROL the only other transition there can be is Pausing -> Paused. */
  #change(to: AdapterState): void {
    for (;;) {
      const word = this.#shared.stateWord;
      if (!this.#shared.changeState(word, to)) continue;
      const previous = stateOf(word);
      this.#control.say(() => this.#indicate.state(to, previous));
      return;
    }
  }

  #requirePresent(what: string): void {
    const { state } = this.#shared;
    if (isPresent(state)) return;
    throw absentError(what, state);
  }
}
