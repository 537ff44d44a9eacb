/** The adapters of a host, by the names they answer to. */

import { TunError, TunErrorCode } from '../errors.ts';
import type { HostedAdapter } from './hosted-adapter.ts';

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

  /**
   * The adapter of that interface name, or device as `\\.\Device\WINTUN7`, `WINTUN7` or `7`.
   *
   * @throws TunError `NOT_FOUND` saying which there are.
   */
  find(reference: string): HostedAdapter {
    const index = DEVICE.exec(reference)?.[1];
    const found =
      this.all.find(({ name }) => name === reference) ??
      this.all.find(({ adapter }) => String(adapter.luidIndex) === index);
    if (found !== undefined) return found;
    const names = this.all.map(({ name }) => name);
    const there = names.length === 1 ? `is only ${names[0]}` : `are ${names.join(', ') || 'none'}`;
    throw new TunError(
      TunErrorCode.NOT_FOUND,
      `no adapter of this host is called ${reference}; there ${there}`,
    );
  }
}
