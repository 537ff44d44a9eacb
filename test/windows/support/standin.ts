/** The stand-in DLLs of test/windows/standin, as scripts/windows-tests.mjs compiled them, and what tests tell them. */

import { join } from 'node:path';
import { ffi } from '#dist/os/ffi.js';
import { IpHelper } from '#dist/os/ip-helper.js';
import type { LinkProvider, WintunOptions } from '#dist/link/link.js';
import { windowsLink } from '#dist/link/windows/provider.js';

/** The folder of what was compiled and signed for the tests. */
export const FOLDER: string = process.env['TYPETUN_TEST_FOLDER'] ?? 'C:\\nowhere';

/** Longest packet the host can be given. */
const PACKET_BYTES = 65_535;

/** What {@link Standin.fail} makes fail, once. */
export const Fail = {
  CREATE: 0,
  OPEN: 1,
  SESSION: 2,
  ADDRESS: 3,
  ROUTE: 4,
  INTERFACE: 5,
  DNS: 6,
} as const;

type Native = (...args: unknown[]) => number;

/** One stand-in: options and provider for a link over it, and its host's side. */
export class Standin {
  readonly path: string;
  readonly options: WintunOptions;
  /** Uses the stand-in in place of iphlpapi.dll and powrprof.dll as well. */
  readonly provider: LinkProvider;
  readonly helper: IpHelper;
  readonly #functions = new Map<string, Native>();
  readonly #packet = new Uint8Array(PACKET_BYTES);

  constructor(file: string) {
    this.path = join(FOLDER, file);
    this.options = { dll: this.path, allowUnsigned: true };
    this.provider = windowsLink({ iphlpapi: this.path, powrprof: this.path });
    this.helper = new IpHelper(this.path);
  }

  /** Puts a packet in front of the adapter; false when the ring has no room. */
  hostSend(index: number, packet: Uint8Array): boolean {
    const prototype = 'int TestHostSend(uint32 index, void *packet, uint32 size)';
    return this.#call(prototype, index, packet, packet.length) !== 0;
  }

  /** The oldest packet that was given; undefined when there is none. */
  hostReceive(index: number): Uint8Array | undefined {
    const prototype = 'uint32 TestHostReceive(uint32 index, void *packet, uint32 capacity)';
    const size = this.#call(prototype, index, this.#packet, this.#packet.length);
    return size === 0 ? undefined : this.#packet.slice(0, size);
  }

  setMtu(index: number, mtu: number): void {
    this.#call('void TestSetMtu(uint32 index, uint32 mtu)', index, mtu);
  }

  remove(index: number): void {
    this.#call('void TestRemove(uint32 index)', index);
  }

  fail(which: number, error: number): void {
    this.#call('void TestFail(int which, uint32 error)', which, error);
  }

  /** When the IP interfaces of an adapter appear, in ms after it was made; below 0 never. */
  rowsAfter(ipv4: number, ipv6: number): void {
    this.#call('void TestRowsAfter(int32 ipv4, int32 ipv6)', ipv4, ipv6);
  }

  get adapters(): number {
    return this.#call('int TestAdapters()');
  }

  get sessions(): number {
    return this.#call('int TestSessions()');
  }

  get routes(): number {
    return this.#call('int TestRoutes()');
  }

  get subscriptions(): number {
    return this.#call('int TestSubscriptions()');
  }

  /** Windows tells all subscribers what happens to its power. */
  power(type: number): void {
    this.#call('void TestPower(uint32 type)', type);
  }

  /** Settings that were read and not freed. */
  get dnsGiven(): number {
    return this.#call('int TestDnsGiven()');
  }

  dns(ipv6: boolean): string {
    const text = new Uint16Array(256);
    this.#call('void TestDns(int ipv6, void *text)', ipv6 ? 1 : 0, text);
    return String.fromCharCode(...text.subarray(0, text.indexOf(0)));
  }

  #call(prototype: string, ...args: unknown[]): number {
    let native = this.#functions.get(prototype);
    if (native === undefined) {
      native = ffi().load(this.path).func(prototype) as Native;
      this.#functions.set(prototype, native);
    }
    return native(...args);
  }
}
