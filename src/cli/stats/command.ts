/** `typetun stats`. */

import type { ViaOptions } from '../via/options.ts';
import { perform } from '../via/perform.ts';
import type { StatsOptions } from './options.ts';
import { takeSamples } from './sample.ts';
import { sampleLines } from './show.ts';
import { watch } from './watch.ts';

/** Once, or with --watch until a signal or --count ends it; returns the exit status. */
export function runStats(name: string | undefined, options: StatsOptions): Promise<number> {
  return options.watch ? watch(name, options) : once(name, options);
}

function once(name: string | undefined, options: ViaOptions): Promise<number> {
  return perform(options, async (via) => {
    const adapters = await takeSamples(via, name);
    return {
      result: { adapters },
      lines: (terminal) => adapters.flatMap((sample) => sampleLines(terminal, sample)),
    };
  });
}
