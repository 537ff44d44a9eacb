/**
 * The rows by which iphlpapi is told of addresses, MTUs, routes and name servers. Pure: bytes from
 * values, and back.
 *
 * ```
 * SOCKADDR_INET, 28 bytes             IPv4: family 2, port 2, address 4
 *                                     IPv6: family 2, port 2, flow 4, address 16, scope 4
 * ```
 *
 * Offsets are those of 64-bit Windows (netioapi.h, ws2ipdef.h), which is little endian on every
 * machine; `test/windows` compares them with a C compiler's. Source: Microsoft Learn, under each
 * structure's name.
 */

import { IPV4_ADDRESS_BYTES, IPV6_ADDRESS_BYTES } from '../../limits.ts';
import { formatPrefix, type Prefix, parsePrefix } from '../../wire/address.ts';
import type { AddressWithPrefix, RouteConfig } from '../link.ts';

const LITTLE_ENDIAN = true;

/** `AF_INET`, `AF_INET6` (ws2def.h). */
export const Family = { IPV4: 2, IPV6: 23 } as const;
export type Family = (typeof Family)[keyof typeof Family];

/** `SOCKADDR_INET`. */
export const SockaddrInet = { FAMILY: 0, IPV4_ADDRESS: 4, IPV6_ADDRESS: 8, BYTES: 28 } as const;

/** `MIB_UNICASTIPADDRESS_ROW`. */
export const AddressRow = {
  ADDRESS: 0,
  LUID: 32,
  INDEX: 40,
  PREFIX_ORIGIN: 44,
  SUFFIX_ORIGIN: 48,
  VALID_LIFETIME: 52,
  PREFERRED_LIFETIME: 56,
  PREFIX_LENGTH: 60,
  SKIP_AS_SOURCE: 61,
  DAD_STATE: 64,
  SCOPE_ID: 68,
  CREATED: 72,
  BYTES: 80,
} as const;

/** `MIB_IPINTERFACE_ROW`: what is used of it. */
export const InterfaceRow = {
  FAMILY: 0,
  LUID: 8,
  INDEX: 16,
  ROUTER_DISCOVERY: 52,
  DAD_TRANSMITS: 56,
  LINK_LOCAL_BEHAVIOR: 72,
  SITE_PREFIX_LENGTH: 144,
  METRIC: 148,
  MTU: 152,
  BYTES: 168,
} as const;

/** `MIB_IPFORWARD_ROW2`. */
export const RouteRow = {
  LUID: 0,
  INDEX: 8,
  DESTINATION: 12,
  PREFIX_LENGTH: 40,
  NEXT_HOP: 44,
  SITE_PREFIX_LENGTH: 72,
  VALID_LIFETIME: 76,
  PREFERRED_LIFETIME: 80,
  METRIC: 84,
  PROTOCOL: 88,
  LOOPBACK: 92,
  AUTOCONFIGURE: 93,
  PUBLISH: 94,
  IMMORTAL: 95,
  AGE: 96,
  ORIGIN: 100,
  BYTES: 104,
} as const;

/** `MIB_IF_ROW2`: what is used of it. */
export const DeviceRow = {
  LUID: 0,
  INDEX: 8,
  GUID: 12,
  ALIAS: 28,
  DESCRIPTION: 542,
  OUT_DISCARDS: 1304,
  BYTES: 1352,
} as const;

/** Characters of an alias and of a description, with the terminating zero (`IF_MAX_STRING_SIZE`). */
export const DEVICE_NAME_CHARACTERS = 257;

/** `DNS_INTERFACE_SETTINGS`. */
export const DnsSettings = { VERSION: 0, FLAGS: 8, NAME_SERVER: 24, BYTES: 64 } as const;

/** `DNS_INTERFACE_SETTINGS_VERSION1`, `DNS_SETTING_IPV6`, `DNS_SETTING_NAMESERVER`. */
const DNS_VERSION = 1;
const DNS_IPV6 = 0x0001n;
const DNS_NAME_SERVER = 0x0002n;

/** Without end (`INFINITE` lifetimes are all ones). */
const FOREVER = 0xffffffff;
/** `IpPrefixOriginManual`, `IpSuffixOriginManual`, `IpDadStatePreferred` (nldef.h). */
const ORIGIN_MANUAL = 1;
const DAD_PREFERRED = 4;
/** `MIB_IPPROTO_NETMGMT`: a route that was set by hand. */
const PROTOCOL_NETMGMT = 3;
/** `RouterDiscoveryDisabled`; `LinkLocalAlwaysOff`, `LinkLocalAlwaysOn` (nldef.h). */
const ROUTER_DISCOVERY_DISABLED = 0;
const LINK_LOCAL_OFF = 0;
const LINK_LOCAL_ON = 2;

/** The LUID is a 64-bit value that no number holds: it stays bytes, of which this is a part. */
const LUID_INDEX_SHIFT = 24n;
const LUID_INDEX_MASK = 0xffffffn;

/** The index in a LUID (`NetLuidIndex`, bits 24 to 47; ifdef.h), after which the device is named. */
export function luidIndex(luid: bigint): number {
  return Number((luid >> LUID_INDEX_SHIFT) & LUID_INDEX_MASK);
}

/** The family of an address or prefix in text. */
export function familyOf(text: string): Family {
  return text.includes(':') ? Family.IPV6 : Family.IPV4;
}

/** A row for creating or deleting an address of the interface. */
export function addressRow(luid: bigint, text: AddressWithPrefix): Uint8Array {
  const prefix = parsePrefix(text);
  const [row, view] = emptyRow(AddressRow.BYTES);
  putAddress(row, view, AddressRow.ADDRESS, prefix);
  view.setBigUint64(AddressRow.LUID, luid, LITTLE_ENDIAN);
  view.setUint32(AddressRow.PREFIX_ORIGIN, ORIGIN_MANUAL, LITTLE_ENDIAN);
  view.setUint32(AddressRow.SUFFIX_ORIGIN, ORIGIN_MANUAL, LITTLE_ENDIAN);
  view.setUint32(AddressRow.VALID_LIFETIME, FOREVER, LITTLE_ENDIAN);
  view.setUint32(AddressRow.PREFERRED_LIFETIME, FOREVER, LITTLE_ENDIAN);
  row[AddressRow.PREFIX_LENGTH] = prefix.length;
  view.setUint32(AddressRow.DAD_STATE, DAD_PREFERRED, LITTLE_ENDIAN);
  return row;
}

/** The interface a row of the address table belongs to, and its address; undefined for no IP address. */
export function readAddressRow(
  row: Uint8Array,
): { luid: bigint; address: AddressWithPrefix } | undefined {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const family = view.getUint16(AddressRow.ADDRESS, LITTLE_ENDIAN);
  if (family !== Family.IPV4 && family !== Family.IPV6) return undefined;
  const [offset, bytes] =
    family === Family.IPV4
      ? [AddressRow.ADDRESS + SockaddrInet.IPV4_ADDRESS, IPV4_ADDRESS_BYTES]
      : [AddressRow.ADDRESS + SockaddrInet.IPV6_ADDRESS, IPV6_ADDRESS_BYTES];
  const prefix: Prefix = {
    family: family === Family.IPV4 ? 4 : 6,
    address: row.slice(offset, offset + bytes),
    length: row[AddressRow.PREFIX_LENGTH]!,
  };
  const luid = view.getBigUint64(AddressRow.LUID, LITTLE_ENDIAN);
  return { luid, address: formatPrefix(prefix) };
}

/** A row that asks for the interface's settings of one family. */
export function interfaceRow(luid: bigint, family: Family): Uint8Array {
  const [row, view] = emptyRow(InterfaceRow.BYTES);
  view.setUint16(InterfaceRow.FAMILY, family, LITTLE_ENDIAN);
  view.setBigUint64(InterfaceRow.LUID, luid, LITTLE_ENDIAN);
  return row;
}

/** Bytes of the largest packet, of a row that was filled in. */
export function mtuOf(row: Uint8Array): number {
  return new DataView(row.buffer).getUint32(InterfaceRow.MTU, LITTLE_ENDIAN);
}

/**
 * Changes a row that was filled in, for setting it. IPv4's `SitePrefixLength` is read as something
 * that setting refuses, and has to be 0. There is no neighbour on a tunnel whose address could be ours.
 */
export function changeInterfaceRow(row: Uint8Array, mtu: number, ipv6LinkLocal: boolean): void {
  const view = new DataView(row.buffer);
  const family = view.getUint16(InterfaceRow.FAMILY, LITTLE_ENDIAN);
  view.setUint32(InterfaceRow.MTU, mtu, LITTLE_ENDIAN);
  if (family === Family.IPV4) view.setUint32(InterfaceRow.SITE_PREFIX_LENGTH, 0, LITTLE_ENDIAN);
  view.setUint32(InterfaceRow.DAD_TRANSMITS, 0, LITTLE_ENDIAN);
  view.setUint32(InterfaceRow.ROUTER_DISCOVERY, ROUTER_DISCOVERY_DISABLED, LITTLE_ENDIAN);
  if (family === Family.IPV4) return;
  const behavior = ipv6LinkLocal ? LINK_LOCAL_ON : LINK_LOCAL_OFF;
  view.setUint32(InterfaceRow.LINK_LOCAL_BEHAVIOR, behavior, LITTLE_ENDIAN);
}

/** A row as it was read, for setting it again: see {@link changeInterfaceRow}. */
export function settableInterfaceRow(row: Uint8Array): Uint8Array {
  const copy = row.slice();
  const view = new DataView(copy.buffer);
  const family = view.getUint16(InterfaceRow.FAMILY, LITTLE_ENDIAN);
  if (family === Family.IPV4) view.setUint32(InterfaceRow.SITE_PREFIX_LENGTH, 0, LITTLE_ENDIAN);
  return copy;
}

/** A row for creating, reading or deleting a route whose next hop is the interface itself. */
export function routeRow(luid: bigint, { destination, metric }: RouteConfig): Uint8Array {
  const prefix = parsePrefix(destination);
  const [row, view] = emptyRow(RouteRow.BYTES);
  view.setBigUint64(RouteRow.LUID, luid, LITTLE_ENDIAN);
  putAddress(row, view, RouteRow.DESTINATION, prefix);
  row[RouteRow.PREFIX_LENGTH] = prefix.length;
  view.setUint16(RouteRow.NEXT_HOP, familyOf(destination), LITTLE_ENDIAN);
  view.setUint32(RouteRow.VALID_LIFETIME, FOREVER, LITTLE_ENDIAN);
  view.setUint32(RouteRow.PREFERRED_LIFETIME, FOREVER, LITTLE_ENDIAN);
  view.setUint32(RouteRow.METRIC, metric ?? 0, LITTLE_ENDIAN);
  view.setUint32(RouteRow.PROTOCOL, PROTOCOL_NETMGMT, LITTLE_ENDIAN);
  row[RouteRow.LOOPBACK] = 1;
  row[RouteRow.AUTOCONFIGURE] = 1;
  row[RouteRow.PUBLISH] = 1;
  row[RouteRow.IMMORTAL] = 1;
  return row;
}

/** A row that asks for what the system knows of the interface, above all its counters. */
export function deviceRow(luid: bigint): Uint8Array {
  const [row, view] = emptyRow(DeviceRow.BYTES);
  view.setBigUint64(DeviceRow.LUID, luid, LITTLE_ENDIAN);
  return row;
}

/** Packets the system dropped on their way out of the interface, of a row that was filled in. */
export function outDiscards(row: Uint8Array): number {
  return Number(new DataView(row.buffer).getBigUint64(DeviceRow.OUT_DISCARDS, LITTLE_ENDIAN));
}

/** Settings whose name servers, separated by commas, lie at `nameServers`; of one family. */
export function dnsSettings(nameServers: number, family: Family): Uint8Array {
  const [row, view] = emptyRow(DnsSettings.BYTES);
  view.setUint32(DnsSettings.VERSION, DNS_VERSION, LITTLE_ENDIAN);
  const flags = DNS_NAME_SERVER | (family === Family.IPV6 ? DNS_IPV6 : 0n);
  view.setBigUint64(DnsSettings.FLAGS, flags, LITTLE_ENDIAN);
  view.setBigUint64(DnsSettings.NAME_SERVER, BigInt(nameServers), LITTLE_ENDIAN);
  return row;
}

/** Settings that ask for those of one family. (Setting says what it means by flags; reading takes the family's alone.) */
export function dnsQuery(family: Family): Uint8Array {
  const [row, view] = emptyRow(DnsSettings.BYTES);
  view.setUint32(DnsSettings.VERSION, DNS_VERSION, LITTLE_ENDIAN);
  view.setBigUint64(DnsSettings.FLAGS, family === Family.IPV6 ? DNS_IPV6 : 0n, LITTLE_ENDIAN);
  return row;
}

/** Where the name servers are, of settings that were filled in: UTF-16, separated by commas; 0 for none. */
export function nameServersOf(settings: Uint8Array): bigint {
  return new DataView(settings.buffer).getBigUint64(DnsSettings.NAME_SERVER, LITTLE_ENDIAN);
}

function emptyRow(bytes: number): [Uint8Array, DataView] {
  const row = new Uint8Array(bytes);
  return [row, new DataView(row.buffer)];
}

function putAddress(row: Uint8Array, view: DataView, at: number, prefix: Prefix): void {
  const ipv4 = prefix.family === 4;
  const family = ipv4 ? Family.IPV4 : Family.IPV6;
  view.setUint16(at + SockaddrInet.FAMILY, family, LITTLE_ENDIAN);
  const offset = ipv4 ? SockaddrInet.IPV4_ADDRESS : SockaddrInet.IPV6_ADDRESS;
  row.set(prefix.address, at + offset);
}
