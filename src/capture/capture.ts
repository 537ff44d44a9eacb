/** Captures of adapters of this process, as pcapng. */

import { Adapter } from '../adapter/adapter.ts';
import type { AdapterStatistics } from '../adapter/statistics.ts';
import type { TunError } from '../errors.ts';
import { type PcapngStatistics, PcapngWriter } from './pcapng.ts';
import type { CaptureSelection } from './pcapng-options.ts';
import type { CaptureTarget } from './sink.ts';

/** What `capture` takes. */
export interface CaptureOptions extends CaptureSelection {
  /** A comment on the whole capture. */
  readonly comment?: string | undefined;
  /** Bytes that may wait for the stream, in two halves. Default 32 MiB. */
  readonly bufferBytes?: number | undefined;
  /** Whether the end of the capture ends the stream. Default true. */
  readonly end?: boolean | undefined;
}

/** A capture that goes on until it is closed, its adapter is gone, or what it writes to fails. */
export class Capture implements AsyncDisposable {
  readonly #writer: PcapngWriter;
  readonly #stop: () => void | Promise<void>;
  #closed: Promise<void> | undefined;

  /** @internal Use `capture` or `captureInterface`. `stop` ends what records into `writer`; called once. */
  constructor(writer: PcapngWriter, stop: () => void | Promise<void>) {
    this.#writer = writer;
    this.#stop = stop;
    // What fails costs nothing any more.
    void writer.done.then((failure) => {
      if (failure !== undefined) void this.#end();
    });
  }

  /** Packets so far. */
  get statistics(): PcapngStatistics {
    return this.#writer.statistics;
  }

  /** What ended the capture before its time: a full disk, a reader that went away. Traffic goes on. */
  get failure(): TunError | undefined {
    return this.#writer.failure;
  }

  /** Resolves when nothing is captured any more: to the {@link failure}, or undefined when it was closed. */
  get done(): Promise<TunError | undefined> {
    return this.#writer.done;
  }

  /** Puts a comment on the next packet that is captured. */
  comment(text: string): void {
    this.#writer.comment(text);
  }

  /**
   * Stops capturing, writes what waits and the counts, and ends what it writes to. Safe to call twice.
   *
   * @throws TunError the {@link failure} when it had ended before; `SYSCALL` when it fails now.
   */
  close(): Promise<void> {
    return this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #end(): Promise<void> {
    this.#closed ??= this.#finish();
    // Who wants to know of a failure asks.
    this.#closed.catch(() => undefined);
    return this.#closed;
  }

  async #finish(): Promise<void> {
    try {
      await this.#stop();
    } finally {
      await this.#writer.close();
    }
  }
}

/**
 * Captures the packets that cross between the host and this thread's handles of the adapter: what its readers get
 * (`send`: outbound) and what the host takes of what its writers write (`receive`: inbound), each when the
 * adapter counts it. So what the file has, and its counts say is missing, is what `adapter.statistics` counts
 * meanwhile. Not seen is what the adapter drops, whose counts are in the comment on the statistics at the end, and what
 * other threads read and write: capture there as well, or the interface (`captureInterface`).
 *
 * `target` is a stream, or a `PcapngWriter`, which has its own options. Nothing waits for it: what it is too slow
 * for is dropped, and counted in the file. Does not keep the event loop alive.
 *
 * @throws TypeError or RangeError naming what is wrong; TunError `FORCED_CLOSED` when the adapter is gone.
 */
export function capture(
  adapter: Adapter,
  target: CaptureTarget | PcapngWriter,
  options: CaptureOptions = {},
): Capture {
  if (!(adapter instanceof Adapter)) {
    throw new TypeError(`captures are made of an Adapter, not of ${typeof adapter}`);
  }
  const writer =
    target instanceof PcapngWriter
      ? withoutOptions(target, options)
      : PcapngWriter.to(target, {
          ...options,
          interfaceName: adapter.name,
          interfaceDescription: `adapter of typetun, ${adapter.deviceName}`,
          addresses: adapter.addresses,
        });
  const before = adapter.statistics;
  const end = adapter.tap({
    sent: (bytes, length, _packets) => writer.record(bytes, length, true),
    received: (bytes, index) => writer.recordIndexed(bytes, index, false),
    ended: () => void made.close(),
  });
  const made: Capture = new Capture(writer, () => {
    end();
    writer.lastComment = lossText(before, adapter.statistics);
  });
  return made;
}

/** @throws TypeError for an option that would have no effect. */
export function withoutOptions(writer: PcapngWriter, options: CaptureOptions): PcapngWriter {
  const [given] = Object.entries(options).find(([, value]) => value !== undefined) ?? [];
  if (given === undefined) return writer;
  throw new TypeError(`${given} belongs to the PcapngWriter that is captured to; give it there`);
}

/** What the adapter and its host dropped between two moments, in words. */
function lossText(before: AdapterStatistics, after: AdapterStatistics): string {
  const drops = grown({ ...before.drops }, { ...after.drops });
  const receiveDrops = grown({ ...before.receiveDrops }, { ...after.receiveDrops });
  const host = after.hostDrops - before.hostDrops;
  const parts = [
    ...drops.map(([reason, count]) => `${count} sent (${reason})`),
    ...receiveDrops.map(([reason, count]) => `${count} received (${reason})`),
    ...(host > 0 ? [`${host} by the host in front of it`] : []),
  ];
  return parts.length === 0
    ? 'the adapter dropped nothing meanwhile'
    : `packets the adapter dropped meanwhile, which are not in here: ${parts.join(', ')}`;
}

function grown(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): [string, number][] {
  return Object.entries(after)
    .map(([reason, count]): [string, number] => [reason, count - before[reason]!])
    .filter(([, count]) => count > 0);
}
