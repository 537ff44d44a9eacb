/** Where the bytes of a capture go: a file (file-sink.ts), or a stream of Node's or of the Web. */

import type { Writable } from 'node:stream';
import type { WritableStream } from 'node:stream/web';
import { TunError, TunErrorCode } from '../errors.ts';

/** One at a time: nothing is asked of it before it has answered. */
export interface ByteSink {
  /** Resolves when all of it is written, or will be, and the bytes may be reused. Rejects with a TunError. */
  write(bytes: Uint8Array, length: number): Promise<void>;
  /** Writes `trailer`, unless a write failed, and releases what it has. Rejects as {@link write}. */
  close(trailer: Uint8Array): Promise<void>;
}

/** What a capture can be written to. */
export type CaptureTarget = Writable | WritableStream<Uint8Array>;

/**
 * A sink that begins with `header`. `end`: whether closing it ends the stream.
 *
 * @throws TypeError for anything else than a stream that can be written.
 */
export function streamSink(target: CaptureTarget, header: Uint8Array, end: boolean): ByteSink {
  const kind: { write?: unknown; getWriter?: unknown } = target;
  if (typeof kind?.getWriter === 'function') {
    return new WebSink(target as WritableStream<Uint8Array>, header, end);
  }
  if (typeof kind?.write === 'function') return new NodeSink(target as Writable, header, end);
  throw new TypeError(
    `a capture is written to a Writable of node:stream or a WritableStream, not to ${target === null ? 'null' : typeof target}`,
  );
}

/** Why a capture cannot go on. `what` is where it was written to, `remedy` what to do. */
export function sinkError(what: string, cause: unknown, remedy: string): TunError {
  const { message, syscall, errno } = cause as NodeJS.ErrnoException;
  return new TunError(
    TunErrorCode.SYSCALL,
    `${what} cannot be written: ${message ?? String(cause)}; ${remedy}`,
    { cause, syscall, errno: errno === undefined ? undefined : Math.abs(errno) },
  );
}

const WHAT = 'the stream of the capture';
const REMEDY = 'give one whose reader takes all of it';

class NodeSink implements ByteSink {
  readonly #stream: Writable;
  readonly #end: boolean;
  #header: Uint8Array | undefined;
  #failure: unknown;
  /** Heard once more than is needed: without a listener an error ends the process. */
  readonly #onError = (error: unknown): void => {
    this.#failure ??= error;
    this.#rejectWrite(error);
  };
  /** A stream that is destroyed in the middle of a write may never answer it. */
  readonly #onClose = (): void => this.#onError(new Error('it was closed'));
  #rejectWrite: (error: unknown) => void = () => undefined;

  constructor(stream: Writable, header: Uint8Array, end: boolean) {
    this.#stream = stream;
    this.#header = header;
    this.#end = end;
    stream.on('error', this.#onError);
    stream.on('close', this.#onClose);
  }

  async write(bytes: Uint8Array, length: number): Promise<void> {
    const header = this.#header;
    this.#header = undefined;
    if (header !== undefined) await this.#put(header);
    // A copy: what reads the stream may keep it.
    if (length > 0) await this.#put(bytes.slice(0, length));
  }

  async close(trailer: Uint8Array): Promise<void> {
    try {
      if (this.#failure !== undefined) return;
      await this.write(trailer, trailer.length);
      if (this.#end) await new Promise<void>((resolve) => this.#stream.end(() => resolve()));
    } finally {
      this.#stream.off('close', this.#onClose);
      // An error may still come, in the turn after the write that failed.
      setImmediate(() => this.#stream.off('error', this.#onError));
    }
  }

  #put(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown): void => {
        this.#failure ??= error;
        reject(sinkError(WHAT, error, REMEDY));
      };
      this.#rejectWrite = failed;
      if (this.#failure !== undefined) failed(this.#failure);
      else
        this.#stream.write(chunk, (error) => {
          if (error) failed(error);
          else resolve();
        });
    });
  }
}

class WebSink implements ByteSink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #end: boolean;
  #header: Uint8Array | undefined;
  #failed = false;

  constructor(stream: WritableStream<Uint8Array>, header: Uint8Array, end: boolean) {
    this.#writer = stream.getWriter();
    this.#header = header;
    this.#end = end;
    this.#writer.closed.catch(() => undefined);
    this.#writer.ready.catch(() => undefined);
  }

  async write(bytes: Uint8Array, length: number): Promise<void> {
    const header = this.#header;
    this.#header = undefined;
    if (header !== undefined) await this.#put(header);
    if (length > 0) await this.#put(bytes.slice(0, length));
  }

  async close(trailer: Uint8Array): Promise<void> {
    if (this.#failed) return;
    await this.write(trailer, trailer.length);
    if (this.#end) await this.#writer.close();
    else this.#writer.releaseLock();
  }

  async #put(chunk: Uint8Array): Promise<void> {
    try {
      await this.#writer.ready;
      await this.#writer.write(chunk);
    } catch (cause) {
      this.#failed = true;
      throw sinkError(WHAT, cause, REMEDY);
    }
  }
}
