/** `typetun adapter set`. */

import { Adapter } from '../../index.ts';
import { UsageError } from '../errors.ts';
import { findInterface, type MachineInterface } from '../machine/interfaces.ts';
import { asked, perform } from '../via/perform.ts';
import { readAccess, readChange, type SetOptions } from './options.ts';
import { adapterLines, interfaceLines } from './show.ts';

/** fe80::/10: the system's own. */
const LINK_LOCAL = /^fe[89ab]/i;

/** Changes it; returns the exit status. */
export function runSet(name: string, options: SetOptions): Promise<number> {
  const change = readChange(options);
  const access = readAccess(options);
  if (access === undefined && Object.keys(change).length === 0) {
    throw new UsageError(
      'nothing is to be changed; give --address, --mtu, --route or --allow-user, or see "typetun help adapter set"',
    );
  }
  return perform(options, async (via) => {
    if (via.via === 'host') {
      const wanted = { adapter: name, ...change, ...(access !== undefined && { access }) };
      const adapter = await asked(via.control.call('adapter.set', wanted));
      return { result: { adapter }, lines: (terminal) => adapterLines(terminal, adapter) };
    }
    if (access !== undefined) {
      throw new UsageError(
        'access is for devices of a host; the owner of an interface is given when it is made (typetun adapter create --owner)',
      );
    }
    const adapter = await changeInterface(name, options);
    return { result: { adapter }, lines: (terminal) => interfaceLines(terminal, adapter) };
  });
}

/**
 * What the adapter sets stays on the interface when it is closed. It takes away only what is its own: the
 * addresses that are there are, by saying so when it is opened; routes that are there nobody knows by whom.
 */
async function changeInterface(reference: string, options: SetOptions): Promise<MachineInterface> {
  if (options.route === false) {
    throw new UsageError(
      '--no-route takes a host, which knows its own routes; without one: ip route flush dev NAME',
    );
  }
  const { name, addresses: all } = findInterface(reference);
  const addresses = all.filter((address) => !LINK_LOCAL.test(address));
  const adapter = await Adapter.open(name, { addresses });
  try {
    await asked(adapter.configure(readChange(options)));
  } finally {
    await adapter.close();
  }
  return findInterface(name);
}
