/** The order in which packets are delivered. */

import type { Environment } from '../engine/scenario.ts';
import { LogWord, MAX_PACKETS } from './model-memory.ts';

/**
 * The host's order of each flow is that of the sequence numbers, among packets that readers of one lane
 * got. What readers of different lanes got is in the order in which they got it: when a lane is closed, its
 * flows go on behind what its readers had. Not when one is opened: what is on its way then is the other's.
 */
export function checkOrder(env: Environment, log: Int32Array): void {
  const opened = log[LogWord.OPENED] !== 0;
  for (let later = 0; later < MAX_PACKETS; later++) {
    for (let packet = 0; packet < later; packet++) {
      if (!isPair(log, packet, later)) continue;
      const oneLane = log[LogWord.LANES + packet] === log[LogWord.LANES + later];
      if (!oneLane && opened) continue;
      const at = oneLane ? LogWord.SEQUENCES : LogWord.STAMPS;
      if (log[at + packet]! < log[at + later]!) continue;
      env.violated('R3', `packet ${later} is delivered out of order`);
    }
  }
}

/** Whether both are of one flow, and were delivered. */
function isPair(log: Int32Array, packet: number, later: number): boolean {
  if (log[LogWord.FLOWS + packet] !== log[LogWord.FLOWS + later]) return false;
  return log[LogWord.SEQUENCES + packet] !== 0 && log[LogWord.SEQUENCES + later] !== 0;
}
