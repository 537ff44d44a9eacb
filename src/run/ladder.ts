/** The ladder: which way a command gets a network of its own, tried from the best down. */

import { isTunError, TunError, TunErrorCode } from '../index.ts';
import { Capability, hasCapability } from '../os/capabilities.ts';
import type { Rung } from './options.ts';

/** What says that a rung cannot be had here, and the next is to be tried. */
const NOT_HERE: readonly string[] = [
  TunErrorCode.NETNS,
  TunErrorCode.NO_PRIVILEGE,
  TunErrorCode.NO_DRIVER,
];

const NO_RIGHTS =
  'this process has neither CAP_SYS_ADMIN nor CAP_NET_ADMIN of its own, as root would';

/** What was reached, and why. */
export interface Climbed<T> {
  readonly rung: Rung;
  readonly reason: string;
  readonly got: T;
}

/**
 * Tries `attempt` on each rung until one holds.
 *
 * @param wanted This rung alone, whatever the process may.
 * @throws TunError of the last rung, its message telling about all that were tried; anything else that
 * `attempt` throws, at once.
 */
export async function climb<T>(
  wanted: Rung | undefined,
  attempt: (rung: Rung) => Promise<T>,
): Promise<Climbed<T>> {
  if (wanted !== undefined) {
    return { rung: wanted, reason: 'asked for', got: await attempt(wanted) };
  }
  let whyNotKernel = missingRights();
  if (whyNotKernel === undefined) {
    try {
      const reason = 'this process may make network namespaces and devices';
      return { rung: 'kernel', reason, got: await attempt('kernel') };
    } catch (error) {
      if (!isTunError(error) || !NOT_HERE.includes(error.code)) throw error;
      whyNotKernel = error.message;
    }
  }
  let whyNotRootless: TunError;
  try {
    const got = await attempt('rootless');
    return { rung: 'rootless', reason: `in a user namespace, since ${whyNotKernel}`, got };
  } catch (error) {
    if (!isTunError(error) || !NOT_HERE.includes(error.code)) throw error;
    whyNotRootless = error;
  }
  const { message } = whyNotRootless;
  const why = `As it is: ${whyNotKernel}. In a user namespace: ${message}`;
  // Without namespaces there is no veth pair in one either.
  if (whyNotRootless.code === TunErrorCode.NETNS) throw nothingLeft(why, whyNotRootless);
  try {
    const got = await attempt('veth');
    const reason = `over a veth pair in a user namespace, since ${whyNotKernel}; there ${message}`;
    return { rung: 'veth', reason, got };
  } catch (error) {
    if (!isTunError(error) || !NOT_HERE.includes(error.code)) throw error;
    throw nothingLeft(`${why}. Over a veth pair there: ${error.message}`, error);
  }
}

function nothingLeft(why: string, error: TunError): TunError {
  return new TunError(error.code, `a command cannot have a network of its own here. ${why}`, {
    syscall: error.syscall,
    errno: error.errno,
    cause: error,
  });
}

/** Why the rung `kernel` need not be tried; undefined when it is worth it. */
function missingRights(): string | undefined {
  const may = hasCapability(Capability.SYS_ADMIN) && hasCapability(Capability.NET_ADMIN);
  return may ? undefined : NO_RIGHTS;
}
