/**
 * Sends numbered items with a bounded number of them under way and never twice. An item that has
 * not arrived when nothing at all has arrived for a while is lost.
 */

/** What became of the items. */
export interface WindowOutcome {
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
}

/** Nothing arriving for this long, in ms, means that what is under way is lost. */
const STALL_MS = 1000;
/** After this many such whiles in a row nothing gets through, and the rest is not even sent. */
const MAX_STALLS = 3;
const US_PER_MS = 1000;

export class SendWindow {
  readonly #total: number;
  readonly #window: number;
  readonly #send: (number: number) => void;
  readonly #signal: AbortSignal;
  readonly #underWay = new Map<number, number>();
  #sent = 0;
  #received = 0;
  #stalls = 0;
  #timer: NodeJS.Timeout | undefined;
  #resolve: ((outcome: WindowOutcome) => void) | undefined;

  /** `send` is called with 0, 1, ... `total - 1`, at most `window` ahead of what has arrived. */
  constructor(total: number, window: number, signal: AbortSignal, send: (number: number) => void) {
    this.#total = total;
    this.#window = window;
    this.#signal = signal;
    this.#send = send;
  }

  /** Sends everything; resolves when all has arrived or is given up. Rejects when aborted. */
  async run(): Promise<WindowOutcome> {
    let onAbort = (): void => undefined;
    const finished = new Promise<WindowOutcome>((resolve, reject) => {
      this.#resolve = resolve;
      onAbort = () => reject(this.#signal.reason);
      this.#signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      this.#signal.throwIfAborted();
      this.#fill();
      return await finished;
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
      clearTimeout(this.#timer);
    }
  }

  /** Item `number` has arrived. Returns microseconds since it was sent, undefined if not expected. */
  arrived(number: number): number | undefined {
    const sentAt = this.#underWay.get(number);
    if (sentAt === undefined) return undefined;
    const microseconds = (performance.now() - sentAt) * US_PER_MS;
    this.#underWay.delete(number);
    this.#received++;
    this.#stalls = 0;
    this.#fill();
    return microseconds;
  }

  #fill(): void {
    while (this.#underWay.size < this.#window && this.#sent < this.#total) {
      const number = this.#sent++;
      this.#underWay.set(number, performance.now());
      this.#send(number);
    }
    clearTimeout(this.#timer);
    if (this.#underWay.size > 0) this.#timer = setTimeout(() => this.#giveUp(), STALL_MS);
    else this.#finish();
  }

  #giveUp(): void {
    this.#underWay.clear();
    this.#stalls++;
    if (this.#stalls < MAX_STALLS) this.#fill();
    else this.#finish();
  }

  #finish(): void {
    const sent = this.#sent;
    this.#resolve?.({ sent, received: this.#received, lost: sent - this.#received });
  }
}
