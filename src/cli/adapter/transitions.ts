/** `typetun adapter pause`, `restart` and `power`: the state is the driver's, so they take a host. */

import type { SettablePower } from '../../index.ts';
import type { AdapterInfo } from '../../service.ts';
import { requireHost } from '../via/locate.ts';
import type { ViaOptions } from '../via/options.ts';
import { asked, type Outcome, perform } from '../via/perform.ts';

const WHY = 'the state of an adapter is kept by the program that has it, a host';

/** Returns the exit status, when it is done. */
export function runTransition(
  method: 'pause' | 'restart',
  name: string,
  options: ViaOptions,
): Promise<number> {
  return perform(options, async (via) => {
    const host = requireHost(via, WHY);
    return now(await asked(host.call(`adapter.${method}`, { adapter: name })));
  });
}

/** Returns the exit status, when it is done. */
export function runPower(name: string, power: SettablePower, options: ViaOptions): Promise<number> {
  return perform(options, async (via) => {
    const host = requireHost(via, WHY);
    return now(await asked(host.call('adapter.power', { adapter: name, power })));
  });
}

function now(adapter: AdapterInfo): Outcome {
  const { name, state, power, media } = adapter;
  return {
    result: { adapter },
    lines: () => [`${name}: ${state}, power ${power}, media ${media}`],
  };
}
