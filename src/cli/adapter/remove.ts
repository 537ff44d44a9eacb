/** `typetun adapter remove`. */

import { TunError, TunErrorCode } from '../../index.ts';
import { findInterface } from '../machine/interfaces.ts';
import type { ViaOptions } from '../via/options.ts';
import { asked, perform } from '../via/perform.ts';

/** Removes it; returns the exit status. */
export function runRemove(reference: string, options: ViaOptions): Promise<number> {
  return perform(options, async (via) => {
    if (via.via === 'host') {
      const adapter = await asked(via.control.call('adapter.remove', { adapter: reference }));
      return { result: { adapter }, lines: () => [`${adapter.name} is removed`] };
    }
    const adapter = findInterface(reference);
    if (!adapter.persist) throw usedByItsMaker(adapter.name);
    const { removeInterface } = await import('../machine/remove.ts');
    removeInterface(adapter);
    return { result: { adapter }, lines: () => [`${adapter.name} is removed`] };
  });
}

function usedByItsMaker(name: string): TunError {
  return new TunError(
    TunErrorCode.INVALID_STATE,
    `the interface "${name}" is not persistent: it goes with the program that has it open; end that, or ask its host (--host PATH)`,
  );
}
