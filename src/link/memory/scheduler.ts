/**
 * One timer for everything of a host that waits for its time. The timer never keeps the process
 * alive; a thread that is parked in `Link.wait` asks for the next due time instead and pumps itself.
 */

import type { Clock, ClockTimer } from './clock.ts';

/** Something that holds packets until their time has come. */
export interface TimedSource {
  /** When the next packet falls due on the host's clock; `Infinity` when none is held. */
  readonly nextDue: number;
  /** Lets go of everything that is due at `now`. */
  pump(now: number): void;
}

export class Scheduler {
  readonly #clock: Clock;
  readonly #sources: TimedSource[] = [];
  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.pump();
  };
  #timer: ClockTimer | undefined;
  #timerDue = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(source: TimedSource): void {
    this.#sources.push(source);
  }

  now(): number {
    return this.#clock.now();
  }

  /** Milliseconds until something falls due: 0 when it has, `Infinity` when nothing waits. */
  delayMs(): number {
    return Math.max(this.#nextDue() - this.#clock.now(), 0);
  }

  /** Lets go of everything that is due. */
  pump(): void {
    const now = this.#clock.now();
    for (const source of this.#sources) source.pump(now);
    this.arm();
  }

  /** Sees to it that the timer fires in time. Call after a source was given something to hold. */
  arm(): void {
    const due = this.#nextDue();
    if (this.#timer !== undefined) {
      if (this.#timerDue === due) return;
      this.#timer.cancel();
      this.#timer = undefined;
    }
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timerDue = due;
    this.#timer = this.#clock.setTimer(due, this.#onTimer, false);
  }

  #nextDue(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const source of this.#sources) due = Math.min(due, source.nextDue);
    return due;
  }
}
