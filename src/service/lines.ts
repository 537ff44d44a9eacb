/** Lines out of what a socket gives. */

/** `\n` */
const LINE_END = 10;

/** Cuts a stream of bytes into lines of UTF-8, each at most `maxBytes` long. Holds back at most one. */
export class LineReader {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a line has begun and not ended. */
  get isPartial(): boolean {
    return this.#held > 0;
  }

  /**
   * The lines that end in `chunk`, without their ends; undefined when one is longer than they may be, and
   * then nothing more is to be made of the stream. `chunk` is kept until its last line has ended.
   */
  push(chunk: Buffer): string[] | undefined {
    const lines: string[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_END, from);
      const part = chunk.subarray(from, end < 0 ? chunk.length : end);
      if (this.#held + part.length > this.#maxBytes) return undefined;
      if (end < 0) {
        if (part.length > 0) this.#parts.push(part);
        this.#held += part.length;
        return lines;
      }
      lines.push(Buffer.concat([...this.#parts, part]).toString('utf8'));
      this.#parts = [];
      this.#held = 0;
      from = end + 1;
    }
  }
}
