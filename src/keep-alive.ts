/**
 * Keeps the event loop alive while somebody waits for packets, or for another process. Readiness watches
 * never do, so this is the one place: a single far-off timer for all of the thread, not one each.
 */

/** Any interval works: the timer exists, it is not meant to fire. The longest Node takes, in ms. */
const FAR_OFF_MS = 2 ** 31 - 1;

let holders = 0;
let timer: NodeJS.Timeout | undefined;

/** Adds a reason to stay alive. Each must be given back once by {@link releaseLoop}. */
export function holdLoop(): void {
  holders++;
  timer ??= setInterval(() => undefined, FAR_OFF_MS);
}

/** Takes back one {@link holdLoop}. */
export function releaseLoop(): void {
  holders--;
  if (holders > 0 || timer === undefined) return;
  clearInterval(timer);
  timer = undefined;
}
