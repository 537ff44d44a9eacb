/** Addresses to listen at, as they are written: `127.0.0.1:8620`, `[::1]:8620`, `localhost:8620`. */

import { BlockList, isIP } from 'node:net';

/** Where a server listens. */
export interface ListenAddress {
  /** An IP address, or `localhost`. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

const WRITTEN = /^(?:\[(?<ipv6>[^\]]+)\]|(?<name>[^:[\]]+)):(?<port>\d{1,5})$/;
const LAST_PORT = 65_535;
const LOCALHOST = 'localhost';
/** RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** @throws RangeError naming what is wrong, with the remedy. */
export function parseListenAddress(text: string): ListenAddress {
  const { ipv6, name, port } = WRITTEN.exec(text)?.groups ?? {};
  const host = ipv6 ?? name ?? '';
  const isRight = ipv6 === undefined ? isIP(host) === 4 || host === LOCALHOST : isIP(ipv6) === 6;
  if (isRight && Number(port) <= LAST_PORT) return { host, port: Number(port) };
  throw new RangeError(
    `"${text}" is no address to listen at; give ADDRESS:PORT, such as 127.0.0.1:8620 or [::1]:8620`,
  );
}

/** `[::1]:8620` */
export function formatListenAddress({ host, port }: ListenAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only programs of this machine reach it. */
export function isLoopback({ host }: ListenAddress): boolean {
  if (host === LOCALHOST) return true;
  return LOOPBACK.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}
