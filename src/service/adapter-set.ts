/** The adapters of a host, by the names they answer to. */

import { TunError, TunErrorCode } from '../errors.ts';
import type { HostedAdapter } from './hosted-adapter.ts';

/**
 * First index of a device whose interface has the index of another one, in another network namespace: above what the
 * kernel comes to, and below those of adapters in process.
 */
const FIRST_SHARED_INDEX = 2 ** 30;

/** The original's path, or its last component, or the index alone. */
const DEVICE = /^(?:(?:\\\\\.\\Device\\)?WINTUN)?(0|[1-9][0-9]*)$/i;

export class AdapterSet {
  readonly #adapters = new Set<HostedAdapter>();

  /** Oldest first. */
  get all(): HostedAdapter[] {
    return [...this.#adapters];
  }

  get size(): number {
    return this.#adapters.size;
  }

  add(adapter: HostedAdapter): void {
    this.#adapters.add(adapter);
  }

  /** Whether it was there. */
  delete(adapter: HostedAdapter): boolean {
    return this.#adapters.delete(adapter);
  }

  /** The one whose configuration has that name. */
  named(name: string): HostedAdapter | undefined {
    return this.all.find(({ config }) => config.name === name);
  }

  /** An index for the device of an interface: its own, unless an adapter in another network namespace has it. */
  indexFor(interfaceIndex: number): number {
    const taken = new Set(this.all.map(({ index }) => index));
    if (!taken.has(interfaceIndex)) return interfaceIndex;
    let index = FIRST_SHARED_INDEX;
    while (taken.has(index)) index++;
    return index;
  }

  /**
   * The adapter of that interface name, or device as `\\.\Device\WINTUN7`, `WINTUN7` or `7`.
   *
   * @throws TunError `NOT_FOUND` saying which there are.
   */
  find(reference: string): HostedAdapter {
    const index = DEVICE.exec(reference)?.[1];
    const found =
      this.all.find(({ name }) => name === reference) ??
      this.all.find((hosted) => String(hosted.index) === index);
    if (found !== undefined) return found;
    const names = this.all.map(({ name }) => name);
    const there = names.length === 1 ? `is only ${names[0]}` : `are ${names.join(', ') || 'none'}`;
    throw new TunError(
      TunErrorCode.NOT_FOUND,
      `no adapter of this host is called ${reference}; there ${there}`,
    );
  }
}
