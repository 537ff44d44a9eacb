/**
 * What macOS' utun is asked with, as bytes. macOS is little endian on every machine that Node runs on.
 *
 * ```
 * ctl_info, 100 bytes        id 4, name 96
 * sockaddr_ctl, 32 bytes     length 1, family 1, kind 2, id 4, unit 4, reserved 20
 * ifreq, 32 bytes            name 16, MTU 4, unused 12
 * each packet                family 4 (big endian), packet
 * ```
 *
 * Source: sys/kern_control.h, net/if_utun.h, net/if.h, sys/sockio.h of macOS. Not verified on one.
 */

const LITTLE_ENDIAN = true;

export const CtlInfo = { ID: 0, NAME: 4, BYTES: 100 } as const;
export const SockaddrCtl = { LENGTH: 0, FAMILY: 1, KIND: 2, ID: 4, UNIT: 8, BYTES: 32 } as const;
export const IfReq = { NAME: 0, MTU: 16, BYTES: 32 } as const;

/** `AF_SYSTEM`, `AF_SYS_CONTROL` (sys/socket.h, sys/sys_domain.h). */
export const AF_SYSTEM = 32;
const AF_SYS_CONTROL = 2;

/** Bytes of the family in front of each packet. */
export const FAMILY_BYTES = 4;
/** `AF_INET` and `AF_INET6`, which is 30 here and nowhere else. */
const AF_INET = 2;
const AF_INET6 = 30;
const VERSION_SHIFT = 4;
const IPV6_VERSION = 6;

/** A `ctl_info` that asks for the number of a kernel control. */
export function ctlInfo(name: string): Uint8Array {
  const info = new Uint8Array(CtlInfo.BYTES);
  new TextEncoder().encodeInto(name, info.subarray(CtlInfo.NAME, CtlInfo.BYTES - 1));
  return info;
}

/** The number, of a `ctl_info` that was filled in. */
export function controlId(info: Uint8Array): number {
  return new DataView(info.buffer).getUint32(CtlInfo.ID, LITTLE_ENDIAN);
}

/** The address to connect to: `unit` 0 for any, N + 1 for utunN. */
export function sockaddrCtl(id: number, unit: number): Uint8Array {
  const address = new Uint8Array(SockaddrCtl.BYTES);
  const view = new DataView(address.buffer);
  address[SockaddrCtl.LENGTH] = address.length;
  address[SockaddrCtl.FAMILY] = AF_SYSTEM;
  view.setUint16(SockaddrCtl.KIND, AF_SYS_CONTROL, LITTLE_ENDIAN);
  view.setUint32(SockaddrCtl.ID, id, LITTLE_ENDIAN);
  view.setUint32(SockaddrCtl.UNIT, unit, LITTLE_ENDIAN);
  return address;
}

/** An `ifreq` of an interface, with an MTU. */
export function ifReq(name: string, mtu = 0): Uint8Array {
  const request = new Uint8Array(IfReq.BYTES);
  new TextEncoder().encodeInto(name, request.subarray(IfReq.NAME, IfReq.MTU - 1));
  new DataView(request.buffer).setUint32(IfReq.MTU, mtu, LITTLE_ENDIAN);
  return request;
}

/** The MTU, of an `ifreq` that was filled in. */
export function mtuOf(request: Uint8Array): number {
  return new DataView(request.buffer).getUint32(IfReq.MTU, LITTLE_ENDIAN);
}

/** Writes the family that goes in front of a packet with this first byte. */
export function writeFamily(bytes: Uint8Array, firstByte: number): void {
  bytes.fill(0, 0, FAMILY_BYTES - 1);
  bytes[FAMILY_BYTES - 1] = firstByte >>> VERSION_SHIFT === IPV6_VERSION ? AF_INET6 : AF_INET;
}

const UTUN_NAME = /^utun(0|[1-9][0-9]{0,4})$/;

/** The unit of an interface name: 0 for none, undefined for a name macOS would not give. */
export function unitOf(name: string | undefined): number | undefined {
  if (name === undefined) return 0;
  const number = UTUN_NAME.exec(name)?.[1];
  return number === undefined ? undefined : Number(number) + 1;
}
