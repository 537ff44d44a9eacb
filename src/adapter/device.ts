/** A device handle: what a program reads bundles from and writes bundles to. */

import type { ReadableStream, WritableStream } from 'node:stream/web';
import { TunError, TunErrorCode } from '../errors.ts';
import { holdLoop, releaseLoop } from '../keep-alive.ts';
import {
  entryBytes,
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_PACKETS,
  MAX_ENTRY_BYTES,
  MIN_READ_BUFFER_BYTES,
} from '../limits.ts';
import { BundleWriter } from '../wire/bundle-writer.ts';
import { checkBytes, isBytes } from '../wire/view.ts';
import { Bundle } from './bundle.ts';
import { showAs } from './inspect.ts';
import { deviceName } from './luid.ts';
import type { Miniport } from './miniport.ts';
import { bundleReadable, bundleWritable, isClosedError } from './streams.ts';

/** Options of an asynchronous read. */
export interface ReadOptions {
  /** Cancels this read alone; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a blocking read. */
export interface ReadSyncOptions {
  /** Milliseconds to wait for a packet; 0 (the default) only looks, Infinity waits for ever. */
  readonly timeoutMs?: number | undefined;
}

/** What can be written: the bytes of a bundle, or something that holds them. */
export type BundleSource = Uint8Array | Bundle | BundleWriter;

/**
 * A handle on an adapter's device. Several may be open; reads of all of them are answered first in,
 * first out. Open handles keep the event loop alive until {@link Device.unref} or close.
 */
export class Device implements AsyncIterable<Bundle>, AsyncDisposable {
  readonly #miniport: Miniport;
  #state: 'open' | 'closed' | 'forced closed' = 'open';
  #holdsLoop = false;
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  static {
    showAs(Device, (device) => {
      const { link, luidIndex } = device.#miniport;
      return { adapter: link.info.name, name: deviceName(luidIndex), state: device.#state };
    });
  }

  /** @internal Use `adapter.openDevice()`. */
  constructor(miniport: Miniport) {
    this.#miniport = miniport;
    miniport.open(this);
    this.ref();
  }

  /** Whether this handle was closed, by the program or by the adapter. */
  get closed(): boolean {
    return this.#state !== 'open';
  }

  /**
   * Reads one bundle: waits until at least one packet is there, then takes what fits, 256 packets at
   * most, without waiting for more. A packet that does not fit stays for the next read.
   *
   * @param buffer At least 61,440 bytes, left alone by the program until the promise settles; the
   * bundle is a view of it. Without one, each read makes a buffer of its own.
   * @throws RangeError for a short buffer, or one of 4 GiB and more. TypeError for a view whose `length`,
   * `byteOffset` or `buffer` are overridden and say something else. Rejects with TunError `HANDLE_CLOSED`, `CANCELLED` when
   * this handle is closed meanwhile, `FORCED_CLOSED` when the adapter halts or shuts down,
   * `BUFFER_DETACHED`, or the signal's reason.
   */
  read(buffer?: Uint8Array, options: ReadOptions = {}): Promise<Bundle> {
    try {
      const target = this.#readBuffer(buffer);
      checkObject('options of read', options);
      checkSignal(options.signal);
      options.signal?.throwIfAborted();
      return this.#miniport.read(this, target, options.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Blocks the calling thread until a bundle is there; null when none came in time. For worker
   * threads and short scripts: nothing else of the thread runs meanwhile.
   *
   * @throws as {@link read} rejects.
   */
  readSync(buffer?: Uint8Array, options: ReadSyncOptions = {}): Bundle | null {
    const target = this.#readBuffer(buffer);
    checkObject('options of readSync', options);
    const timeoutMs = options.timeoutMs ?? 0;
    if (typeof timeoutMs !== 'number') {
      throw new TypeError(`timeoutMs is ${String(timeoutMs)}; give a number of milliseconds`);
    }
    if (!(timeoutMs >= 0)) {
      throw new RangeError(`timeoutMs is ${timeoutMs}; give milliseconds from 0 up, or Infinity`);
    }
    return this.#miniport.readSync(target, timeoutMs, () => this.#check());
  }

  /**
   * Writes one bundle: the whole of it is validated, then its packets are handed to the host.
   * Resolves to the number of packets delivered. While the adapter does not accept (paused, low
   * power) the write succeeds with 0 and the packets are counted as receive discards.
   *
   * The packets are handed over before this returns; the source may be reused at once.
   *
   * Rejects with TunError `BUNDLE_INVALID` (nothing delivered), `HANDLE_CLOSED`, `FORCED_CLOSED`.
   */
  write(source: BundleSource): Promise<number> {
    try {
      return Promise.resolve(this.writeSync(source));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@link write}, with the result returned and errors thrown. */
  writeSync(source: BundleSource): number {
    this.#check();
    if (source instanceof BundleWriter) {
      return source.length === 0 ? 0 : this.#write(source.bytes, source.length);
    }
    if (source instanceof Bundle) return this.#write(source.readBuffer, source.byteLength);
    const bytes: unknown = source;
    if (!isBytes(bytes)) {
      throw new TypeError(
        `a bundle is written as a Uint8Array, a Bundle or a BundleWriter, not as ${typeof source}`,
      );
    }
    return this.#write(bytes, bytes.length);
  }

  /**
   * Reads bundle after bundle into one buffer: a bundle and its packets are valid until the next
   * step of the loop. Leaving the loop leaves the device open. Ends when this handle or the adapter
   * is closed; throws when the adapter was removed under it.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Bundle, void, undefined> {
    const buffer = this.createBuffer();
    for (;;) {
      if (this.closed && !this.#miniport.shared.removed) return;
      try {
        yield await this.read(buffer);
      } catch (error) {
        if (isClosedError(error)) return;
        throw error;
      }
    }
  }

  /** Bytes of a bundle of 256 packets of the MTU's size: a good size for a read buffer. */
  get bundleBytes(): number {
    const wanted = MAX_BUNDLE_PACKETS * entryBytes(this.#miniport.link.info.mtu);
    return Math.max(MIN_READ_BUFFER_BYTES, wanted);
  }

  /**
   * Makes a read buffer that packets reach with the fewest copies, of {@link bundleBytes} by default.
   * With offload `split` it saves one copy of every packet read into it, and one of every packet
   * written out of it. It is not to be transferred to another thread; make it once and reuse it.
   */
  createBuffer(bytes: number = this.bundleBytes): Uint8Array {
    this.#check();
    if (Number.isInteger(bytes) && bytes >= MIN_READ_BUFFER_BYTES && bytes <= MAX_BUNDLE_BYTES) {
      return this.#miniport.link.createBuffer(bytes);
    }
    throw new RangeError(
      `a read buffer of ${bytes} bytes cannot be made; give a whole number from ${MIN_READ_BUFFER_BYTES} to ${MAX_BUNDLE_BYTES}`,
    );
  }

  /** Bundles as a Web stream, each a copy of its own. Read-ahead is one bundle. */
  get readable(): ReadableStream<Uint8Array> {
    this.#readable ??= bundleReadable(this);
    return this.#readable;
  }

  /** A Web stream that takes bundles. */
  get writable(): WritableStream<Uint8Array> {
    this.#writable ??= bundleWritable(this);
    return this.#writable;
  }

  /** Keeps the event loop alive while this handle is open; the default. */
  ref(): this {
    if (!this.#holdsLoop && !this.closed) {
      this.#holdsLoop = true;
      holdLoop();
    }
    return this;
  }

  /** Lets the process end although this handle is open. */
  unref(): this {
    if (this.#holdsLoop) {
      this.#holdsLoop = false;
      releaseLoop();
    }
    return this;
  }

  /** Closes the handle; its waiting reads complete as cancelled. Safe to call twice. */
  close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closed';
      this.unref();
      this.#miniport.close(this);
    }
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal The adapter goes away under the handle. */
  forceClose(): void {
    if (this.#state !== 'open') return;
    this.#state = 'forced closed';
    this.unref();
  }

  #write(bytes: Uint8Array, length: number): number {
    checkBytes('bundle', bytes);
    return this.#miniport.write(bytes, length);
  }

  #readBuffer(buffer: Uint8Array | undefined): Uint8Array {
    this.#check();
    if (buffer === undefined) return new Uint8Array(this.bundleBytes);
    if (!isBytes(buffer)) {
      throw new TypeError(`a read buffer is a Uint8Array, not ${typeof buffer}`);
    }
    checkBytes('read buffer', buffer);
    if (buffer.length < MIN_READ_BUFFER_BYTES) {
      throw new RangeError(
        `the read buffer has ${buffer.byteLength} bytes; give at least ${MAX_ENTRY_BYTES}, so that a packet of any size fits`,
      );
    }
    return buffer;
  }

  #check(): void {
    if (this.#state === 'closed') {
      throw new TunError(TunErrorCode.HANDLE_CLOSED, 'the device handle is closed; open another');
    }
    if (this.#state === 'forced closed') throw this.#miniport.closedError();
  }
}

function checkObject(what: string, options: object): void {
  if (typeof options === 'object' && options !== null) return;
  throw new TypeError(
    `the ${what} are an object, not ${options === null ? 'null' : typeof options}`,
  );
}

function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new TypeError(`signal is ${typeof signal}; give the signal of an AbortController`);
}
