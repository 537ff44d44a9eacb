/** Which counter a packet goes to that is dropped because nothing is accepted. */

import { Counter } from '../sync/layout.ts';
import { Acceptance } from './state.ts';

/** The counter of send drops that goes with a reason for not accepting. */
export const DROP_REASON: Readonly<Record<Acceptance, Counter | undefined>> = {
  [Acceptance.SUCCESS]: undefined,
  [Acceptance.NOT_OPEN]: Counter.DROP_NOT_OPEN,
  [Acceptance.PAUSED]: Counter.DROP_PAUSED,
  [Acceptance.LOW_POWER]: Counter.DROP_LOW_POWER,
};

/** The counter of receive drops that goes with a reason for not accepting. */
export const RECEIVE_DROP_REASON: Readonly<Record<Acceptance, Counter | undefined>> = {
  [Acceptance.SUCCESS]: undefined,
  [Acceptance.NOT_OPEN]: Counter.RECEIVE_DROP_NOT_OPEN,
  [Acceptance.PAUSED]: Counter.RECEIVE_DROP_PAUSED,
  [Acceptance.LOW_POWER]: Counter.RECEIVE_DROP_LOW_POWER,
};
