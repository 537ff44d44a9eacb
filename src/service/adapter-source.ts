/** Makes the adapter that a configuration describes, or attaches to the persistent one that is there. */

import { setTimeout as sleep } from 'node:timers/promises';
import { isTunError, TunErrorCode } from '../errors.ts';
import { Adapter, type AdapterOptions, type OpenOptions } from '../index.ts';
import type { AdapterConfig } from './control-protocol.ts';

/**
 * How long a persistent interface may be busy, in ms: what a host that was killed has held, the kernel releases a
 * moment after its end.
 */
const BUSY_MS = 1500;
const RETRY_MS = 10;

/** Queues of a device whose descriptor may be lent, at least. */
const LENDABLE_QUEUES = 2;

/** An adapter, and whether it was there already. */
export interface Sourced {
  readonly adapter: Adapter;
  readonly adopted: boolean;
}

/** Rejects as `Adapter.create` and `Adapter.open` do. */
export async function sourceAdapter(config: AdapterConfig): Promise<Sourced> {
  const { access, ...given } = config;
  // A queue can be taken from who has its descriptor only of a device that was made for several.
  const queues = Math.max(given.queues ?? 1, LENDABLE_QUEUES);
  const options = access?.descriptor ? { ...given, queues } : given;
  if (config.persist && config.link !== 'memory') {
    const adapter = await adopt(options);
    if (adapter !== undefined) return { adapter, adopted: true };
  }
  return { adapter: await Adapter.create(options), adopted: false };
}

/** Attaches to the interface of that name; undefined when there is none. */
async function adopt(options: AdapterOptions & { name: string }): Promise<Adapter | undefined> {
  const deadline = performance.now() + BUSY_MS;
  for (;;) {
    try {
      return await Adapter.open(options.name, openOptions(options));
    } catch (error) {
      if (isTunError(error, TunErrorCode.NOT_FOUND)) return undefined;
      if (!isTunError(error, TunErrorCode.BUSY) || performance.now() > deadline) throw error;
      await sleep(RETRY_MS);
    }
  }
}

/** Those options that an interface which exists can be opened with. */
export function openOptions(config: AdapterOptions | AdapterConfig): OpenOptions {
  const { name: _name, link: _link, persist: _persist, ...further } = config;
  const { owner: _owner, group: _group, ...rest } = further;
  const none = { wintun: undefined, access: undefined };
  const { wintun: _wintun, access: _access, ...options } = { ...none, ...rest };
  return options;
}
