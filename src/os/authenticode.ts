/**
 * Who signed a program file, as Windows' own verification finds: the whole file against its embedded
 * signature, and the signer's certificate up to a root this machine trusts.
 *
 * The signer is read from the state of that very verification (`WTHelper...`), so that no second look
 * at the file can come to another answer. Nothing is fetched from the network: a machine without one
 * must not wait, so revocation is not asked for.
 *
 * Source: Microsoft Learn, WinVerifyTrust, WINTRUST_DATA, WINTRUST_FILE_INFO, CertGetNameString;
 * offsets as in 64-bit wintrust.h, compared with a C compiler's in test/windows.
 */

import { addressOf } from './address.ts';
import { INVALID_HANDLE, kernel32, systemLibrary, wideString, wideText } from './win32.ts';

/** What is wrong with a signature, or whose it is. */
export type Signature =
  | { readonly state: 'valid'; readonly signer: string }
  | { readonly state: 'unsigned' }
  | { readonly state: 'tampered' }
  | { readonly state: 'untrusted'; readonly status: number };

/** `WINTRUST_FILE_INFO`. */
export const WintrustFileInfo = { SIZE: 0, PATH: 8, HANDLE: 16, BYTES: 32 } as const;

/** `WINTRUST_DATA`. */
export const WintrustData = {
  SIZE: 0,
  UI_CHOICE: 24,
  REVOCATION_CHECKS: 28,
  UNION_CHOICE: 32,
  FILE: 40,
  STATE_ACTION: 48,
  STATE_DATA: 56,
  PROVIDER_FLAGS: 72,
  BYTES: 88,
} as const;

/** `CRYPT_PROVIDER_CERT`: where its certificate context's address lies. */
export const ProviderCertificate = { CONTEXT: 8 } as const;

/** `WINTRUST_ACTION_GENERIC_VERIFY_V2`, {00AAC56B-CD44-11d0-8CC2-00C04FC295EE}, as it lies in memory. */
const GENERIC_VERIFY_V2: Uint8Array = Uint8Array.of(
  ...[0x6b, 0xc5, 0xaa, 0x00, 0x44, 0xcd, 0xd0, 0x11],
  ...[0x8c, 0xc2, 0x00, 0xc0, 0x4f, 0xc2, 0x95, 0xee],
);

/** There is nobody to ask. */
const NO_WINDOW: number = INVALID_HANDLE;
/** `WTD_UI_NONE`, `WTD_REVOKE_NONE`, `WTD_CHOICE_FILE`. */
const WTD_UI_NONE = 2;
const WTD_REVOKE_NONE = 0;
const WTD_CHOICE_FILE = 1;
/** `WTD_STATEACTION_VERIFY`, `WTD_STATEACTION_CLOSE`. */
const WTD_STATEACTION_VERIFY = 1;
const WTD_STATEACTION_CLOSE = 2;
/** `WTD_REVOCATION_CHECK_NONE | WTD_CACHE_ONLY_URL_RETRIEVAL`. */
const WTD_OFFLINE = 0x10 | 0x1000;

/** `TRUST_E_NOSIGNATURE`, `TRUST_E_SUBJECT_FORM_UNKNOWN`, `TRUST_E_PROVIDER_UNKNOWN`. */
const UNSIGNED = [0x800b0100, 0x800b0003, 0x800b0001];
/** `TRUST_E_BAD_DIGEST`. */
const TAMPERED = 0x80096010;

/** `CERT_NAME_ATTR_TYPE`, and `szOID_COMMON_NAME`. */
const CERT_NAME_ATTR_TYPE = 3;
const COMMON_NAME = '2.5.4.3';
/** Characters of a name that are compared; one that is longer is nobody's we know. */
const NAME_CHARACTERS = 256;

const LITTLE_ENDIAN = true;

interface Wintrust {
  verify(window: number, action: Uint8Array, data: Uint8Array): number;
  stateData(state: bigint): number;
  signer(provider: number, index: number, counter: number, counterIndex: number): number;
  certificate(signer: number, index: number): number;
  nameOf(
    context: bigint,
    type: number,
    flags: number,
    oid: string,
    name: Uint16Array,
    characters: number,
  ): number;
}

let bound: Wintrust | undefined;

function wintrust(): Wintrust {
  if (bound !== undefined) return bound;
  const trust = systemLibrary('wintrust.dll');
  const crypt = systemLibrary('crypt32.dll');
  bound = {
    verify: trust.func(
      'int32 WinVerifyTrust(intptr_t window, void *action, void *data)',
    ) as Wintrust['verify'],
    stateData: trust.func(
      'uintptr_t WTHelperProvDataFromStateData(uintptr_t state)',
    ) as Wintrust['stateData'],
    signer: trust.func(
      'uintptr_t WTHelperGetProvSignerFromChain(uintptr_t provider, uint32 index, int counter, uint32 counterIndex)',
    ) as Wintrust['signer'],
    certificate: trust.func(
      'uintptr_t WTHelperGetProvCertFromChain(uintptr_t signer, uint32 index)',
    ) as Wintrust['certificate'],
    nameOf: crypt.func(
      'uint32 CertGetNameStringW(uintptr_t context, uint32 type, uint32 flags, const char *oid, void *name, uint32 characters)',
    ) as Wintrust['nameOf'],
  };
  return bound;
}

/**
 * Verifies the signature of the file that `handle` holds open, and names its signer (the common name
 * in the certificate's subject). `path` is where it lies. The handle stays the caller's: as long as it
 * denies others writing and deleting, what was verified is what is there.
 */
export function verifySignature(path: string, handle: number): Signature {
  const { verify } = wintrust();
  const name = wideString(path);
  const file = new Uint8Array(WintrustFileInfo.BYTES);
  const fileView = new DataView(file.buffer);
  fileView.setUint32(WintrustFileInfo.SIZE, file.length, LITTLE_ENDIAN);
  fileView.setBigUint64(WintrustFileInfo.PATH, BigInt(addressOf(name)), LITTLE_ENDIAN);
  fileView.setBigUint64(WintrustFileInfo.HANDLE, BigInt(handle), LITTLE_ENDIAN);
  const data = new Uint8Array(WintrustData.BYTES);
  const view = new DataView(data.buffer);
  view.setUint32(WintrustData.SIZE, data.length, LITTLE_ENDIAN);
  view.setUint32(WintrustData.UI_CHOICE, WTD_UI_NONE, LITTLE_ENDIAN);
  view.setUint32(WintrustData.REVOCATION_CHECKS, WTD_REVOKE_NONE, LITTLE_ENDIAN);
  view.setUint32(WintrustData.UNION_CHOICE, WTD_CHOICE_FILE, LITTLE_ENDIAN);
  view.setBigUint64(WintrustData.FILE, BigInt(addressOf(file)), LITTLE_ENDIAN);
  view.setUint32(WintrustData.STATE_ACTION, WTD_STATEACTION_VERIFY, LITTLE_ENDIAN);
  view.setUint32(WintrustData.PROVIDER_FLAGS, WTD_OFFLINE, LITTLE_ENDIAN);
  try {
    const status = verify(NO_WINDOW, GENERIC_VERIFY_V2, data) >>> 0;
    if (UNSIGNED.includes(status)) return { state: 'unsigned' };
    if (status === TAMPERED) return { state: 'tampered' };
    if (status !== 0) return { state: 'untrusted', status };
    const state = view.getBigUint64(WintrustData.STATE_DATA, LITTLE_ENDIAN);
    return { state: 'valid', signer: signerOf(state) };
  } finally {
    view.setUint32(WintrustData.STATE_ACTION, WTD_STATEACTION_CLOSE, LITTLE_ENDIAN);
    verify(NO_WINDOW, GENERIC_VERIFY_V2, data);
    // What Windows was given the addresses of has to be there until now.
    keep(name, file);
  }
}

/** The signer's common name; empty when it cannot be read, which is nobody's. */
function signerOf(state: bigint): string {
  const { stateData, signer, certificate, nameOf } = wintrust();
  const provider = state === 0n ? 0 : stateData(state);
  const first = provider === 0 ? 0 : signer(provider, 0, 0, 0);
  const found = first === 0 ? 0 : certificate(first, 0);
  if (found === 0) return '';
  const pointer = new BigUint64Array(1);
  const bytes = new Uint8Array(pointer.buffer);
  kernel32().readMemory(bytes, found + ProviderCertificate.CONTEXT, bytes.length);
  if (pointer[0] === 0n) return '';
  const name = new Uint16Array(NAME_CHARACTERS);
  nameOf(pointer[0]!, CERT_NAME_ATTR_TYPE, 0, COMMON_NAME, name, name.length);
  return wideText(name);
}

function keep(...views: readonly ArrayBufferView[]): void {
  void views;
}
