/** A capture file, or a row of them that each have at most so many bytes. */

import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { isTunError, type TunError } from '../errors.ts';
import { WORD_BYTES } from './pcapng-format.ts';
import { type ByteSink, sinkError } from './sink.ts';

/** How a file is framed, and how large it may get. */
export interface FileFrame {
  /** What each file begins with. */
  readonly header: Uint8Array;
  /** What a file ends with that another follows. */
  readonly trailer: () => Uint8Array;
  /** Bytes of a file, at most: room for header, trailer and the largest block. */
  readonly rotateBytes?: number | undefined;
}

export class FileSink implements ByteSink {
  readonly #path: string;
  readonly #frame: FileFrame;
  /** The file that is written, and how much of it is whole blocks. */
  #current: string;
  #file: FileHandle;
  #size: number;
  #files = 1;
  #failed = false;

  private constructor(path: string, frame: FileFrame, file: FileHandle) {
    this.#path = path;
    this.#current = path;
    this.#frame = frame;
    this.#file = file;
    this.#size = frame.header.length;
  }

  /**
   * Makes the file, in place of one that is there, with its header.
   *
   * @throws TunError `SYSCALL` naming the path.
   */
  static async open(path: string, frame: FileFrame): Promise<FileSink> {
    return new FileSink(path, frame, await create(path, frame.header));
  }

  async write(bytes: Uint8Array, length: number): Promise<void> {
    try {
      for (let at = 0; at < length; ) {
        const end = await this.#beginFor(bytes, at, length);
        await writeWhole(this.#file, bytes, at, end);
        this.#size += end - at;
        at = end;
      }
    } catch (cause) {
      this.#failed = true;
      // Without the block that is there in part: the file can be read up to there. A pipe has no length.
      await this.#file.truncate(this.#size).catch(() => undefined);
      throw diskError(this.#current, cause);
    }
  }

  /** Returns up to where the blocks from `from` on go into one file: this one, or another, when it is full. */
  async #beginFor(bytes: Uint8Array, from: number, to: number): Promise<number> {
    const { rotateBytes, header, trailer } = this.#frame;
    if (rotateBytes === undefined) return to;
    const trailing = trailer();
    const end = wholeBlocks(bytes, from, to, rotateBytes - this.#size - trailing.length);
    if (end > from) return end;
    await this.#next(trailing);
    const first = wholeBlocks(bytes, from, to, rotateBytes - header.length - trailing.length);
    // A block that is larger than a file may be has one of its own.
    return first > from ? first : from + blockBytes(bytes, from);
  }

  async close(trailer: Uint8Array): Promise<void> {
    try {
      if (!this.#failed) await writeWhole(this.#file, trailer, 0, trailer.length);
    } catch (cause) {
      await this.#file.truncate(this.#size).catch(() => undefined);
      throw diskError(this.#current, cause);
    } finally {
      await this.#file.close();
    }
  }

  /** Ends this file and begins another. */
  async #next(trailer: Uint8Array): Promise<void> {
    const { header } = this.#frame;
    await writeWhole(this.#file, trailer, 0, trailer.length);
    this.#size += trailer.length;
    const path = numbered(this.#path, this.#files);
    const next = await create(path, header);
    await this.#file.close();
    this.#file = next;
    this.#current = path;
    this.#size = header.length;
    this.#files++;
  }
}

/** `out.pcapng` becomes `out.1.pcapng`. */
function numbered(path: string, number: number): string {
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}.${number}${extension}`);
}

async function create(path: string, header: Uint8Array): Promise<FileHandle> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'w');
    await writeWhole(file, header, 0, header.length);
    return file;
  } catch (cause) {
    await file?.close();
    throw diskError(path, cause);
  }
}

/** Offset behind the blocks from `from` on that have at most `room` bytes together. */
function wholeBlocks(bytes: Uint8Array, from: number, to: number, room: number): number {
  let at = from;
  while (at < to) {
    const next = at + blockBytes(bytes, at);
    if (next - from > room) break;
    at = next;
  }
  return at;
}

function blockBytes(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(WORD_BYTES, true);
}

async function writeWhole(
  file: FileHandle,
  bytes: Uint8Array,
  from: number,
  to: number,
): Promise<void> {
  for (let at = from; at < to; ) {
    const { bytesWritten } = await file.write(bytes, at, to - at);
    at += bytesWritten;
  }
}

function diskError(path: string, cause: unknown): TunError {
  if (isTunError(cause)) return cause;
  return sinkError(
    `the capture file ${path}`,
    cause,
    'give a path where there is room and you may write',
  );
}
