/** The offsets of every structure this link writes, against a C compiler's (standin/layout.c). */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  AddressRow,
  DeviceRow,
  InterfaceRow,
  RouteRow,
  SockaddrInet,
} from '#dist/link/windows/ip-rows.js';
import { ProviderCertificate, WintrustData, WintrustFileInfo } from '#dist/os/authenticode.js';
import { FOLDER } from './support/standin.ts';

const OURS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  SOCKADDR_INET: SockaddrInet,
  MIB_UNICASTIPADDRESS_ROW: AddressRow,
  MIB_IPINTERFACE_ROW: InterfaceRow,
  MIB_IPFORWARD_ROW2: RouteRow,
  MIB_IF_ROW2: DeviceRow,
  WINTRUST_FILE_INFO: WintrustFileInfo,
  WINTRUST_DATA: WintrustData,
  CRYPT_PROVIDER_CERT: ProviderCertificate,
};

const compiled = JSON.parse(readFileSync(join(FOLDER, 'layout.json'), 'utf8')) as typeof OURS;

for (const [name, offsets] of Object.entries(OURS)) {
  test(`${name} is laid out as a C compiler does it`, () => {
    assert.deepEqual(offsets, compiled[name]);
  });
}
