/**
 * What waits between the packet path and a slow sink: two halves of memory, of which one is filled while the
 * other is written. The packet path never waits: what has no room is its caller's to drop and to count.
 */

import { CopyArea } from '../copy.ts';
import type { TunError } from '../errors.ts';
import type { ByteSink } from './sink.ts';

/** One half of the buffer. */
interface Half {
  readonly area: CopyArea;
  readonly view: DataView;
}

export class Spool {
  readonly #sink: ByteSink;
  /** Told that a write failed, and of how many packets the sink does not have. Once. */
  readonly #onFailure: (failure: TunError, lost: number) => void;
  #filling: Half;
  #other: Half;
  #length = 0;
  /** Packets in the half that is filled. */
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #failure: TunError | undefined;

  constructor(sink: ByteSink, bytes: number, onFailure: (failure: TunError, lost: number) => void) {
    this.#sink = sink;
    this.#onFailure = onFailure;
    this.#filling = half(bytes / 2);
    this.#other = half(bytes / 2);
  }

  /** What is filled: from {@link length} on. */
  get area(): CopyArea {
    return this.#filling.area;
  }

  get view(): DataView {
    return this.#filling.view;
  }

  get length(): number {
    return this.#length;
  }

  /** Whether there is room for `bytes` more, and a sink that takes them. */
  takes(bytes: number): boolean {
    return this.#failure === undefined && this.#length + bytes <= this.#filling.area.bytes.length;
  }

  /** A packet was written, up to `end`. {@link flush} is to be called before long. */
  add(end: number): void {
    this.#length = end;
    this.#waiting++;
  }

  /** Hands what waits to the sink, when that is free, and then what has come meanwhile. */
  flush(): void {
    // Not without need: it would be over before it is noted.
    if (this.#length > 0) this.#writing ??= this.#write();
  }

  /** Lets the sink write what it begins with. */
  begin(): void {
    this.#writing ??= this.#write(true);
  }

  /** Resolves when the sink has everything, or failed. No other packet may be added meanwhile. */
  async drained(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Writes until nothing waits. Never rejects. */
  async #write(empty = false): Promise<void> {
    for (let first = empty; first || this.#length > 0; first = false) {
      const full = this.#filling;
      const length = this.#length;
      const packets = this.#waiting;
      this.#filling = this.#other;
      this.#other = full;
      this.#length = 0;
      this.#waiting = 0;
      try {
        await this.#sink.write(full.area.bytes, length);
      } catch (error) {
        this.#fail(error as TunError, packets);
      }
    }
    this.#writing = undefined;
  }

  /** What was written last is lost, and what has come meanwhile. */
  #fail(failure: TunError, packets: number): void {
    this.#failure = failure;
    const lost = packets + this.#waiting;
    this.#length = 0;
    this.#waiting = 0;
    this.#onFailure(failure, lost);
  }
}

function half(bytes: number): Half {
  const area = new CopyArea(new Uint8Array(Math.floor(bytes)));
  return { area, view: new DataView(area.bytes.buffer) };
}
