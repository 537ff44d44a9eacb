/**
 * Writes packets as pcapng, for Wireshark and its like: to a file or to a stream. A bundle costs one write;
 * what comes while the disk is busy waits in a bounded buffer, and is dropped and counted beyond it: a slow disk
 * never holds up packets.
 */

import { CopyArea } from '../copy.ts';
import type { TunError } from '../errors.ts';
import { ENTRY_HEADER_BYTES, entryBytes } from '../limits.ts';
import { systemName } from '../link/open.ts';
import { VERSION } from '../version.ts';
import { type BundleIndex, HOST_LITTLE_ENDIAN, readSizeWord } from '../wire/bundle.ts';
import { FileSink } from './file-sink.ts';
import { MAX_OPTION_BYTES, PacketFlag } from './pcapng-format.ts';
import { fileHeader, statisticsBlock } from './pcapng-header.ts';
import { type CheckedCapture, checkCapture, type PcapngOptions } from './pcapng-options.ts';
import { PacketFields, packetBlockBytes, writePacketBlock } from './pcapng-packet.ts';
import { type ByteSink, type CaptureTarget, streamSink } from './sink.ts';
import { Spool } from './spool.ts';

const US_PER_MS = 1000;

/** What was written. Packets of a direction that was not asked for are in none of these. */
export interface PcapngStatistics {
  /** Packets that are in the file, or on their way there. */
  readonly packets: number;
  /** Packets that are not: the disk was too slow, or failed. */
  readonly dropped: number;
  /** Packets that the filter did not let pass. */
  readonly filtered: number;
}

/** Where packets of a capture come from, when that is no bundle. */
export interface PacketSource {
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** Bytes that are there, and that the packet has. */
  readonly size: number;
  readonly original: number;
  readonly outbound: boolean;
  /** Microseconds of the Unix epoch. */
  readonly microseconds: number;
}

export class PcapngWriter {
  readonly #options: CheckedCapture;
  readonly #spool: Spool;
  readonly #sink: ByteSink;
  readonly #fields = new PacketFields();
  readonly #start: number;
  readonly #done: Promise<TunError | undefined>;
  #settle: (failure: TunError | undefined) => void = () => undefined;
  #from: CopyArea | undefined;
  #packets = 0;
  #dropped = 0;
  #filtered = 0;
  /** Dropped by the system, before they came here; part of the dropped. */
  #lost = 0;
  /** Dropped since the last packet that was written. */
  #missing = 0;
  #lastComment: string | undefined;
  #failure: TunError | undefined;
  #closed: Promise<void> | undefined;

  private constructor(options: CheckedCapture, sink: ByteSink, start: number) {
    this.#options = options;
    this.#sink = sink;
    this.#start = start;
    this.#done = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#spool = new Spool(sink, options.bufferBytes, (failure, lost) => {
      this.#failure ??= failure;
      this.#packets -= lost;
      this.#dropped += lost;
      this.#settle(failure);
    });
  }

  /**
   * Makes the file, in place of one that is there.
   *
   * @throws TunError `SYSCALL` naming the path. TypeError or RangeError for an option, a filter that is not
   * understood above all.
   */
  static async open(path: string, options: PcapngOptions = {}): Promise<PcapngWriter> {
    const checked = checkCapture(options);
    let writer: PcapngWriter | undefined;
    const sink = await FileSink.open(path, {
      header: headerOf(checked),
      trailer: () => writer!.#trailer(),
      rotateBytes: checked.rotateBytes,
    });
    writer = new PcapngWriter(checked, sink, now());
    return writer;
  }

  /**
   * Writes to a stream. Its chunks are copies; one is written at a time. `end`: whether closing the writer ends
   * the stream, which is the default.
   *
   * @throws TypeError or RangeError for an option, or when it is no stream.
   */
  static to(
    target: CaptureTarget,
    options: PcapngOptions & { readonly end?: boolean | undefined } = {},
  ): PcapngWriter {
    const checked = checkCapture(options);
    const sink = streamSink(target, headerOf(checked), options.end ?? true);
    const writer = new PcapngWriter(checked, sink, now());
    // A reader that waits for a first packet sees that it is connected.
    writer.#spool.begin();
    return writer;
  }

  get statistics(): PcapngStatistics {
    return { packets: this.#packets, dropped: this.#dropped, filtered: this.#filtered };
  }

  /** What ended the writing, if something did: from then on all packets are dropped. */
  get failure(): TunError | undefined {
    return this.#failure;
  }

  /** Resolves when nothing is written any more: to what ended it, or undefined after {@link close}. */
  get done(): Promise<TunError | undefined> {
    return this.#done;
  }

  /**
   * Records the packets of the bundle in the first `length` bytes of `bytes`, as a `Device` gave it or
   * took it; it is not kept. `outbound`: the host sent them. Does not wait and does not throw; where an entry
   * does not end within the bundle it ends.
   */
  record(bytes: Uint8Array, length: number, outbound: boolean): void {
    if (!this.#begin(bytes, outbound)) return;
    const end = Math.min(length, bytes.length);
    for (let offset = 0; end - offset > ENTRY_HEADER_BYTES; ) {
      const size = readSizeWord(bytes, offset, HOST_LITTLE_ENDIAN);
      const packet = offset + ENTRY_HEADER_BYTES;
      // Also of memory that others change: no size leads beyond it.
      if (size > end - packet) break;
      if (size > 0) this.#packet(packet, size, size);
      offset += entryBytes(size);
    }
    this.#spool.flush();
  }

  /** Records the packets that `index` lists with a length other than 0. As {@link record}. */
  recordIndexed(bytes: Uint8Array, index: BundleIndex, outbound: boolean): void {
    if (!this.#begin(bytes, outbound)) return;
    for (let i = 0; i < index.count; i++) {
      const size = index.lengths[i]!;
      if (size > 0) this.#packet(index.offsets[i]!, size, size);
    }
    this.#spool.flush();
  }

  /** Records one packet, and says whether it did. Nothing is kept. As {@link record}. */
  recordPacket(source: PacketSource): boolean {
    const { bytes, offset, size, original } = source;
    if (!this.#begin(bytes, source.outbound)) return false;
    this.#fields.microseconds = source.microseconds;
    const before = this.#packets;
    this.#packet(offset, size, original);
    this.#spool.flush();
    return this.#packets > before;
  }

  /** @internal Where packets come from is gone: all that may come are dropped. */
  fail(reason: TunError): void {
    this.#failure ??= reason;
    this.#settle(this.#failure);
  }

  /** Puts a comment on the next packet that is written. */
  comment(text: string): void {
    this.#fields.comment = new TextEncoder().encode(text).subarray(0, MAX_OPTION_BYTES);
  }

  /** The comment on the statistics at the end of the file. */
  set lastComment(text: string) {
    this.#lastComment = text;
  }

  /** The operating system lost packets before they came here. */
  noteLost(packets: number): void {
    this.#lost += packets;
    this.#drop(packets);
  }

  /**
   * Writes what waits and the statistics, and closes the file, or ends the stream. Safe to call twice.
   *
   * @throws TunError what ended it before, `SYSCALL` when it fails now; all is released then as well.
   */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    await this.#spool.drained();
    try {
      await this.#sink.close(this.#trailer());
    } catch (error) {
      this.#failure ??= error as TunError;
    }
    this.#settle(this.#failure);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Whether packets of that direction are recorded. */
  #begin(bytes: Uint8Array, outbound: boolean): boolean {
    const { direction } = this.#options;
    if (direction !== undefined && (direction === 'send') !== outbound) return false;
    if (this.#from?.matches(bytes) !== true) this.#from = new CopyArea(bytes);
    this.#fields.flag = outbound ? PacketFlag.OUTBOUND : PacketFlag.INBOUND;
    this.#fields.microseconds = now();
    return true;
  }

  #packet(offset: number, size: number, original: number): void {
    const from = this.#from!;
    const fields = this.#fields;
    const { test, snapLength } = this.#options;
    const outbound = fields.flag === PacketFlag.OUTBOUND;
    if (test !== undefined && !test.matches(from.bytes, offset, size, original, outbound)) {
      this.#filtered++;
      return;
    }
    fields.captured = snapLength > 0 && snapLength < size ? snapLength : size;
    fields.original = original;
    fields.dropped = this.#missing;
    const spool = this.#spool;
    const ended = this.#closed !== undefined || this.#failure !== undefined;
    if (ended || !spool.takes(packetBlockBytes(fields))) {
      this.#drop(1);
      return;
    }
    spool.add(writePacketBlock(spool.area, spool.view, spool.length, from, offset, fields));
    this.#packets++;
    this.#missing = 0;
    fields.comment = undefined;
  }

  #drop(packets: number): void {
    this.#dropped += packets;
    this.#missing += packets;
  }

  #trailer(): Uint8Array {
    const accepted = this.#packets + this.#dropped;
    return statisticsBlock({
      start: this.#start,
      end: now(),
      received: accepted + this.#filtered,
      dropped: this.#dropped,
      osDropped: this.#lost,
      accepted,
      delivered: this.#packets,
      comment: this.#lastComment,
    });
  }
}

function headerOf(options: CheckedCapture): Uint8Array {
  return fileHeader({
    ...options,
    os: systemName(),
    application: `typetun ${VERSION}`,
  });
}

/** Microseconds of the Unix epoch. */
function now(): number {
  return Math.round((performance.timeOrigin + performance.now()) * US_PER_MS);
}
