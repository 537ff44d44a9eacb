/**
 * How much a race test or the transfer mix does: a small part of the full figures before each commit, all of them in
 * `npm run soak` and in .ci/run.
 */

const SMALL = 0.01;

/** `full` times the scale, at least 1. */
export function scaled(full: number): number {
  const scale = Number(process.env['TYPETUN_RACE_SCALE'] ?? SMALL);
  return Math.max(1, Math.round(full * scale));
}
