/**
 * One thread's real driver code over the model host: everything that ships, from the miniport down.
 * Its methods are what scenarios are made of; each watches over the rules that show in its result.
 */

import type { Bundle } from '#dist/adapter/bundle.js';
import { Miniport } from '#dist/adapter/miniport.js';
import type { ShareResult } from '#dist/adapter/sharing.js';
import { AdapterState, type PowerState } from '#dist/adapter/state.js';
import { stateOf } from '#dist/adapter/state-word.js';
import { DONE } from '#dist/adapter/transitions.js';
import { isTunError } from '#dist/errors.js';
import { Claim, Counter, ParticipantWord, participantIndex, Word } from '#dist/sync/layout.js';
import { claimOf, laneOf } from '#dist/sync/participants.js';
import { parkOnWord } from '#dist/sync/wake.js';
import type { Environment } from '../engine/scenario.ts';
import { bundleOf, ENTRY_BYTES, ModelLink, packetNumber } from './model-link.ts';
import { LogWord, MAX_PACKETS } from './model-memory.ts';
import { accepting, queueCount, rawIdle } from './raw.ts';

const BUFFER_BYTES = 0xf000;
const RUNDOWN_CHECK_MS = 10;

/** One for the thread: what is read is looked at before the next read. */
const buffer = new Uint8Array(BUFFER_BYTES);

class ModelMiniport extends Miniport {
  constructor(memory: SharedArrayBuffer, link: ModelLink, participant: number, env: Environment) {
    const words = new Int32Array(memory);
    super(
      {
        link,
        memory,
        participant,
        lane: laneOf(words, participant),
        liveness: {
          isAlive: (other) =>
            claimOf(words, other) === Claim.ATTACHED && Atomics.load(env.alive, other) === 1,
        },
        luidIndex: 0,
        options: { dropPolicy: 'drop-oldest', prefetch: true },
      },
      participant === 0,
    );
  }

  get path(): { prefetch(): boolean; cancel(id: number): void } {
    return this.dataPath;
  }

  get control(): Miniport['transitions'] {
    return this.transitions;
  }

  force(): void {
    this.forceClose();
  }

  override halt(): Promise<void> {
    return Promise.resolve();
  }

  override shutdown(): void {
    this.transitions.shutdown();
  }

  override configure(): void {
    // Not of interest here.
  }

  override share(): ShareResult {
    throw new Error('the model is shared already');
  }

  protected override linkClosed(): void {
    // The model host never removes it.
  }

  protected override tellOthers(): void {
    // Events are told by ports, which are not shared memory.
  }
}

export class Actor {
  readonly link: ModelLink;
  readonly #env: Environment;
  readonly #words: Int32Array;
  readonly #log: Int32Array;
  readonly #miniport: ModelMiniport;
  readonly #participant: number;

  constructor(memories: readonly SharedArrayBuffer[], participant: number, env: Environment) {
    const [memory, model] = memories;
    this.#env = env;
    this.#participant = participant;
    this.#words = new Int32Array(memory!);
    this.#log = new Int32Array(model!);
    this.link = new ModelLink(model!, this.#words, participant, env, () =>
      accepting(this.#words, env.real),
    );
    this.#miniport = new ModelMiniport(memory!, this.link, participant, env);
    // A scenario begins when the owner has shared the adapter.
    this.#miniport.shared.open();
    this.#miniport.setEvents({
      state: (state, previous) => this.#onState(state, previous),
      media: () => undefined,
      power: () => undefined,
      link: () => undefined,
    });
    this.#watchClearing(participant);
    this.#watchEntering(participant);
  }

  /** The poller's turn: takes from the host into the queue. */
  fill(): void {
    this.#miniport.shared.rundown.enter();
    if (this.#miniport.shared.present) this.#miniport.path.prefetch();
    this.#miniport.shared.rundown.leave();
  }

  /**
   * A blocking read, into a bundle that has room for so many packets. Returns the packets it got, -1
   * when it was closed by force.
   */
  read(timeoutMs = Number.POSITIVE_INFINITY, room = MAX_PACKETS): number {
    const { real } = this.#env;
    real.add(this.#log, LogWord.READS_BEGUN, 1);
    this.#env.premise('R6');
    let bundle: Bundle | null = null;
    try {
      const target = buffer.subarray(0, room * ENTRY_BYTES);
      bundle = this.#miniport.readSync(target, timeoutMs, () => undefined);
    } catch (error) {
      if (!isTunError(error)) throw error;
      real.add(this.#log, LogWord.READS_COMPLETED, 1);
      return -1;
    } finally {
      this.#noteCounting();
    }
    real.add(this.#log, LogWord.READS_COMPLETED, 1);
    if (bundle === null) return 0;
    this.#env.premise('R5');
    let { sequence } = bundle;
    for (const packet of bundle) {
      const at = LogWord.SEQUENCES + packetNumber(packet);
      if (real.exchange(this.#log, at, 1 + sequence++) !== 0) {
        this.#env.violated('R3', `packet ${packetNumber(packet)} is delivered twice`);
      }
      const stamp = real.add(this.#log, LogWord.CLOCK, 1);
      real.store(this.#log, LogWord.STAMPS + packetNumber(packet), stamp);
      const { index } = this.#miniport.shared.lane;
      real.store(this.#log, LogWord.LANES + packetNumber(packet), index);
    }
    real.add(this.#log, LogWord.DELIVERED, bundle.count);
    return bundle.count;
  }

  /** Reads until it has got so many packets, which are to come. */
  readAll(packets: number): void {
    for (let left = packets; left > 0; ) left -= this.read();
  }

  /** A read of a thread that sleeps in its event loop until something is announced (requests.ts). */
  readListening(): void {
    const asleep = participantIndex(this.#participant, ParticipantWord.ASLEEP);
    const waiting = participantIndex(this.#participant, ParticipantWord.WAITING);
    Atomics.store(this.#words, waiting, 1);
    for (;;) {
      Atomics.store(this.#words, asleep, 1);
      if (this.read(0) !== 0) break;
      // What readSync left: this read goes on waiting.
      Atomics.store(this.#words, waiting, 1);
      parkOnWord(this.#words, asleep, 1, Number.POSITIVE_INFINITY);
    }
    Atomics.store(this.#words, waiting, 0);
  }

  /** Writes one bundle. Returns what was delivered, -1 when it was closed by force. */
  write(packets: number): number {
    try {
      const bytes = bundleOf(packets);
      const delivered = this.#miniport.write(bytes, bytes.byteLength);
      this.#env.real.add(this.#log, LogWord.WRITTEN, delivered);
      return delivered;
    } catch (error) {
      if (isTunError(error)) return -1;
      throw error;
    }
  }

  /** Answers a flow with one packet: where the host has several queues it moves to this thread's. */
  answer(flow: number): void {
    this.link.flow = flow;
    this.write(1);
  }

  open(): void {
    this.#env.real.store(this.#log, LogWord.OPENED, 1);
    this.#noting(() => this.#miniport.control.open());
  }

  /** Closes the handle; if that was the last, the queue is empty from here on. */
  close(): void {
    this.#noting(() => this.#miniport.control.close());
    this.#requireEmpty('disconnect', () => this.#env.real.load(this.#words, Word.MEDIA) === 0);
  }

  /** Begins a pause and waits until it is complete. */
  pause(): void {
    const word = this.beginPause();
    while (word !== DONE && this.#miniport.shared.stateWord === word) {
      parkOnWord(this.#words, Word.STATE, word, RUNDOWN_CHECK_MS);
      if (this.#miniport.control.buryDead() > 0) this.#miniport.control.transactionsEnded();
    }
  }

  /** Begins a pause: its queue is empty when this returns. */
  beginPause(): number {
    const { real } = this.#env;
    let word: number;
    try {
      word = this.#noting(() => this.#miniport.control.pause(Counter.DROP_PAUSED));
    } catch (error) {
      if (isTunError(error)) return DONE;
      throw error;
    }
    this.#requireEmpty('pause', () => {
      const state = stateOf(real.load(this.#words, Word.STATE));
      return state === AdapterState.PAUSING || state === AdapterState.PAUSED;
    });
    return word;
  }

  restart(): void {
    for (;;) {
      const word = this.#noting(() => this.#miniport.control.restart());
      if (word === DONE) return;
      parkOnWord(this.#words, Word.STATE, word, RUNDOWN_CHECK_MS);
    }
  }

  power(power: PowerState): void {
    this.#noting(() => this.#miniport.control.setPower(power));
    if (power !== 'D0') {
      this.#requireEmpty('low power', () => this.#env.real.load(this.#words, Word.POWER) > 1);
    }
  }

  /** The host stack withdraws what it sent under that id. */
  cancel(id: number): void {
    this.#miniport.path.cancel(id);
  }

  shutdown(): void {
    this.#miniport.shutdown();
  }

  /** As Lifecycle.halt does, with blocking waits. */
  halt(): void {
    const { shared, control } = this.#miniport;
    do this.pause();
    while (!control.beginHalt());
    this.#miniport.force();
    control.closeHandles();
    for (;;) {
      const inside = shared.rundown.firstInside(shared.liveness);
      if (inside < 0) break;
      const index = participantIndex(inside, ParticipantWord.INSIDE);
      parkOnWord(this.#words, index, Atomics.load(this.#words, index), RUNDOWN_CHECK_MS);
    }
    control.drain();
    this.#env.premise('R8');
    this.#env.real.store(this.#log, LogWord.RELEASED, 1);
    control.endHalt();
  }

  /** Cleans up after the dead, as the owner does when their ports close. */
  bury(participant: number): void {
    this.#miniport.control.bury(participant);
  }

  /** The same, once the thread is dead; not at all when it lives on. */
  buryOnceDead(participant: number): void {
    const dead = { words: this.#env.alive, index: participant, not: 1 };
    if (this.#env.blockUntil([dead], RUNDOWN_CHECK_MS)) this.bury(participant);
  }

  #noting<T>(call: () => T): T {
    try {
      return call();
    } finally {
      this.#noteCounting();
    }
  }

  /** What this thread has handed over and not counted: it is dying, then. */
  #noteCounting(): void {
    const { real } = this.#env;
    const hand = real.load(this.#words, participantIndex(this.#participant, ParticipantWord.HAND));
    if (hand < 0) real.store(this.#log, LogWord.COUNTING, -hand);
  }

  #onState(state: AdapterState, previous: AdapterState): void {
    const { real } = this.#env;
    if (state === AdapterState.PAUSING) real.add(this.#log, LogWord.PAUSES_BEGUN, 1);
    if (state !== AdapterState.PAUSED || previous !== AdapterState.PAUSING) return;
    this.#env.premise('R4');
    real.add(this.#log, LogWord.PAUSES_COMPLETED, 1);
    if (stateOf(real.load(this.#words, Word.STATE)) !== AdapterState.PAUSED) return;
    const why = rawIdle(this.#words, real);
    if (why !== undefined) this.#env.violated('R4', `a pause is complete although ${why}`);
  }

  #requireEmpty(what: string, still: () => boolean): void {
    if (!still()) return;
    this.#env.premise('R1');
    const queued = queueCount(this.#words, this.#env.real);
    if (queued !== 0 && still()) {
      this.#env.violated('R1', `${queued} packets are queued after a ${what} has returned`);
    }
  }

  /** What a thread saw when it took the lock shared: a later change is the lock's fault. */
  #watchEntering(participant: number): void {
    const { lock } = this.#miniport.shared;
    const enter = lock.enterShared.bind(lock);
    lock.enterShared = () => {
      enter();
      const accepted = accepting(this.#words, this.#env.real) ? 1 : 0;
      this.#env.real.store(this.#log, LogWord.ACCEPTED + participant, accepted);
    };
  }

  /** R11: whoever clears the queue must not hold the lock exclusive. */
  #watchClearing(participant: number): void {
    for (const { queue } of this.#miniport.shared.lanes) {
      const clear = queue.clear.bind(queue);
      queue.clear = () => {
        this.#env.premise('R11');
        if (this.#env.real.load(this.#words, Word.TRANSITION) === participant + 1) {
          this.#env.violated('R11', 'the queue is cleared inside the exclusive hold');
        }
        clear();
      };
    }
  }
}
