/** Readiness of a device on the event loop: level-triggered, and never keeping the loop alive. */

import type { LinkWatch } from '../link.ts';
import type { DeviceMemory } from './device-memory.ts';
import { Turn } from './turn.ts';

export class DeviceWatch implements LinkWatch {
  readonly #memory: DeviceMemory;
  readonly #turn: Turn;
  #started = false;

  constructor(memory: DeviceMemory, onReadable: () => void) {
    this.#memory = memory;
    this.#turn = new Turn(() => {
      if (memory.readable) onReadable();
      this.look();
    });
  }

  start(): void {
    this.#started = true;
    this.look();
  }

  stop(): void {
    this.#started = false;
    this.#turn.cancel();
  }

  /** To be called when packets may have come: of itself it only looks when started, and after a call. */
  look(): void {
    if (this.#started && this.#memory.readable) this.#turn.request();
  }
}
