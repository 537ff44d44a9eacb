/** Events of a host in words. */

import type { ControlEvent } from '../service/control-protocol.ts';
import type { Happening } from './page/model.ts';

/** What an event says to a person. */
export function happening(event: ControlEvent, time: number): Happening {
  const text = words(event);
  const adapter = 'adapter' in event ? { adapter: event.adapter } : {};
  return { time, text, ...adapter, ...(event.event === 'state' && { state: event.state }) };
}

function words(event: ControlEvent): string {
  switch (event.event) {
    case 'adapter.added':
      return `${event.adapter} was made`;
    case 'adapter.changed':
      return `${event.adapter} was changed`;
    case 'adapter.removed':
      return `${event.adapter} is gone`;
    case 'state':
      return `${event.adapter} is ${event.state}`;
    case 'media':
      return `${event.adapter}: media ${event.media}`;
    case 'power':
      return `${event.adapter}: power ${event.power}`;
    case 'link':
      return `${event.adapter}: others changed the interface (${event.change.type})`;
    case 'client.connected':
      return `${event.adapter}: ${clientName(event.client)} opened the device`;
    case 'client.disconnected':
      return `${event.adapter}: ${clientName(event.client)} closed the device`;
    case 'host.reloaded':
      return 'the configuration was read again';
    case 'host.stopping':
      return 'the host ends';
  }
}

function clientName({ name, pid, id }: { name?: string; pid?: number; id: number }): string {
  if (name !== undefined) return name;
  return pid === undefined ? `connection ${id}` : `process ${pid}`;
}
