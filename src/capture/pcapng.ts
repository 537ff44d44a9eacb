/**
 * Writes packets to a pcapng file, for Wireshark and its like. A bundle costs one write, in libuv's pool;
 * what comes while the disk is busy waits in a bounded buffer, and is dropped and counted beyond it: a
 * slow disk never holds up packets.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { CopyArea } from '../copy.ts';
import { TunError, TunErrorCode } from '../errors.ts';
import { ENTRY_HEADER_BYTES, entryBytes } from '../limits.ts';
import { HOST_LITTLE_ENDIAN, readSizeWord } from '../wire/bundle.ts';
import { fileHeader, PacketFlag, packetBlockBytes, writePacketBlock } from './pcapng-format.ts';

/** Bytes that may wait for the disk, by default: a quarter of a second at 1 Gbit/s. */
const DEFAULT_BUFFER_BYTES = 32 * 1024 * 1024;
const US_PER_MS = 1000;

/** What `PcapngWriter.open` takes. */
export interface PcapngOptions {
  /** Name of the interface in the file. Default `tun`. */
  readonly interfaceName?: string;
  /** Bytes that may wait for the disk, in two halves. Default 32 MiB. */
  readonly bufferBytes?: number;
}

/** What was written. */
export interface PcapngStatistics {
  /** Packets that are in the file, or on their way there. */
  readonly packets: number;
  /** Packets that are not: the disk was too slow, or failed. */
  readonly dropped: number;
}

/** One half of the buffer. */
interface Half {
  readonly area: CopyArea;
  readonly view: DataView;
}

export class PcapngWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  /** What is filled, and what is written or free. */
  #filling: Half;
  #other: Half;
  #length = 0;
  #from: CopyArea | undefined;
  #packets = 0;
  #dropped = 0;
  /** Packets in the half that is filled, and in what is being written: lost if that fails. */
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #failure: TunError | undefined;
  #closed: Promise<void> | undefined;

  private constructor(path: string, file: FileHandle, bufferBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#filling = half(bufferBytes / 2);
    this.#other = half(bufferBytes / 2);
  }

  /**
   * Makes the file, in place of one that is there.
   *
   * @throws TunError `SYSCALL` naming the path.
   */
  static async open(path: string, options: PcapngOptions = {}): Promise<PcapngWriter> {
    const { interfaceName = 'tun', bufferBytes = DEFAULT_BUFFER_BYTES } = options;
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'w');
      await file.write(fileHeader(interfaceName));
    } catch (cause) {
      await file?.close();
      throw diskError(path, cause);
    }
    return new PcapngWriter(path, file, bufferBytes);
  }

  get statistics(): PcapngStatistics {
    return { packets: this.#packets, dropped: this.#dropped };
  }

  /**
   * Records the packets of the bundle in the first `length` bytes of `bytes`, as a `Device` gave it or
   * took it; it is not kept. `outbound`: the host sent them. Does not wait and does not throw.
   */
  record(bytes: Uint8Array, length: number, outbound: boolean): void {
    if (this.#from?.matches(bytes) !== true) this.#from = new CopyArea(bytes);
    const flag = outbound ? PacketFlag.OUTBOUND : PacketFlag.INBOUND;
    const now = Math.round((performance.timeOrigin + performance.now()) * US_PER_MS);
    const { area, view } = this.#filling;
    for (let offset = 0; offset < length; ) {
      const size = readSizeWord(bytes, offset, HOST_LITTLE_ENDIAN);
      const packet = offset + ENTRY_HEADER_BYTES;
      offset += entryBytes(size);
      const fits = this.#length + packetBlockBytes(size) <= area.bytes.length;
      if (!fits || this.#failure !== undefined || this.#closed !== undefined) {
        this.#dropped++;
        continue;
      }
      this.#length = writePacketBlock(
        area,
        view,
        this.#length,
        this.#from,
        packet,
        size,
        now,
        flag,
      );
      this.#packets++;
      this.#waiting++;
    }
    // Not without need: it would be over before it is noted.
    if (this.#length > 0) this.#writing ??= this.#write();
  }

  /**
   * Writes what waits, and closes the file. Safe to call twice.
   *
   * @throws TunError `SYSCALL` when the disk failed, now or before; the file is closed then as well.
   */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    await this.#file.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes until nothing waits. Never rejects. */
  async #write(): Promise<void> {
    while (this.#length > 0) {
      const full = this.#filling;
      const length = this.#length;
      const packets = this.#waiting;
      this.#filling = this.#other;
      this.#other = full;
      this.#length = 0;
      this.#waiting = 0;
      await this.#writeWhole(full.area.bytes, length).catch((cause: unknown) => {
        this.#failure ??= diskError(this.#path, cause);
        this.#packets -= packets;
        this.#dropped += packets;
      });
    }
    this.#writing = undefined;
  }

  async #writeWhole(bytes: Uint8Array, length: number): Promise<void> {
    for (let at = 0; at < length; ) {
      const { bytesWritten } = await this.#file.write(bytes, at, length - at);
      at += bytesWritten;
    }
  }
}

function half(bytes: number): Half {
  const area = new CopyArea(new Uint8Array(Math.floor(bytes)));
  return { area, view: new DataView(area.bytes.buffer) };
}

function diskError(path: string, cause: unknown): TunError {
  const { message, syscall, errno } = cause as NodeJS.ErrnoException;
  return new TunError(
    TunErrorCode.SYSCALL,
    `the capture file ${path} cannot be written: ${message}; give a path where there is room and you may write`,
    { cause, syscall, errno: Math.abs(errno ?? 0) },
  );
}
