/** Passes on what an adapter tells, to those who watch the host. */

import type { Adapter, AdapterState, PowerState } from '../index.ts';
import type { ControlEvent } from './control-protocol.ts';
import type { LentEvents } from './lent-adapter.ts';

/** Names the adapter in an event. */
export interface EventReference {
  readonly adapter: string;
  /** `WINTUN7` */
  readonly device: string;
}

/** Events as an adapter has them, made the host's. */
export function lentEvents(
  of: EventReference,
  emit: (event: ControlEvent) => void,
  removed: () => void,
): LentEvents {
  return {
    removed,
    state: (state: AdapterState, previous: AdapterState) =>
      emit({ event: 'state', ...of, state, previous }),
    power: (power: PowerState) => emit({ event: 'power', ...of, power }),
  };
}

/** From now on, until its listeners are removed. `removed` is told when its interface is gone. */
export function relayEvents(
  adapter: Adapter,
  of: EventReference,
  emit: (event: ControlEvent) => void,
  removed: () => void,
): void {
  const { state, power } = lentEvents(of, emit, removed);
  adapter.on('state', state);
  adapter.on('power', power);
  adapter.on('media', (media) => emit({ event: 'media', ...of, media }));
  adapter.on('link', (change) => {
    emit({ event: 'link', ...of, change });
    if (change.type === 'removed') removed();
  });
}
