/** A host as it might be met, for views of it. */

import { ScriptedControl } from './scripted-control.ts';

/** What is about to happen to a quarter of an adapter's traffic: waves of several lengths, the same each time. */
function waves(base: number, swing: number): (seconds: number) => number {
  return (seconds) =>
    base +
    swing *
      (0.55 * Math.sin(seconds / 9) +
        0.3 * Math.sin(seconds / 3.7) +
        0.15 * Math.sin(seconds * 1.9));
}

const CLIENT = { bundlesRead: 0, bundlesWritten: 0, gid: 1000 };

/** Three adapters: one busy, one paused, one whose descriptor a client has. */
export function exampleHost(): ScriptedControl {
  return new ScriptedControl(
    [
      {
        name: 'wg-office',
        addresses: ['10.7.0.1/24', 'fd07::1/64'],
        out: waves(52_000, 26_000),
        in: waves(31_000, 19_000),
        drops: { queueFull: 18_204, paused: 2310, notOpen: 96, oversize: 3 },
        hostDrops: 412,
        clients: [
          {
            ...CLIENT,
            id: 3,
            pid: 2217,
            uid: 1000,
            name: 'vpn-client',
            role: 'packets',
            packetsRead: 6_120_442,
            packetsWritten: 3_771_004,
            waitingReads: 1,
          },
          {
            ...CLIENT,
            id: 9,
            pid: 3040,
            uid: 1000,
            name: 'probe.py',
            role: 'packets',
            packetsRead: 1204,
            packetsWritten: 1204,
            waitingReads: 2,
          },
        ],
      },
      { name: 'lab-bench', addresses: ['10.8.0.1/24'], out: waves(900, 500), in: waves(700, 300) },
      {
        name: 'fast-path',
        addresses: ['10.9.0.1/24', 'fd09::1/64'],
        out: waves(310_000, 90_000),
        in: waves(290_000, 80_000),
        lent: true,
        clients: [
          {
            ...CLIENT,
            id: 4,
            pid: 2290,
            uid: 1001,
            name: 'forwarder',
            role: 'descriptor',
            packetsRead: 0,
            packetsWritten: 0,
            waitingReads: 0,
          },
        ],
      },
    ],
    1,
  );
}
