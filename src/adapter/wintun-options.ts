/** The options that only Windows takes, checked wherever they are given. */

import { IPV4_ADDRESS_BYTES, MAX_RING_BYTES, MIN_RING_BYTES } from '../limits.ts';
import type { WintunOptions } from '../link/link.ts';
import { formatAddress, parseAddress } from '../wire/address.ts';
import { checkBoolean, checkInteger, checkNames, shown } from './option-values.ts';

const WINTUN_NAMES = [
  'dll',
  'environment',
  'allowUnsigned',
  'ringBytes',
  'guid',
  'existing',
  'dns',
] as const satisfies readonly (keyof WintunOptions)[];

/** A drive or a share, and what lies on it. */
const WHOLE_PATH = /^(?:[A-Za-z]:[\\/]|\\\\[^\\/]+[\\/])/;
const GUID = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i;

/**
 * Checks the options; undefined when there are none.
 *
 * @throws TypeError or RangeError naming the option, its value, and what would do.
 */
export function checkWintun(options: WintunOptions | undefined): WintunOptions | undefined {
  if (options === undefined) return undefined;
  checkNames(options, WINTUN_NAMES, 'wintun');
  const { dll, environment, allowUnsigned, ringBytes, guid, existing, dns } = options;
  return {
    ...(dll === undefined ? {} : { dll: checkDll(dll) }),
    ...(environment === undefined
      ? {}
      : { environment: checkBoolean('wintun.environment', environment) }),
    ...(allowUnsigned === undefined
      ? {}
      : { allowUnsigned: checkBoolean('wintun.allowUnsigned', allowUnsigned) }),
    ...(ringBytes === undefined ? {} : { ringBytes: checkRing(ringBytes) }),
    ...(guid === undefined ? {} : { guid: checkGuid(guid) }),
    ...(existing === undefined ? {} : { existing: checkBoolean('wintun.existing', existing) }),
    ...(dns === undefined ? {} : { dns: checkDns(dns) }),
  };
}

function checkDll(dll: string): string {
  if (typeof dll === 'string' && WHOLE_PATH.test(dll)) return dll;
  throw new TypeError(
    `wintun.dll is ${shown(dll)}; give the whole path, such as 'C:\\Program Files\\mine\\wintun.dll'`,
  );
}

function checkRing(bytes: number): number {
  checkInteger('wintun.ringBytes', bytes, MIN_RING_BYTES, MAX_RING_BYTES, 'bytes');
  if ((bytes & (bytes - 1)) === 0) return bytes;
  throw new RangeError(`wintun.ringBytes is ${bytes}; give a power of two, such as 4194304`);
}

function checkGuid(guid: string): string {
  const match = typeof guid === 'string' ? GUID.exec(guid) : null;
  if (match !== null) return match[1]!.toLowerCase();
  throw new TypeError(
    `wintun.guid is ${shown(guid)}; give one like 'd0a9c1a2-5b3e-4f0a-9d3c-2b1a0c9e8f77', or leave it out`,
  );
}

function checkDns(dns: readonly string[]): string[] {
  if (!Array.isArray(dns)) {
    throw new TypeError(`wintun.dns is ${shown(dns)}; give an array like ['10.7.0.2']`);
  }
  const given: readonly string[] = dns;
  return given.map((text) => {
    const address = parseAddress(text);
    return formatAddress(address, 0, address.length === IPV4_ADDRESS_BYTES ? 4 : 6);
  });
}
