/**
 * What Windows is told of the interface, and what it says of it: addresses, MTU, routes, name servers.
 * Nothing here is on the packet path, and nothing runs an outside command.
 */

import { TunError, TunErrorCode } from '../../errors.ts';
import { MIN_MTU_IPV6 } from '../../limits.ts';
import { type IpHelper, type IpHelperCall, nativeName } from '../../os/ip-helper.ts';
import { WinError, wideText } from '../../os/win32.ts';
import type { LinkConfig, LinkInfo, LinkReconfig, RouteConfig } from '../link.ts';
import {
  AddressRow,
  addressRow,
  changeInterfaceRow,
  DEVICE_NAME_CHARACTERS,
  deviceRow,
  Family,
  familyOf,
  interfaceRow,
  luidIndex,
  mtuOf,
  outDiscards,
  readAddressRow,
  routeRow,
  settableInterfaceRow,
} from './ip-rows.ts';
import { NameServers } from './name-servers.ts';
import { configurationError } from './refusals.ts';

/** What was set, and is this link's to take away again. */
interface OwnSettings {
  readonly mtu: number;
  readonly addresses: readonly string[];
  readonly routes: readonly RouteConfig[];
}

export class WindowsControl {
  readonly #helper: IpHelper;
  readonly #luid: bigint;
  readonly #name: string;
  readonly #index: number;
  /** Families the interface has: a Windows without IPv6 gives it one. */
  readonly #families: readonly Family[];
  readonly #linkLocal: boolean;
  readonly #nameServers: NameServers;
  /** The interface's rows before anything was set, one for each family. */
  #former: readonly Uint8Array[] = [];
  #own: OwnSettings = { mtu: 0, addresses: [], routes: [] };
  #hostDrops = 0;
  #closed = false;

  /** `families` is what `waitForRows` (interface-rows.ts) found. Changes nothing yet. */
  constructor(
    helper: IpHelper,
    luid: bigint,
    families: readonly Family[],
    name: string,
    linkLocal: boolean,
  ) {
    this.#helper = helper;
    this.#luid = luid;
    this.#nameServers = new NameServers(helper, luid);
    this.#families = families;
    this.#linkLocal = linkLocal;
    this.#name = this.#alias() ?? name;
    const index = new Uint32Array(1);
    this.#must('luidToIndex', 'the interface index', this.#luidBytes(), index);
    this.#index = index[0]!;
  }

  /** The interface as Windows has it now. */
  read(): LinkInfo {
    const addresses: string[] = [];
    for (const family of this.#families) {
      const rows = this.#helper.rows(AddressRow.BYTES, (table) =>
        this.#helper.call('addressTable', family, table),
      );
      // No interface has an address of that family.
      if (rows === WinError.NOT_FOUND) continue;
      if (typeof rows === 'number')
        throw configurationError('reading addresses', 'GetUnicastIpAddressTable', rows);
      for (const row of rows) {
        const found = readAddressRow(row);
        if (found?.luid === this.#luid) addresses.push(found.address);
      }
    }
    return {
      name: this.#name,
      interfaceIndex: this.#index,
      luidIndex: luidIndex(this.#luid),
      mtu: mtuOf(this.#interfaceRow(this.#families[0]!)),
      up: true,
      addresses,
    };
  }

  /**
   * Sets everything up, for the first time, and reads it back. IPv6 addresses on a Windows without
   * IPv6 are left out, with a warning.
   *
   * @throws TunError `CONFIGURATION` naming what was refused or did not stick, `NO_PRIVILEGE`.
   */
  setUp(config: LinkConfig): LinkInfo {
    this.#former = this.#families.map((family) => this.#interfaceRow(family));
    const addresses = this.#possible(config.addresses);
    const routes = config.routes.filter(({ destination }) => this.#has(destination));
    const info = this.#apply(this.#own, { mtu: config.mtu, addresses, routes });
    this.#nameServers.set(config.wintun?.dns ?? []);
    return info;
  }

  /** Changes what is named, and reads back. On failure what was there comes back, as far as possible. */
  change({ mtu, addresses, routes }: LinkReconfig): LinkInfo {
    const before = this.#own;
    try {
      return this.#apply(before, {
        mtu: mtu ?? before.mtu,
        addresses: addresses === undefined ? before.addresses : this.#possible(addresses),
        routes: routes ?? before.routes,
      });
    } catch (error) {
      try {
        this.#apply(this.#own, before);
      } catch {
        // The first error is the one that tells what is wrong.
      }
      throw error;
    }
  }

  /** Takes away what was set, and puts back what was there before: of an adapter that stays. Never throws. */
  clear(): void {
    this.#nameServers.restore();
    for (const route of this.#own.routes)
      this.#helper.call('deleteRoute', routeRow(this.#luid, route));
    for (const text of this.#own.addresses) {
      this.#helper.call('deleteAddress', addressRow(this.#luid, text));
    }
    for (const row of this.#former) this.#helper.call('setIpInterface', settableInterfaceRow(row));
  }

  /** Packets Windows dropped in front of the adapter; the last known figure once it is closed. */
  hostDrops(): number {
    if (this.#closed) return this.#hostDrops;
    const row = deviceRow(this.#luid);
    if (this.#helper.call('getInterface', row) === WinError.SUCCESS) {
      this.#hostDrops = outDiscards(row);
    }
    return this.#hostDrops;
  }

  /** Reads the last figures; the interface is about to go. */
  close(): void {
    this.hostDrops();
    this.#closed = true;
  }

  /** Sets what differs between `from` and `to`; what is set so far is noted step by step. */
  #apply(from: OwnSettings, to: OwnSettings): LinkInfo {
    if (to.mtu !== from.mtu) {
      for (const family of this.#families) this.#setMtu(family, to.mtu);
      this.#own = { ...this.#own, mtu: to.mtu };
    }
    const lost = from.addresses.filter((text) => !to.addresses.includes(text));
    const gained = to.addresses.filter((text) => !from.addresses.includes(text));
    const gone = routesWithout(from.routes, to.routes);
    for (const route of gone) {
      this.#remove('deleteRoute', routeRow(this.#luid, route));
      this.#own = { ...this.#own, routes: routesWithout(this.#own.routes, [route]) };
    }
    for (const text of lost) {
      this.#remove('deleteAddress', addressRow(this.#luid, text));
      const addresses = this.#own.addresses.filter((other) => other !== text);
      this.#own = { ...this.#own, addresses };
    }
    for (const text of gained) {
      this.#add('createAddress', `the address ${text}`, addressRow(this.#luid, text));
      this.#own = { ...this.#own, addresses: [...this.#own.addresses, text] };
    }
    for (const route of routesWithout(to.routes, from.routes)) {
      this.#add('createRoute', `the route ${route.destination}`, routeRow(this.#luid, route));
      this.#own = { ...this.#own, routes: [...this.#own.routes, route] };
    }
    this.#own = to;
    return this.#verified(to);
  }

  #verified(wanted: OwnSettings): LinkInfo {
    const info = this.read();
    const missing = wanted.addresses.find((text) => !info.addresses.includes(text));
    if (missing === undefined && info.mtu === wanted.mtu) return info;
    const what =
      missing === undefined
        ? `the MTU ${wanted.mtu} (it is ${info.mtu})`
        : `the address ${missing}`;
    throw new TunError(
      TunErrorCode.CONFIGURATION,
      `${what} did not stick on "${info.name}"; does another program manage it?`,
    );
  }

  #setMtu(family: Family, mtu: number): void {
    const row = this.#interfaceRow(family);
    // Below its least MTU there is no IPv6 to be had, and no address of it: the interface stays.
    const possible = family === Family.IPV6 ? Math.max(mtu, MIN_MTU_IPV6) : mtu;
    changeInterfaceRow(row, possible, this.#linkLocal);
    this.#must('setIpInterface', `the MTU ${mtu}`, row);
  }

  #interfaceRow(family: Family): Uint8Array {
    const row = interfaceRow(this.#luid, family);
    this.#must('getIpInterface', 'reading the interface', row);
    return row;
  }

  #add(call: IpHelperCall, what: string, row: Uint8Array): void {
    const errno = this.#helper.call(call, row);
    if (errno !== WinError.SUCCESS) throw configurationError(what, nativeName(call), errno);
  }

  /** What is gone already is as it should be. */
  #remove(call: IpHelperCall, row: Uint8Array): void {
    const errno = this.#helper.call(call, row);
    if (errno === WinError.SUCCESS || errno === WinError.NOT_FOUND) return;
    throw configurationError('taking something away', nativeName(call), errno);
  }

  #must(call: IpHelperCall, what: string, ...args: unknown[]): void {
    const errno = this.#helper.call(call, ...args);
    if (errno !== WinError.SUCCESS) throw configurationError(what, nativeName(call), errno);
  }

  #possible(addresses: readonly string[]): string[] {
    const possible = addresses.filter((text) => this.#has(text));
    if (possible.length < addresses.length) {
      process.emitWarning(
        `IPv6 is disabled on this Windows: "${this.#name}" gets none of its IPv6 addresses`,
        'TypetunWarning',
      );
    }
    return possible;
  }

  #has(text: string): boolean {
    return this.#families.includes(familyOf(text));
  }

  #alias(): string | undefined {
    const alias = new Uint16Array(DEVICE_NAME_CHARACTERS);
    const errno = this.#helper.call('luidToAlias', this.#luidBytes(), alias, alias.length);
    return errno === WinError.SUCCESS ? wideText(alias) : undefined;
  }

  #luidBytes(): BigUint64Array {
    return new BigUint64Array([this.#luid]);
  }
}

function routesWithout(
  routes: readonly RouteConfig[],
  others: readonly RouteConfig[],
): RouteConfig[] {
  return routes.filter(
    ({ destination, metric }) =>
      !others.some((other) => other.destination === destination && other.metric === metric),
  );
}
