/** The name servers of an interface, for each family: setting them, and putting back what was there before. */

import { addressOf } from '../../os/address.ts';
import { type IpHelper, nativeName } from '../../os/ip-helper.ts';
import { kernel32, WinError, wideString } from '../../os/win32.ts';
import { dnsQuery, dnsSettings, Family, familyOf, nameServersOf } from './ip-rows.ts';
import { configurationError } from './refusals.ts';

const FAMILIES = [Family.IPV4, Family.IPV6] as const;
/** Bytes of a GUID. */
const GUID_BYTES = 16;
/** Characters of a list that are put back; one that is longer is cut at a server. */
const LIST_CHARACTERS = 1024;

export class NameServers {
  readonly #helper: IpHelper;
  readonly #luid: bigint;
  /** What was set before, of the families that were changed. */
  readonly #former = new Map<Family, string>();

  /** Changes nothing yet. */
  constructor(helper: IpHelper, luid: bigint) {
    this.#helper = helper;
    this.#luid = luid;
  }

  /**
   * Sets them; a family without any stays as it is.
   *
   * @throws TunError `CONFIGURATION`, `NO_PRIVILEGE`, `UNSUPPORTED`.
   */
  set(servers: readonly string[]): void {
    for (const family of FAMILIES) {
      const own = servers.filter((text) => familyOf(text) === family).join(',');
      if (own.length === 0) continue;
      if (!this.#former.has(family)) this.#former.set(family, this.#read(family));
      const errno = this.#write(family, own);
      if (errno === WinError.SUCCESS) continue;
      throw configurationError(
        `the name servers ${own.replaceAll(',', ', ')}`,
        nativeName('setDns'),
        errno,
      );
    }
  }

  /** Puts back what was there, as far as Windows lets it. Never throws. */
  restore(): void {
    for (const [family, list] of this.#former) {
      try {
        this.#write(family, list);
      } catch {
        // There is no such call, and so nothing was set.
      }
    }
    this.#former.clear();
  }

  #write(family: Family, list: string): number {
    const text = wideString(list);
    const errno = this.#helper.setDns(this.#guid(), dnsSettings(addressOf(text), family));
    // Windows has read it by now: it has to be there until here.
    return text.length > 0 ? errno : WinError.INVALID_DATA;
  }

  /** Separated by commas; none where Windows does not tell. */
  #read(family: Family): string {
    const settings = dnsQuery(family);
    try {
      if (this.#helper.getDns(this.#guid(), settings) !== WinError.SUCCESS) return '';
      const list = textAt(nameServersOf(settings));
      this.#helper.call('freeDns', settings);
      return list;
    } catch {
      // A Windows before 10 2004, which cannot set them either.
      return '';
    }
  }

  #guid(): Uint8Array {
    const guid = new Uint8Array(GUID_BYTES);
    const errno = this.#helper.call('luidToGuid', new BigUint64Array([this.#luid]), guid);
    if (errno === WinError.SUCCESS) return guid;
    throw configurationError("the interface's GUID", nativeName('luidToGuid'), errno);
  }
}

/** The text at an address, up to its terminating zero; character by character, since no more need be there. */
function textAt(address: bigint): string {
  if (address === 0n) return '';
  const character = new Uint16Array(1);
  const bytes = new Uint8Array(character.buffer);
  const { readMemory } = kernel32();
  let text = '';
  while (text.length < LIST_CHARACTERS) {
    readMemory(bytes, address + BigInt(text.length * bytes.length), bytes.length);
    if (character[0] === 0) return text;
    text += String.fromCharCode(character[0]!);
  }
  return text.slice(0, text.lastIndexOf(','));
}
