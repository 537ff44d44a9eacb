/** A device of a host, for a program in another process: it reads and writes bundles, and connects again. */

import { setTimeout as sleep } from 'node:timers/promises';
import { isTunError, TunError, TunErrorCode } from '../errors.ts';
import { Bundle, BundleWriter } from '../index.ts';
import { DeviceLink } from './device-link.ts';
import {
  decodeText,
  type FrameHeader,
  FrameType,
  protocolError,
  type Welcome,
} from './device-protocol.ts';
import { errorOf } from './failure.ts';
import { locateDevice } from './locate-device.ts';

const TIMEOUT_MS = 5000;
const RECONNECT_MS = 10_000;
/** How long until it is tried again to connect, in ms. */
const RETRY_MS = 20;
/** Reads that an iteration keeps under way, so that the host need not wait for the next one. */
const READS_AHEAD = 2;
/** Tags are 32 bits long. */
const TAG_MASK = 0xffffffff;

/** How a device of a host is opened. */
export interface HostDeviceOptions {
  /** The host's run directory. Default: the user's own, then the system's. */
  readonly runDirectory?: string | undefined;
  /** What the client is called in lists. */
  readonly client?: string | undefined;
  /** How long the host may take to answer, in ms. Default 5000. */
  readonly timeoutMs?: number | undefined;
  /** How long it is tried to connect again to a host that has ended, in ms; 0: not at all. Default 10,000. */
  readonly reconnectMs?: number | undefined;
}

interface WaitingRead {
  tag: number;
  readonly resolve: (bundle: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

interface WaitingWrite {
  readonly resolve: (packets: number) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A device handle over the socket of a host (`typetun serve`). Reads are answered first in, first out. When the host
 * ends, reads wait for the next one, which is connected to as soon as it is there. It keeps the event loop alive until
 * it is closed.
 */
export class HostDevice implements AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly #name: string;
  readonly #options: HostDeviceOptions;
  #reads: WaitingRead[] = [];
  readonly #writes = new Map<number, WaitingWrite>();
  #link: DeviceLink | undefined;
  #welcome: Welcome | undefined;
  /** Resolves when there is a link again; rejects never. */
  #reconnecting: Promise<void> | undefined;
  #reconnects = 0;
  #tag = 0;
  #end: Error | undefined;

  private constructor(name: string, options: HostDeviceOptions) {
    this.#name = name;
    this.#options = options;
  }

  /**
   * Opens `WINTUN7`, `7`, `\\.\Device\WINTUN7`, the device of an adapter by its name, or the path of a socket.
   *
   * Rejects with TunError `NO_HOST`, `NOT_FOUND`, `NO_PRIVILEGE`, `BUSY`, `PROTOCOL`.
   */
  static async open(device: string, options: HostDeviceOptions = {}): Promise<HostDevice> {
    const opened = new HostDevice(device, options);
    await opened.#connect();
    return opened;
  }

  /** What the host said of the device when it was last connected to. */
  get welcome(): Welcome {
    return this.#welcome!;
  }

  /** How often it was connected to a further host. */
  get reconnects(): number {
    return this.#reconnects;
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Reads one bundle, in memory of its own: waits until at least one packet is there.
   *
   * Rejects with TunError `FORCED_CLOSED` or `ADAPTER_REMOVED` when the adapter goes, `HANDLE_CLOSED` after close,
   * `NO_HOST` when no host came back in time.
   */
  read(): Promise<Uint8Array> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const read = { tag: this.#nextTag(), resolve, reject };
      this.#reads.push(read);
      this.#link?.send(FrameType.READ, read.tag, 0);
    });
  }

  /**
   * Writes one bundle, which is left alone until the promise settles; resolves to the packets delivered. Waits for a host
   * to come back.
   *
   * Rejects with TunError `BUNDLE_INVALID` (nothing delivered); `NO_HOST` when the host ended before it said whether
   * it took the bundle; and as {@link read}.
   */
  async write(source: Uint8Array | Bundle | BundleWriter): Promise<number> {
    const bundle = bytesOf(source);
    const link = await this.#present();
    if (bundle.length === 0) return 0;
    const tag = this.#nextTag();
    return await new Promise((resolve, reject) => {
      this.#writes.set(tag, { resolve, reject });
      link.send(FrameType.WRITE, tag, 0, bundle);
    });
  }

  /** Reads bundle after bundle, with two reads under way. Ends when this handle or the adapter is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const ahead: Promise<Uint8Array>[] = [];
    for (;;) {
      while (ahead.length < READS_AHEAD) {
        const read = this.read();
        read.catch(() => undefined);
        ahead.push(read);
      }
      try {
        yield await ahead.shift()!;
      } catch (error) {
        if (ENDS.some((code) => isTunError(error, code))) return;
        throw error;
      }
    }
  }

  /** Closes the handle; what waits rejects. Safe to call twice. */
  close(): Promise<void> {
    this.#finish(
      new TunError(TunErrorCode.HANDLE_CLOSED, 'the device handle is closed; open another'),
    );
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The connection, when there is one again. */
  async #present(): Promise<DeviceLink> {
    for (;;) {
      if (this.#end !== undefined) throw this.#end;
      if (this.#link !== undefined) return this.#link;
      await this.#reconnecting;
    }
  }

  async #connect(): Promise<void> {
    const { runDirectory, client, timeoutMs = TIMEOUT_MS } = this.#options;
    const path = await locateDevice(this.#name, runDirectory);
    const hello = client === undefined ? {} : { client };
    const link = await DeviceLink.open(path, hello, timeoutMs, {
      answered: (frame, payload) => this.#answered(frame, payload),
      ended: (error) => this.#lost(error),
    });
    this.#link = link;
    this.#welcome = link.welcome;
    if (this.#end !== undefined) link.close();
    for (const { tag } of this.#reads) link.send(FrameType.READ, tag, 0);
  }

  #answered({ type, tag, value }: FrameHeader, payload: Uint8Array): void {
    const read = this.#reads[0];
    if (read?.tag === tag && (type === FrameType.BUNDLE || type === FrameType.FAILED)) {
      this.#reads.shift();
      if (type === FrameType.BUNDLE) read.resolve(payload.slice());
      else read.reject(errorOf(decodeText(payload)));
      return;
    }
    const write = this.#writes.get(tag);
    if (write === undefined)
      throw protocolError(`an answer has the tag ${tag}, which no request has`);
    this.#writes.delete(tag);
    if (type === FrameType.WRITTEN) write.resolve(value);
    else write.reject(errorOf(decodeText(payload)));
  }

  /** The connection has ended. What was written and not answered may have arrived or not. */
  #lost(error: TunError): void {
    this.#link = undefined;
    const { reconnectMs = RECONNECT_MS } = this.#options;
    if (this.#end !== undefined || !isTunError(error, TunErrorCode.NO_HOST) || reconnectMs === 0) {
      this.#finish(error);
      return;
    }
    for (const { reject } of this.#writes.values()) reject(error);
    this.#writes.clear();
    this.#reconnecting = this.#reconnect(reconnectMs).finally(() => {
      this.#reconnecting = undefined;
    });
  }

  async #reconnect(ms: number): Promise<void> {
    const deadline = performance.now() + ms;
    while (this.#end === undefined) {
      try {
        await this.#connect();
        this.#reconnects++;
        return;
      } catch (error) {
        const again = AWAY.some((code) => isTunError(error, code)) && performance.now() < deadline;
        if (!again) this.#finish(error as Error);
        else await sleep(RETRY_MS);
      }
    }
  }

  /** The first reason stays. */
  #finish(error: Error): void {
    this.#end ??= error;
    this.#link?.close();
    for (const { reject } of [...this.#reads, ...this.#writes.values()]) reject(this.#end);
    this.#reads = [];
    this.#writes.clear();
  }

  #nextTag(): number {
    this.#tag = (this.#tag + 1) & TAG_MASK;
    return this.#tag >>> 0;
  }
}

/** What an iteration ends with quietly. */
const ENDS = [TunErrorCode.HANDLE_CLOSED, TunErrorCode.FORCED_CLOSED];
/** The host is not there, or not yet as far as to have the adapter. */
const AWAY = [TunErrorCode.NO_HOST, TunErrorCode.NOT_FOUND];

function bytesOf(source: Uint8Array | Bundle | BundleWriter): Uint8Array {
  if (source instanceof BundleWriter) return source.bytes.subarray(0, source.length);
  if (source instanceof Bundle) return source.bytes;
  if (source instanceof Uint8Array) return source;
  throw new TypeError(
    `a bundle is written as a Uint8Array, a Bundle or a BundleWriter, not as ${typeof source}`,
  );
}
