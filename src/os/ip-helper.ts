/**
 * What typetun calls of Windows' iphlpapi.dll. Each call is bound when it is first made: Wine has some
 * of them only, and a Windows that lacks one can still do the rest.
 *
 * All return an error number, 0 for success. Rows are bytes (link/windows/ip-rows.ts).
 *
 * Source: Microsoft Learn, netioapi.h, under each function's name.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import type { FfiLibrary } from './ffi.ts';
import { kernel32, loadLibrary, systemLibrary } from './win32.ts';

/** A GUID is passed by value: on x64 by its address, on arm64 in two registers. */
const GUID_IN_REGISTERS = process.arch === 'arm64';

/** A call of iphlpapi's by our name for it. */
export type IpHelperCall =
  | 'getIpInterface'
  | 'setIpInterface'
  | 'createAddress'
  | 'deleteAddress'
  | 'addressTable'
  | 'createRoute'
  | 'deleteRoute'
  | 'getRoute'
  | 'getInterface'
  | 'interfaceTable'
  | 'freeTable'
  | 'luidToIndex'
  | 'luidToGuid'
  | 'luidToAlias'
  | 'aliasToLuid'
  | 'setDns'
  | 'getDns'
  | 'freeDns';

const PROTOTYPES: Readonly<Record<IpHelperCall, string>> = {
  getIpInterface: 'uint32 GetIpInterfaceEntry(void *row)',
  setIpInterface: 'uint32 SetIpInterfaceEntry(void *row)',
  createAddress: 'uint32 CreateUnicastIpAddressEntry(void *row)',
  deleteAddress: 'uint32 DeleteUnicastIpAddressEntry(void *row)',
  addressTable: 'uint32 GetUnicastIpAddressTable(uint16 family, void *table)',
  createRoute: 'uint32 CreateIpForwardEntry2(void *row)',
  deleteRoute: 'uint32 DeleteIpForwardEntry2(void *row)',
  getRoute: 'uint32 GetIpForwardEntry2(void *row)',
  getInterface: 'uint32 GetIfEntry2(void *row)',
  interfaceTable: 'uint32 GetIfTable2(void *table)',
  freeTable: 'void FreeMibTable(uintptr_t table)',
  luidToIndex: 'uint32 ConvertInterfaceLuidToIndex(void *luid, void *index)',
  luidToGuid: 'uint32 ConvertInterfaceLuidToGuid(void *luid, void *guid)',
  luidToAlias: 'uint32 ConvertInterfaceLuidToAlias(void *luid, void *alias, size_t characters)',
  aliasToLuid: 'uint32 ConvertInterfaceAliasToLuid(const char16_t *alias, void *luid)',
  setDns: GUID_IN_REGISTERS
    ? 'uint32 SetInterfaceDnsSettings(uint64 guidLow, uint64 guidHigh, void *settings)'
    : 'uint32 SetInterfaceDnsSettings(void *guid, void *settings)',
  getDns: GUID_IN_REGISTERS
    ? 'uint32 GetInterfaceDnsSettings(uint64 guidLow, uint64 guidHigh, void *settings)'
    : 'uint32 GetInterfaceDnsSettings(void *guid, void *settings)',
  freeDns: 'void FreeInterfaceDnsSettings(void *settings)',
};

type Native = (...args: unknown[]) => number;

/** Bytes of the count in front of a table's rows, and of what it is aligned to. */
const TABLE_HEADER_BYTES = 8;

export class IpHelper {
  readonly #library: FfiLibrary;
  readonly #bound = new Map<IpHelperCall, Native>();

  /** `path` is that of a library with the same calls, for tests; the system's by default. */
  constructor(path?: string) {
    this.#library = path === undefined ? systemLibrary('iphlpapi.dll') : loadLibrary(path);
  }

  /**
   * Makes a call that takes a row, or the arguments of its prototype.
   *
   * @throws TunError `UNSUPPORTED` when this system's library has no such call.
   */
  call(name: IpHelperCall, ...args: unknown[]): number {
    let native = this.#bound.get(name);
    if (native === undefined) {
      native = bind(this.#library, name);
      this.#bound.set(name, native);
    }
    return native(...args);
  }

  /** The rows of a table, of `rowBytes` each, copied; `make` is told where to put its address. */
  rows(rowBytes: number, make: (address: BigUint64Array) => number): Uint8Array[] | number {
    const address = new BigUint64Array(1);
    const status = make(address);
    if (status !== 0) return status;
    const header = new Uint8Array(TABLE_HEADER_BYTES);
    const { readMemory } = kernel32();
    readMemory(header, address[0]!, header.length);
    const count = new Uint32Array(header.buffer)[0]!;
    const rows = new Uint8Array(count * rowBytes);
    readMemory(rows, address[0]! + BigInt(TABLE_HEADER_BYTES), rows.length);
    this.call('freeTable', address[0]);
    return Array.from({ length: count }, (_, i) => rows.slice(i * rowBytes, (i + 1) * rowBytes));
  }

  /** `SetInterfaceDnsSettings`; `guid` has 16 bytes. */
  setDns(guid: Uint8Array, settings: Uint8Array): number {
    return this.#callWithGuid('setDns', guid, settings);
  }

  /** `GetInterfaceDnsSettings`, whose result is to be freed by `freeDns`; `guid` has 16 bytes. */
  getDns(guid: Uint8Array, settings: Uint8Array): number {
    return this.#callWithGuid('getDns', guid, settings);
  }

  #callWithGuid(call: IpHelperCall, guid: Uint8Array, settings: Uint8Array): number {
    if (!GUID_IN_REGISTERS) return this.call(call, guid, settings);
    const [low, high] = new BigUint64Array(guid.slice().buffer);
    return this.call(call, low, high, settings);
  }
}

/** A call's name in Windows' documentation. */
export function nativeName(call: IpHelperCall): string {
  return / (\w+)\(/.exec(PROTOTYPES[call])?.[1] ?? call;
}

function bind(library: FfiLibrary, call: IpHelperCall): Native {
  try {
    return library.func(PROTOTYPES[call]) as Native;
  } catch (cause) {
    const name = nativeName(call);
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      `this system's iphlpapi.dll has no ${name}, which setting up an adapter takes; is this Wine, or a Windows before 10?`,
      { cause },
    );
  }
}
