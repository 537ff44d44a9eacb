/**
 * Faults on the way between a device and a program: loss, corruption, duplication, reordering and delay, by
 * seed, in either direction. The same line of faults that the in-process host has (link/memory/faults.ts), in
 * front of any adapter:
 *
 * ```
 *  device ──► send faults ────► for await (const bundle of faults)
 *  device ◄── receive faults ◄── faults.write(bundle)
 * ```
 */

import { Bundle } from '../adapter/bundle.ts';
import type { BundleSource, Device } from '../adapter/device.ts';
import { isClosedError } from '../adapter/streams.ts';
import { ENTRY_HEADER_BYTES } from '../limits.ts';
import { type Clock, realClock } from '../link/memory/clock.ts';
import { checkDirections, faultPlan, type HostFaults } from '../link/memory/fault-options.ts';
import { FaultLine } from '../link/memory/faults.ts';
import { Random } from '../link/memory/random.ts';
import { Scheduler } from '../link/memory/scheduler.ts';
import type { FaultStatistics } from '../link/memory/statistics.ts';
import { BundleReader } from '../wire/bundle-reader.ts';
import { BundleWriter } from '../wire/bundle-writer.ts';

/** What a `FaultInjector` takes. */
export interface FaultInjectorOptions {
  readonly faults: HostFaults;
  /** Any safe integer: the same one hits the same packets. Default 1. */
  readonly seed?: number | undefined;
  /** Where delays get their time from. Default the machine's clock. */
  readonly clock?: Clock | undefined;
}

/** Streams of random numbers of one seed. */
const SEND_STREAM = 1;
const RECEIVE_STREAM = 2;

export class FaultInjector implements AsyncIterable<Bundle> {
  readonly #device: Device;
  readonly #send: FaultLine;
  readonly #receive: FaultLine;
  readonly #reader = new BundleReader();
  /** What came through to the program; the last one is filled. */
  readonly #arrived: BundleWriter[] = [];
  /** On its way to the host, until the end of this turn. */
  readonly #leaving: BundleWriter;
  #wake: () => void = () => undefined;
  #onTaken: () => void = () => undefined;
  readonly #leftLoop = new AbortController();
  #ended = false;
  #sequence = 0;
  #undelivered = 0;

  /**
   * `device` stays the caller's, who does not read from it by itself.
   *
   * @throws TypeError or RangeError naming what is wrong with the faults.
   */
  constructor(device: Device, { faults, seed = 1, clock = realClock }: FaultInjectorOptions) {
    checkDirections(faults);
    const scheduler = new Scheduler(clock);
    this.#device = device;
    this.#leaving = new BundleWriter(new Uint8Array(device.bundleBytes));
    const send = faultPlan(faults.send ?? {}, 'send');
    const receive = faultPlan(faults.receive ?? {}, 'receive');
    this.#send = new FaultLine(
      send,
      new Random(seed, SEND_STREAM),
      scheduler,
      (bytes, offset, length) => this.#arrive(bytes, offset, length),
    );
    this.#receive = new FaultLine(
      receive,
      new Random(seed, RECEIVE_STREAM),
      scheduler,
      (bytes, offset, length) => this.#leave(bytes, offset, length),
    );
  }

  get statistics(): {
    readonly send: FaultStatistics;
    readonly receive: FaultStatistics;
    /** Packets that came through and were not taken: the loop was left, the device closed, or did not accept. */
    readonly undelivered: number;
  } {
    return {
      send: { ...this.#send.statistics },
      receive: { ...this.#receive.statistics },
      undelivered: this.#undelivered,
    };
  }

  /**
   * What is left of what the host sends, bundle by bundle; each is the reader's. Once only. Ends with the device;
   * what is under way then is lost, and counted as cleared.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Bundle, void, undefined> {
    const reading = this.#readAll();
    try {
      while (!this.#ended || this.#arrived.length > 0) {
        const writer = this.#arrived.shift();
        if (this.#arrived.length === 0) this.#onTaken();
        if (writer !== undefined) {
          this.#sequence += writer.count;
          const first = this.#sequence - writer.count;
          yield new Bundle(writer.bytes, writer.length, writer.count, first);
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
      await reading;
    } finally {
      // The loop was left, or the device failed: nothing is waited for.
      this.#ended = true;
      this.#leftLoop.abort();
      this.#onTaken();
      reading.catch(() => undefined);
      for (const { count } of this.#arrived.splice(0)) this.#undelivered += count;
      this.#send.clear();
      this.#receive.clear();
    }
  }

  /**
   * Sends a bundle on its way to the host; the source may be reused at once. Returns how many packets that are,
   * whatever becomes of them.
   *
   * @throws TunError `BUNDLE_INVALID`. A device that is closed shows in the statistics.
   */
  write(source: BundleSource): number {
    // A copy: a fault changes it.
    const bytes = bytesOf(source).slice();
    if (bytes.length === 0) return 0;
    this.#reader.reset(bytes);
    this.#offer(this.#receive, bytes);
    this.#flush();
    return this.#reader.count;
  }

  async #readAll(): Promise<void> {
    const buffer = this.#device.createBuffer();
    const { signal } = this.#leftLoop;
    try {
      while (!this.#ended) {
        const { bytes } = await this.#device.read(buffer, { signal });
        this.#reader.reset(bytes);
        this.#offer(this.#send, bytes);
        // What nobody takes is not read: the adapter's own queue and its policy have it.
        if (this.#arrived.length > 0 && !this.#ended) {
          await new Promise<void>((resolve) => {
            this.#onTaken = resolve;
          });
        }
      }
    } catch (error) {
      if (!signal.aborted && !isClosedError(error)) throw error;
    } finally {
      this.#ended = true;
      this.#wake();
    }
  }

  #offer(line: FaultLine, bytes: Uint8Array): void {
    while (this.#reader.next()) {
      line.offer(bytes, this.#reader.offset - ENTRY_HEADER_BYTES, this.#reader.length);
    }
  }

  #arrive(bytes: Uint8Array, offset: number, length: number): void {
    const packet = offset + ENTRY_HEADER_BYTES;
    if (this.#arrived.at(-1)?.append(bytes, packet, length) !== true) {
      const writer = new BundleWriter(new Uint8Array(this.#device.bundleBytes));
      writer.append(bytes, packet, length);
      this.#arrived.push(writer);
    }
    this.#wake();
  }

  #leave(bytes: Uint8Array, offset: number, length: number): void {
    const packet = offset + ENTRY_HEADER_BYTES;
    if (this.#leaving.count === 0) queueMicrotask(() => this.#flush());
    if (this.#leaving.append(bytes, packet, length)) return;
    this.#flush();
    this.#leaving.append(bytes, packet, length);
  }

  #flush(): void {
    const { count } = this.#leaving;
    if (count === 0) return;
    try {
      this.#undelivered += count - this.#device.writeSync(this.#leaving);
    } catch {
      this.#undelivered += count;
    }
    this.#leaving.reset();
  }
}

function bytesOf(source: BundleSource): Uint8Array {
  if (source instanceof BundleWriter) return source.finish();
  return source instanceof Bundle ? source.bytes : source;
}
