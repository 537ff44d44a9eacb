/** Options of an adapter, checked without making one. */

import { type AdapterOptions, checkOptions } from './options.ts';

/**
 * Checks options as `Adapter.create` does, and makes nothing. What the system may refuse, it does not know.
 *
 * @throws TypeError or RangeError naming the option, its value, and what would do.
 */
export function checkAdapterOptions(options: AdapterOptions): void {
  checkOptions(options);
}
