/** Readiness of a device on the event loop: level-triggered, and never keeping the loop alive. */

import type { LinkWatch } from '../link.ts';
import type { MemoryDevice } from './device.ts';
import { Turn } from './turn.ts';

export class DeviceWatch implements LinkWatch {
  readonly #device: MemoryDevice;
  readonly #turn: Turn;
  #started = false;

  constructor(device: MemoryDevice, onReadable: () => void) {
    this.#device = device;
    this.#turn = new Turn(() => {
      if (device.memory.readable) onReadable();
      this.#request();
    });
    device.onReadable = () => this.#request();
  }

  start(): void {
    this.#started = true;
    this.#request();
  }

  stop(): void {
    this.#started = false;
    this.#turn.cancel();
  }

  #request(): void {
    if (this.#started && this.#device.memory.readable) this.#turn.request();
  }
}
