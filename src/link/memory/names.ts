/** Names of in-process interfaces: unique within the process's thread, as interface names are. */

import { TunError, TunErrorCode } from '../../errors.ts';

const NAME_PREFIX = 'memory';

const taken = new Set<string>();
let next = 0;

/**
 * Takes `name`, or the next free `memory0`, `memory1`, ... when it is undefined.
 *
 * @throws TunError `NAME_TAKEN`.
 */
export function takeName(name: string | undefined): string {
  const chosen = name ?? freeName();
  if (taken.has(chosen)) {
    throw new TunError(
      TunErrorCode.NAME_TAKEN,
      `the interface name "${chosen}" is taken; choose another, or leave the name out to get a free one`,
    );
  }
  taken.add(chosen);
  return chosen;
}

/** Gives a name back. */
export function releaseName(name: string): void {
  taken.delete(name);
}

function freeName(): string {
  while (taken.has(NAME_PREFIX + next)) next++;
  return NAME_PREFIX + next++;
}
