/**
 * Time for the in-memory host: the real one, or one that a test moves by hand.
 */

import { performance } from 'node:perf_hooks';

/** A timer that has not fired. */
export interface ClockTimer {
  /** It will not fire any more. Idempotent, also after it fired. */
  cancel(): void;
}

/** Where a host gets its time from. */
export interface Clock {
  /** Milliseconds since some fixed moment, with fractions. Never goes back. */
  now(): number;
  /**
   * Calls `callback` once, never from within this call, when {@link now} has reached `due`. The real
   * clock may be a millisecond off either way: the callback looks at `now` itself.
   *
   * @param keepAlive Whether the event loop stays alive for it. Only where somebody awaits it.
   */
  setTimer(due: number, callback: () => void, keepAlive: boolean): ClockTimer;
}

/** Largest delay `setTimeout` takes, in ms (2^31 - 1): a longer one would fire at once. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** The machine's monotonic clock. */
export const realClock: Clock = {
  now: () => performance.now(),
  setTimer: (due, callback, keepAlive) => {
    const delayMs = Math.max(Math.ceil(due - performance.now()), 0);
    const timer = setTimeout(callback, Math.min(delayMs, MAX_TIMER_MS));
    if (!keepAlive) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

interface VirtualTimer {
  readonly due: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until {@link advance} moves it: delays and timeouts of a host then cost
 * no real time and come out the same on every run.
 *
 * ```ts
 * const clock = new VirtualClock();
 * const host = new MemoryHost({ clock, faults: { send: { delayMs: 50 } } });
 * host.send(packet);
 * clock.advance(50); // the packet is in front of the adapter now
 * ```
 */
export class VirtualClock implements Clock {
  #now = 0;
  /** Sorted by `due`; those of one moment in the order they were set. */
  readonly #timers: VirtualTimer[] = [];

  /** Milliseconds by which the clock was advanced so far. */
  now(): number {
    return this.#now;
  }

  setTimer(due: number, callback: () => void): ClockTimer {
    const timer: VirtualTimer = { due, callback };
    let at = this.#timers.length;
    while (at > 0 && this.#timers[at - 1]!.due > timer.due) at--;
    this.#timers.splice(at, 0, timer);
    return {
      cancel: () => {
        const index = this.#timers.indexOf(timer);
        if (index >= 0) this.#timers.splice(index, 1);
      },
    };
  }

  /**
   * Moves the clock on by `ms` (0 or more) and calls every timer that falls due on the way, in order
   * of time, before it returns; timers that these set included.
   *
   * @throws RangeError when `ms` is negative or no finite number.
   */
  advance(ms: number): void {
    if (!(ms >= 0 && Number.isFinite(ms))) {
      throw new RangeError(`a clock cannot be advanced by ${ms} ms; pass 0 or more`);
    }
    const end = this.#now + ms;
    while (this.#timers.length > 0 && this.#timers[0]!.due <= end) {
      const timer = this.#timers.shift()!;
      this.#now = Math.max(this.#now, timer.due);
      timer.callback();
    }
    // A timer may have moved the clock on by itself.
    this.#now = Math.max(this.#now, end);
  }
}
