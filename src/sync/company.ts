/**
 * Whether more than one thread uses an adapter's memory. Until its owner shares it nobody else does,
 * and what keeps threads apart and accounts for their deaths may be left out: a thread does not
 * interrupt itself. Each `Atomics` call that is left out saves some 20 ns, of which a bundle paid
 * dozens.
 *
 * Changes once, from alone to not alone, in the thread that was alone, before anybody can join. What
 * looks at it must begin and end without giving that thread's event loop a turn, so that it never
 * changes in between.
 */

export class Company {
  #alone: boolean;

  constructor(alone: boolean) {
    this.#alone = alone;
  }

  get alone(): boolean {
    return this.#alone;
  }

  /** Others may join from now on. */
  open(): void {
    this.#alone = false;
  }
}
