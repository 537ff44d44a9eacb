/** Names of adapters, for a shell that completes a word. */

import { machineInterfaces } from '../machine/interfaces.ts';
import { locate } from '../via/locate.ts';

/** One a line; none where that cannot be told, and never a message: the user is in the middle of a line. */
export async function printAdapters(): Promise<void> {
  try {
    for (const name of await names()) process.stdout.write(`${name}\n`);
  } catch {
    // There is nothing to offer.
  }
}

async function names(): Promise<string[]> {
  const via = await locate({});
  if (via.via === 'process') return machineInterfaces().map(({ name }) => name);
  try {
    return (await via.control.call('adapter.list')).map(({ name }) => name);
  } finally {
    await via.control.close();
  }
}
