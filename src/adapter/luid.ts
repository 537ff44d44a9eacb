/**
 * Device names. The original names an adapter's device after the index in its LUID (NetLuidIndex):
 * `\\.\Device\WINTUN7`. Here that index is the interface index; in-process adapters, which have no
 * interface, count from 2^31.
 *
 * Source: docs/driver-contract.md, section 2.
 */

import { FIRST_MEMORY_LUID_INDEX } from '../limits.ts';

const DEVICE_PATH = '\\\\.\\Device\\';
const DEVICE_PREFIX = 'WINTUN';
const DEVICE_NAME = /^(?:(?:\\\\\.\\Device\\)?WINTUN)?(0|[1-9][0-9]*)$/i;
const MAX_INDEX = 2 ** 32 - 1;

let nextMemoryIndex: number = FIRST_MEMORY_LUID_INDEX;

/** The LUID index of a new adapter: its interface index, or the next in-process one. */
export function luidIndexFor(interfaceIndex: number | undefined): number {
  return interfaceIndex ?? nextMemoryIndex++;
}

/** The device name of a LUID index: `\\.\Device\WINTUN7` for 7. */
export function deviceName(luidIndex: number): string {
  return `${DEVICE_PATH}${DEVICE_PREFIX}${luidIndex}`;
}

/**
 * Parses a device name: the original's whole path, `WINTUN7`, or `7`, in any case of letters.
 *
 * @throws TypeError naming the text and the forms that are taken.
 */
export function parseDeviceName(text: string): number {
  const match = DEVICE_NAME.exec(text);
  const index = match === null ? Number.NaN : Number(match[1]);
  if (!(index <= MAX_INDEX)) {
    throw new TypeError(
      `"${text}" is no device name; write ${DEVICE_PATH}WINTUN7, WINTUN7, or 7 (an index up to ${MAX_INDEX})`,
    );
  }
  return index;
}
