/**
 * A session of a Wintun adapter: its two rings, and the events by which arrivals are known. While there
 * is one, Windows sees the medium connected; without, disconnected: that is what `up` means here.
 */

import { TunError, TunErrorCode } from '../../errors.ts';
import { createEvent, kernel32, WinError, winError, winErrorName } from '../../os/win32.ts';
import type { Wintun } from './wintun.ts';

/** `GetCurrentProcess()`: a pseudo-handle (processthreadsapi.h). */
const THIS_PROCESS = -1;
/** `DUPLICATE_SAME_ACCESS` (winnt.h). */
const DUPLICATE_SAME_ACCESS = 2;

export class Session {
  readonly wintun: Wintun;
  readonly ringBytes: number;
  /** A manual-reset event: set while packets may be there. {@link Session.signal} says it for the first time. */
  readonly ready: number;
  readonly #adapter: number;
  /** Handles of our own for the read events; the last is the present session's, for the others somebody may still wait. */
  #signals: number[] = [];
  #handle = 0;
  #gone = false;

  /** The adapter stays the caller's. No session is begun yet. */
  constructor(wintun: Wintun, adapter: number, ringBytes: number) {
    this.wintun = wintun;
    this.#adapter = adapter;
    this.ringBytes = ringBytes;
    this.ready = createEvent(true);
  }

  /** The session, 0 while there is none. */
  get handle(): number {
    return this.#handle;
  }

  /** Whether Windows has taken the adapter away, or this was closed. */
  get gone(): boolean {
    return this.#gone;
  }

  /** The present session's read event, which resets itself when a wait ends with it; 0 without one. */
  get signal(): number {
    return this.#handle === 0 ? 0 : this.#signals.at(-1)!;
  }

  /** Nothing is taken or given any more. */
  markGone(): void {
    this.#gone = true;
    kernel32().setEvent(this.ready);
  }

  /**
   * Begins a session, if there is none.
   *
   * @throws TunError `SYSCALL`; `INVALID_STATE` when the adapter is in another program's hands.
   */
  begin(): void {
    if (this.#handle !== 0) return;
    const { startSession, endSession, getReadWaitEvent } = this.wintun;
    const handle = startSession(this.#adapter, this.ringBytes);
    if (handle === 0) throw sessionError(kernel32().getLastError(), this.ringBytes);
    try {
      this.#signals.push(duplicate(getReadWaitEvent(handle)));
    } catch (error) {
      endSession(handle);
      throw error;
    }
    this.#handle = handle;
    // Packets may be there that nobody has told of.
    kernel32().setEvent(this.ready);
  }

  /** Ends the session, if there is one, with what is in its rings. */
  end(): void {
    if (this.#handle === 0) return;
    const handle = this.#handle;
    this.#handle = 0;
    this.wintun.endSession(handle);
  }

  /** Closes the handles of read events that belong to no session any more and that nobody uses. */
  closeSignals(isUsed: (event: number) => boolean): void {
    const kept = this.#signals.filter((event) => event === this.signal || isUsed(event));
    const over = this.#signals.filter((event) => !kept.includes(event));
    this.#signals = kept;
    for (const event of over) kernel32().closeHandle(event);
  }

  /** Ends it all; nobody waits any more for the events. Once. */
  close(): void {
    this.#gone = true;
    this.end();
    for (const event of this.#signals) kernel32().closeHandle(event);
    kernel32().closeHandle(this.ready);
  }
}

function duplicate(event: number): number {
  const own = new BigUint64Array(1);
  const { duplicateHandle, getLastError } = kernel32();
  const done = duplicateHandle(THIS_PROCESS, event, THIS_PROCESS, own, 0, 0, DUPLICATE_SAME_ACCESS);
  if (done !== 0) return Number(own[0]);
  throw winError('DuplicateHandle', getLastError(), "watch the adapter's read event");
}

function sessionError(errno: number, ringBytes: number): TunError {
  const details = { syscall: 'WintunStartSession', errno };
  if (errno === WinError.ALREADY_INITIALIZED || errno === WinError.ALREADY_EXISTS) {
    return new TunError(
      TunErrorCode.INVALID_STATE,
      'another program has a session on this adapter; end it first, or give the adapter another name',
      details,
    );
  }
  return new TunError(
    TunErrorCode.SYSCALL,
    `wintun.dll began no session with rings of ${ringBytes} bytes: ${winErrorName(errno)}`,
    details,
  );
}
