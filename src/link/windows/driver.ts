/** The driver and its adapters, besides making them. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { IpHelper } from '../../os/ip-helper.ts';
import { kernel32, WinError, wideText, winErrorName } from '../../os/win32.ts';
import type { WintunAdapter, WintunDll, WintunOptions } from '../link.ts';
import { checkMachine, checkPublisher, findDll, holdDll } from './dll-file.ts';
import { guidText } from './guid.ts';
import { DEVICE_NAME_CHARACTERS, DeviceRow, luidIndex } from './ip-rows.ts';
import { loadWintun } from './wintun.ts';

const GUID_BYTES = 16;
const LITTLE_ENDIAN = true;
const VERSION_SHIFT = 16;
const VERSION_MASK = 0xffff;
/** How Wintun describes an adapter: its kind, which is its maker's choice, and this word. */
const DESCRIPTION = / Tunnel(?: #\d+)?$/;

/** Finds and checks the DLL, as `loadWintun` does, and loads nothing. */
export function inspectDll(options: WintunOptions): WintunDll {
  const { path: found, from } = findDll(options);
  using held = holdDll(found);
  const { path } = held;
  checkMachine(path);
  try {
    checkPublisher(held);
    return { path, from, trusted: true };
  } catch (error) {
    if (options.allowUnsigned !== true) throw error;
    return { path, from, trusted: false };
  }
}

/** The version of the driver that runs, such as `0.14`; undefined while none does. */
export function driverVersion(options: WintunOptions): string | undefined {
  const version = loadWintun(options).getRunningDriverVersion();
  if (version === 0) return undefined;
  return `${version >>> VERSION_SHIFT}.${version & VERSION_MASK}`;
}

/** Takes the driver off this machine. */
export function deleteDriver(options: WintunOptions): void {
  if (loadWintun(options).deleteDriver() !== 0) return;
  const errno = kernel32().getLastError();
  const details = { syscall: 'WintunDeleteDriver', errno };
  if (errno === WinError.ACCESS_DENIED) {
    const message = 'removing the driver takes an administrator; start this program as one';
    throw new TunError(TunErrorCode.NO_PRIVILEGE, message, details);
  }
  throw new TunError(
    TunErrorCode.INVALID_STATE,
    `the driver was not removed (${winErrorName(errno)}); close all adapters first, those of other programs too`,
    details,
  );
}

/** `library` is that of a library to use in place of iphlpapi.dll, for tests. */
export function listAdapters(library?: string): WintunAdapter[] {
  const helper = new IpHelper(library);
  const rows = helper.rows(DeviceRow.BYTES, (table) => helper.call('interfaceTable', table));
  if (typeof rows === 'number') {
    throw new TunError(
      TunErrorCode.SYSCALL,
      `could not list the adapters: GetIfTable2 failed with ${winErrorName(rows)}`,
      { syscall: 'GetIfTable2', errno: rows },
    );
  }
  return rows.map(describe).filter(({ description }) => DESCRIPTION.test(description));
}

function describe(row: Uint8Array): WintunAdapter {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  return {
    name: text(row, DeviceRow.ALIAS),
    description: text(row, DeviceRow.DESCRIPTION),
    guid: guidText(row.subarray(DeviceRow.GUID, DeviceRow.GUID + GUID_BYTES)),
    interfaceIndex: view.getUint32(DeviceRow.INDEX, LITTLE_ENDIAN),
    luidIndex: luidIndex(view.getBigUint64(DeviceRow.LUID, LITTLE_ENDIAN)),
  };
}

function text(row: Uint8Array, at: number): string {
  const bytes = row.slice(at, at + DEVICE_NAME_CHARACTERS * Uint16Array.BYTES_PER_ELEMENT);
  return wideText(new Uint16Array(bytes.buffer));
}
