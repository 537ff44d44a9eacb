/** What happens to the adapters of a host, in its log. */

import type { Control, ControlEvent } from '../service/control-protocol.ts';
import type { LogLevel, LogSink } from '../service/log.ts';
import { happening } from './happenings.ts';

/** Those that a host does not log by itself, and how loud they are. */
const LEVELS: Partial<Record<ControlEvent['event'], LogLevel>> = {
  state: 'info',
  power: 'info',
  media: 'debug',
  link: 'warn',
  'adapter.changed': 'info',
  'adapter.removed': 'info',
};

/** Logs them from now on, until what it resolves to is called. */
export function logEvents(control: Control, log: LogSink): Promise<() => void> {
  return control.subscribe((event) => {
    const level = LEVELS[event.event];
    if (level === undefined || !('adapter' in event)) return;
    const state = event.event === 'state' ? { state: event.state, previous: event.previous } : {};
    log(level, happening(event, 0).text, { event: event.event, adapter: event.adapter, ...state });
  });
}
