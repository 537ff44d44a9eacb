/** The options of `typetun stats`. */

import type { ViaOptions } from '../via/options.ts';

export interface StatsOptions extends ViaOptions {
  readonly watch?: boolean;
  /** Seconds. */
  readonly interval: number;
  readonly count?: number;
}
