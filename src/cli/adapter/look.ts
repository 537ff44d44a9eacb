/** `typetun adapter list` and `show`. */

import { findInterface, machineInterfaces } from '../machine/interfaces.ts';
import { asked, type Outcome, perform } from '../via/perform.ts';
import type { Via } from '../via/locate.ts';
import type { ViaOptions } from '../via/options.ts';
import { adapterLines, adapterTable, interfaceLines, interfaceTable } from './show.ts';

/** One line for each. Returns the exit status. */
export function runList(options: ViaOptions): Promise<number> {
  return perform(options, async (via) => {
    if (via.via === 'host') {
      const adapters = await via.control.call('adapter.list');
      return { result: { adapters }, lines: (terminal) => adapterTable(terminal, adapters) };
    }
    const adapters = machineInterfaces();
    return { result: { adapters }, lines: (terminal) => interfaceTable(terminal, adapters) };
  });
}

/** One, or all of them, whole. Returns the exit status. */
export function runShow(name: string | undefined, options: ViaOptions): Promise<number> {
  return perform(options, async (via) => (name === undefined ? showAll(via) : showOne(via, name)));
}

async function showOne(via: Via, name: string): Promise<Outcome> {
  if (via.via === 'host') {
    const adapter = await asked(via.control.call('adapter.show', { adapter: name }));
    return { result: { adapter }, lines: (terminal) => adapterLines(terminal, adapter) };
  }
  const adapter = findInterface(name);
  return { result: { adapter }, lines: (terminal) => interfaceLines(terminal, adapter) };
}

async function showAll(via: Via): Promise<Outcome> {
  if (via.via === 'host') {
    const adapters = await via.control.call('adapter.list');
    return {
      result: { adapters },
      lines: (terminal) => adapters.flatMap((one) => adapterLines(terminal, one)),
    };
  }
  const adapters = machineInterfaces();
  return {
    result: { adapters },
    lines: (terminal) => adapters.flatMap((one) => interfaceLines(terminal, one)),
  };
}
