/**
 * The section in which one thread at a time, of all that use an adapter, makes transitions. What it
 * has to tell is told when it is over: whoever listens may call back into the adapter.
 */

import { NOBODY } from '../sync/mutex.ts';
import type { SharedAdapter } from './shared-adapter.ts';

/** What is done within the section besides the work. */
export interface SectionHooks {
  /** Finishes what a thread that died in it has begun. */
  repair(): void;
  /** After the work: what it had in hand may have kept a pause from completing. */
  settle(): void;
}

export class ControlSection {
  readonly #shared: SharedAdapter;
  readonly #hooks: SectionHooks;
  #news: (() => void)[] = [];

  constructor(shared: SharedAdapter, hooks: SectionHooks) {
    this.#shared = shared;
    this.#hooks = hooks;
  }

  /**
   * Runs `work` alone. What it said is told afterwards, also when it throws, and all other threads are
   * woken then. Not to be nested.
   */
  run<T>(work: () => T): T {
    const { control, rundown, wake } = this.#shared;
    // A thread that has left has no number to take a mutex with. The work finds the adapter absent.
    if (this.#shared.left) return work();
    rundown.enter();
    const dead = control.lock();
    try {
      if (dead !== NOBODY) this.#hooks.repair();
      const result = work();
      this.#hooks.settle();
      return result;
    } finally {
      const news = this.#news;
      this.#news = [];
      control.unlock();
      // Still inside: who is woken through the link's descriptors finds them open.
      if (news.length > 0) wake.announce();
      rundown.leave();
      for (const tell of news) tell();
    }
  }

  /** Within the section: something changed, and `tell` is to be called when it is over. */
  say(tell: () => void): void {
    this.#news.push(tell);
  }
}
