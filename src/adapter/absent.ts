/** Why a call is refused on an adapter that is not present, or not any more. */

import { TunError, TunErrorCode } from '../errors.ts';
import type { AdapterState } from './state.ts';

/** A control call, `what` in the infinitive, needs an adapter that is there. */
export function absentError(what: string, state: AdapterState): TunError {
  return new TunError(
    TunErrorCode.INVALID_STATE,
    `cannot ${what} an adapter that is ${state}; create a new one`,
  );
}

/** A device is opened only while the adapter is there. */
export function deletePendingError(name: string, state: AdapterState): TunError {
  return new TunError(
    TunErrorCode.DELETE_PENDING,
    `the device of adapter "${name}" cannot be opened: the adapter is ${state} (delete pending); create another`,
  );
}
