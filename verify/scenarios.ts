/** All scenarios, shortest first. Each is a module of `scenarios/`. */

export const SCENARIOS: readonly string[] = [
  'fill-pause',
  'fill-close',
  'fill-power',
  'write-pause',
  'write-power',
  'read-pause',
  'read-pause-restart',
  'read-fill',
  'two-readers',
  'two-readers-send',
  'two-readers-fill',
  'remainder-two-readers',
  'remainder-pause',
  'unusable-pause',
  'full-queue',
  'listening-fill',
  'fill-pause-read',
  'write-fill-pause',
  'open-close',
  'close-close-fill',
  'pause-pause',
  'pause-restart-fill',
  'pause-power-read',
  'restart-send',
  'halt-read',
  'halt-write',
  'halt-close',
  'halt-restart',
  'halt-fill-read',
  'shutdown-read-fill',
  'cancel-fill-read',
  'early-timeout',
  'filler-dies',
  'reader-dies',
  'writer-dies',
  'pauser-dies',
  'closer-dies',
  'dies-in-halt',
  'four',
];

/** The module of a scenario. */
export function scenarioUrl(name: string): string {
  return new URL(`./scenarios/${name}.js`, import.meta.url).href;
}
