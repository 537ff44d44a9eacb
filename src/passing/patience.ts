/** How long one side of a hand-over waits for the other: until a time, or a signal. */

import { TunError, TunErrorCode } from '../errors.ts';

export class Patience implements Disposable {
  readonly #ending = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outside: AbortSignal | undefined;
  readonly #aborted = (): void => this.#ending.abort(this.#outside?.reason);

  /** `waiting` completes "... within 10 s". Keeps the process alive until it is disposed of. */
  constructor(timeoutMs: number, outside: AbortSignal | undefined, waiting: string) {
    this.#outside = outside;
    this.#timer = setTimeout(() => {
      const message = `${waiting} within ${timeoutMs} ms`;
      this.#ending.abort(new TunError(TunErrorCode.HANDOVER, message));
    }, timeoutMs);
    if (outside?.aborted) this.#aborted();
    else outside?.addEventListener('abort', this.#aborted);
  }

  /**
   * Resolves when `begin` calls back, and rejects when there is no more time. `begin` returns what ends
   * the waiting, which is called either way.
   */
  wait(begin: (done: () => void) => () => void): Promise<void> {
    const { signal } = this.#ending;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      let end = (): void => {};
      const settle = (): void => {
        signal.removeEventListener('abort', settle);
        end();
        if (signal.aborted) reject(signal.reason as Error);
        else resolve();
      };
      signal.addEventListener('abort', settle);
      end = begin(settle);
    });
  }

  /** Resolves after `ms`. */
  pause(ms: number): Promise<void> {
    return this.wait((done) => {
      const timer = setTimeout(done, ms);
      return () => clearTimeout(timer);
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outside?.removeEventListener('abort', this.#aborted);
  }
}
