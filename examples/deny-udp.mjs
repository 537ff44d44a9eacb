/**
 * A policy for `typetun run`: everything may pass but UDP, and pings are slow.
 *
 *   typetun run --policy examples/deny-udp.mjs -- ping -c 3 10.7.0.2
 *
 * `flow` is called once for each new flow and decides for both of its directions. What can be answered is
 * in the types `Flow` and `FlowVerdict` of typetun/run.
 */

const SLOW_MS = 20;

/** @type {NonNullable<import('typetun/run').Policy['flow']>} */
export function flow({ protocol }) {
  if (protocol === 'udp') return 'drop';
  return protocol === 'icmp' ? { delayMs: SLOW_MS } : 'allow';
}
