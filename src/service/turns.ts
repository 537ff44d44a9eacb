/** Things that happen one after the other. */

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Acts when all that was asked for before has settled, also when it failed; settles as the act does. */
  take<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act, act);
    this.#last = turn;
    return turn;
  }

  /** Resolves when all that was asked for so far has settled. Never rejects. */
  async settled(): Promise<void> {
    await this.#last.catch(() => undefined);
  }
}
