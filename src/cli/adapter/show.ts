/** Adapters for people: a line each, or all there is to say of one. */

import type { RouteConfig } from '../../index.ts';
import type { AccessConfig, AdapterInfo, ClientInfo } from '../../service.ts';
import { formatCount } from '../format/quantity.ts';
import { listLines, tableLines } from '../format/table.ts';
import type { MachineInterface } from '../machine/interfaces.ts';
import type { Terminal } from '../terminal.ts';

/** `WINTUN7` of `\\.\Device\WINTUN7`. */
function shortDevice(device: string): string {
  return device.slice(device.lastIndexOf('\\') + 1);
}

/** A table of adapters of a host. */
export function adapterTable(terminal: Terminal, adapters: readonly AdapterInfo[]): string[] {
  const columns = [
    ...[{ heading: 'NAME' }, { heading: 'DEVICE' }, { heading: 'STATE' }, { heading: 'POWER' }],
    ...[{ heading: 'MEDIA' }, { heading: 'MTU', right: true }],
    ...[{ heading: 'CLIENTS', right: true }, { heading: 'ADDRESSES' }],
  ];
  const rows = adapters.map((one) => [
    ...[one.name, shortDevice(one.device), one.state, one.power, one.media, String(one.mtu)],
    ...[String(one.clients.length), one.addresses.join(' ')],
  ]);
  return tableLines(terminal, columns, rows);
}

/** A table of interfaces of this machine. */
export function interfaceTable(terminal: Terminal, found: readonly MachineInterface[]): string[] {
  const columns = [
    ...[{ heading: 'NAME' }, { heading: 'DEVICE' }, { heading: 'UP' }, { heading: 'PERSISTENT' }],
    ...[{ heading: 'OWNER' }, { heading: 'MTU', right: true }, { heading: 'ADDRESSES' }],
  ];
  const rows = found.map((one) => [
    ...[one.name, shortDevice(one.device), yesNo(one.up), yesNo(one.persist), ownership(one)],
    ...[String(one.mtu), one.addresses.join(' ')],
  ]);
  return tableLines(terminal, columns, rows);
}

/** An adapter of a host, whole. */
export function adapterLines(terminal: Terminal, adapter: AdapterInfo): string[] {
  const { name, device, socket, state, power, media, link, mtu, addresses, routes } = adapter;
  const { persist, origin, access, lent, clients } = adapter;
  return [
    ...listLines(terminal, `adapter ${name}`, [
      ['device', device],
      ['socket', socket],
      ['state', `${state}, power ${power}, media ${media}`],
      ['link', `${link}, MTU ${mtu}${persist ? ', persistent' : ''}`],
      ['addresses', some(addresses)],
      ['routes', some(routes.map(routeText))],
      ['made by', origin === 'config' ? 'the configuration file' : 'a control call'],
      ['access', accessText(access)],
      ['clients', clients.length === 0 ? undefined : clientsText(clients, lent)],
    ]),
    ...clients.map((client) => `    ${clientText(client)}`),
  ];
}

/** An interface of this machine, whole. */
export function interfaceLines(terminal: Terminal, found: MachineInterface): string[] {
  const { name, device, mtu, up, carrier, addresses, persist, multiQueue } = found;
  const opened = carrier ? 'open' : 'nobody has it open';
  return listLines(terminal, `interface ${name}`, [
    ['device', device],
    ['state', up ? `up, ${opened}` : 'down'],
    ['link', `MTU ${mtu}${persist ? ', persistent' : ''}${multiQueue ? ', several queues' : ''}`],
    ['addresses', some(addresses)],
    ['owner', ownership(found)],
  ]);
}

function clientsText(clients: readonly ClientInfo[], lent: boolean): string {
  return `${clients.length}${lent ? ', which has the descriptor itself' : ''}`;
}

function clientText(client: ClientInfo): string {
  const { id, pid, uid, name, role, waitingReads } = client;
  const who = [
    `#${id}`,
    ...(name === undefined ? [] : [name]),
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    ...(uid === undefined ? [] : [`user ${uid}`]),
  ];
  const read = `read ${formatCount(client.packetsRead, 'packet')} in ${formatCount(client.bundlesRead, 'bundle')}`;
  const wrote = `wrote ${client.packetsWritten} in ${client.bundlesWritten}`;
  const counts = role === 'descriptor' ? 'by the descriptor' : `${read}, ${wrote}`;
  const waits = waitingReads > 0 ? `, ${formatCount(waitingReads, 'read')} waiting` : '';
  return `${who.join(' ')}: ${counts}${waits}`;
}

function routeText(route: string | RouteConfig): string {
  if (typeof route === 'string') return route;
  const { destination, metric } = route;
  return metric === undefined ? destination : `${destination} metric ${metric}`;
}

function accessText({ users = [], groups = [], descriptor = false }: AccessConfig): string {
  const others = [
    ...users.map((user) => `user ${user}`),
    ...groups.map((group) => `group ${group}`),
  ];
  if (others.length === 0) return "the host's own user and root";
  return `${others.join(', ')}${descriptor ? ', the descriptor as well' : ''}`;
}

function ownership({ owner, group }: MachineInterface): string {
  const owners = [
    ...(owner === null ? [] : [`user ${owner}`]),
    ...(group === null ? [] : [`group ${group}`]),
  ];
  return owners.join(' ') || '-';
}

function some(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.join(', ');
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
