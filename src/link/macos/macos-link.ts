/** The link over macOS' utun, of the main thread. Experimental: not verified on a Mac. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { MAX_BLOCK_MS, MAX_BUNDLE_PACKETS } from '../../limits.ts';
import { darwin } from '../../os/darwin.ts';
import { type Watch, watchReadable } from '../../os/poll.ts';
import { type BundleIndex, HOST_LITTLE_ENDIAN } from '../../wire/bundle.ts';
import {
  type GiveResult,
  LINK_CLOSED,
  type Link,
  type LinkCapabilities,
  type LinkInfo,
  type LinkReconfig,
  type LinkToken,
  type LinkWatch,
  TakeResult,
} from '../link.ts';
import { setMtu, type Utun } from './utun.ts';
import { UtunPath } from './utun-path.ts';

const CAPABILITIES: LinkCapabilities = {
  engine: 'syscalls',
  offload: 'off',
  segmentation: [],
  carrier: false,
  queues: 1,
  events: false,
};

/** `struct pollfd` (poll.h), and `POLLIN`. */
const POLLFD_BYTES = 8;
const POLLFD_EVENTS = 4;
const POLLIN = 0x001;

/** Bytes taken at once when packets are thrown away, and how often: more came after that began. */
const SINK_BYTES = 0x40000;
const MOST_SINKS = 64;

export class MacosLink implements Link {
  readonly kind = 'macos' as const;
  readonly capabilities: LinkCapabilities = CAPABILITIES;
  readonly #utun: Utun;
  readonly #path: UtunPath;
  readonly #pollfd = new Uint8Array(POLLFD_BYTES);
  readonly #discarded = new TakeResult();
  #watch: Watch | undefined;
  #info: LinkInfo;
  #closing: Promise<void> | undefined;

  /** Takes over `utun`; `close` releases it. */
  constructor(utun: Utun, info: LinkInfo) {
    this.#utun = utun;
    this.#info = info;
    this.#path = new UtunPath(utun.fd);
    const view = new DataView(this.#pollfd.buffer);
    view.setInt32(0, utun.fd, HOST_LITTLE_ENDIAN);
    view.setInt16(POLLFD_EVENTS, POLLIN, HOST_LITTLE_ENDIAN);
  }

  get info(): LinkInfo {
    return this.#info;
  }

  get remainder(): Uint8Array {
    return this.#path.remainder;
  }

  join(): void {
    // There is one thread, and the kernel wakes it.
  }

  createBuffer(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }

  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    result.reset();
    if (this.#closing !== undefined) return LINK_CLOSED;
    // A detached view has no bytes at all, and no caller takes into nothing.
    if (bytes.length === 0 || offset > bytes.length) throw detached();
    return this.#path.take(bytes, offset, maxPackets, result);
  }

  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    result.reset();
    const { count } = index;
    if (this.#closing !== undefined) {
      result.refused = count;
      index.lengths.fill(0, 0, count);
      return LINK_CLOSED;
    }
    const end = count === 0 ? 0 : index.offsets[count - 1]! + index.lengths[count - 1]!;
    if (end > bytes.length) throw detached();
    return this.#path.give(bytes, index, result);
  }

  settle(): void {
    // The kernel handled each packet when it was written.
  }

  /** Nobody else can wake this thread: an adapter here is not shared. */
  park(_participant: number, words: Int32Array, index: number, timeoutMs: number): void {
    if (this.#closing !== undefined || Atomics.load(words, index) !== 1) return;
    const ms = Math.ceil(Math.min(Math.max(timeoutMs, 0), MAX_BLOCK_MS));
    darwin().poll(this.#pollfd, 1, ms);
  }

  unpark(): void {
    // See `park`.
  }

  watch(onReadable: () => void): LinkWatch {
    this.#watch?.stop();
    this.#watch = watchReadable(this.#utun.fd, onReadable);
    return this.#watch;
  }

  onEvent(): void {
    // Not built: what others change is not reported.
  }

  onSystemSleep(): void {
    // Not built: the machine's sleep is not heard of.
  }

  setMediaConnected(): void {
    // utun has no carrier.
  }

  discardPending(result: TakeResult): void {
    const total = this.#discarded;
    total.reset();
    const sink = new Uint8Array(SINK_BYTES);
    for (let i = 0; i < MOST_SINKS && this.#closing === undefined; i++) {
      this.take(sink, 0, MAX_BUNDLE_PACKETS, result);
      total.packets += result.packets + result.remainderPackets;
      total.octets += result.octets + result.remainderOctets;
      total.oversize += result.oversize;
      total.unreadable += result.unreadable;
      if (result.emptied) break;
    }
    result.reset();
    result.packets = total.packets;
    result.octets = total.octets;
    result.oversize = total.oversize;
    result.unreadable = total.unreadable;
  }

  waitFor(): void {
    // There is one.
  }

  configure({ mtu, addresses, routes, up }: LinkReconfig): LinkInfo {
    refuseAddresses(this.#info.name, addresses ?? [], routes ?? []);
    if (up !== undefined) throw notBuilt(`ifconfig ${this.#info.name} ${up ? 'up' : 'down'}`);
    if (mtu !== undefined) this.#info = { ...this.#info, mtu: setMtu(this.#info.name, mtu) };
    return this.#info;
  }

  /** macOS does not say. */
  hostDrops(): number {
    return 0;
  }

  share(): LinkToken {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      'an adapter on macOS cannot be shared with other threads in this release; use it in the thread that created it',
    );
  }

  noteInfo(): void {
    // The owner is who knows.
  }

  bury(): void {
    // Nobody else takes part.
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    await this.#watch?.close();
    darwin().close(this.#utun.fd);
  }
}

/**
 * Addresses and routes are not set on macOS in this release.
 *
 * @throws TunError `UNSUPPORTED` with the commands that set them.
 */
export function refuseAddresses(
  name: string,
  addresses: readonly string[],
  routes: readonly { readonly destination: string }[],
): void {
  const [address] = addresses;
  if (address !== undefined) {
    const [ip, length] = address.split('/');
    throw notBuilt(
      address.includes(':')
        ? `ifconfig ${name} inet6 ${ip} prefixlen ${length}`
        : `ifconfig ${name} inet ${address} ${ip}`,
    );
  }
  const [route] = routes;
  if (route !== undefined)
    throw notBuilt(`route -n add -net ${route.destination} -interface ${name}`);
}

function notBuilt(command: string): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    `typetun sets no addresses, routes or state on macOS in this release; leave them out, and once the adapter is there run "sudo ${command}"`,
  );
}

function detached(): TunError {
  return new TunError(
    TunErrorCode.BUFFER_DETACHED,
    'the buffer was detached or shrunk (transferred to another thread?) while it was in use; keep it until the call is done',
  );
}
