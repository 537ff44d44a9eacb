/** An adapter over the in-process link with a host that is handed out too. */

import { Adapter, type AdapterOptions } from 'typetun';
import { MemoryHost } from 'typetun/testing';

export interface MemoryAdapter extends AsyncDisposable {
  readonly adapter: Adapter;
  readonly host: MemoryHost;
}

/** Makes one at 10.7.0.1/24; closed at the end of `await using`. */
export async function memoryAdapter(options: AdapterOptions = {}): Promise<MemoryAdapter> {
  const host = new MemoryHost({});
  const adapter = await Adapter.create({
    addresses: ['10.7.0.1/24'],
    link: host.provider(),
    ...options,
  });
  return { adapter, host, [Symbol.asyncDispose]: () => adapter.close() };
}
