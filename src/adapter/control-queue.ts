/** Serialises the control calls of one adapter: each begins when the one before it has settled. */

export class ControlQueue {
  #last: Promise<void> | undefined;

  /**
   * Runs `call` now when no control call is under way, otherwise after those that are; also when it
   * comes from within one. Settles as `call` does. A call that fails does not stop later ones.
   */
  run<T>(call: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#last = gate;
    const result = before === undefined ? attempt(call) : before.then(call);
    const done = (): void => {
      if (this.#last === gate) this.#last = undefined;
      release();
    };
    result.then(done, done);
    return result;
  }
}

/** Turns a synchronous throw into a rejection. */
async function attempt<T>(call: () => Promise<T>): Promise<T> {
  return await call();
}
