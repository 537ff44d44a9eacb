/** Every cell of the table in docs/states.md: state x call x result. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adapter, BundleWriter, type Device, isTunError } from 'typetun';
import type { MemoryHost } from 'typetun/testing';
import { ParticipantWord, participantIndex } from '#dist/sync/layout.js';
import { memoryAdapter } from '../../support/memory-adapter.ts';
import { packet, turns } from '../../support/packets.ts';

interface Subject {
  readonly adapter: Adapter;
  readonly host: MemoryHost;
  /** A handle opened while Running. */
  readonly device: Device;
}

type Situation = 'Running' | 'Pausing' | 'Paused' | 'LowPower' | 'Halting' | 'Halted' | 'Shutdown';
const SITUATIONS: readonly Situation[] = [
  'Running',
  'Pausing',
  'Paused',
  'LowPower',
  'Halting',
  'Halted',
  'Shutdown',
];

/** Brings an adapter into the situation, runs the check in it, and cleans up. */
async function inSituation(
  situation: Situation,
  check: (subject: Subject) => Promise<void>,
): Promise<void> {
  const { adapter, host } = await memoryAdapter();
  const device = adapter.openDevice();
  const subject = { adapter, host, device };
  if (situation === 'Pausing') {
    await whilePausing(subject, check);
  } else if (situation === 'Halting') {
    await whileHalting(subject, check);
  } else {
    if (situation === 'Paused') await adapter.pause();
    if (situation === 'LowPower') await adapter.setPower('D3');
    if (situation === 'Halted') await adapter.close();
    if (situation === 'Shutdown') adapter.shutdown();
    await check(subject);
  }
  await adapter.close();
}

/** Pausing lasts as long as another thread has packets in its hand: here one that stands still. */
async function whilePausing(
  subject: Subject,
  check: (subject: Subject) => Promise<void>,
): Promise<void> {
  const { token } = subject.adapter.share();
  const other = await Adapter.attach(token);
  const words = new Int32Array(token.memory);
  const hand = participantIndex(token.participant, ParticipantWord.HAND);
  Atomics.store(words, hand, 1);
  const pausing = subject.adapter.pause();
  assert.equal(subject.adapter.state, 'Pausing');
  const checked = check(subject);
  await turns();
  Atomics.store(words, hand, 0);
  await other.close();
  await checked;
  await pausing;
}

/** Halting shows in its event. */
async function whileHalting(
  subject: Subject,
  check: (subject: Subject) => Promise<void>,
): Promise<void> {
  let checked: Promise<void> | undefined;
  subject.adapter.on('state', (state) => {
    if (state === 'Halted') assert.ok(checked !== undefined);
    // The handles are forced closed right after the event, so look a microtask later.
    if (state === 'Halting') checked = Promise.resolve().then(() => check(subject));
  });
  await subject.adapter.close();
  assert.ok(checked !== undefined, 'Halting never came');
  await checked;
}

function bundle(): Uint8Array {
  const writer = new BundleWriter(new Uint8Array(1024));
  writer.append(packet(1));
  return writer.finish();
}

async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    const value = await promise;
    return typeof value === 'number' ? String(value) : 'done';
  } catch (error) {
    return isTunError(error) ? error.code : String(error);
  }
}

/** `waits` when the promise is unsettled after a few turns. */
async function waits(promise: Promise<unknown>): Promise<string> {
  const result = await Promise.race([outcome(promise), turns(4).then(() => 'waits')]);
  promise.catch(() => undefined);
  return result;
}

function now(call: () => unknown): string {
  try {
    const value = call();
    return value === null ? 'null' : typeof value === 'number' ? String(value) : 'done';
  } catch (error) {
    return isTunError(error) ? error.code : String(error);
  }
}

const DELETE = 'ERR_TUN_DELETE_PENDING';
const FORCED = 'ERR_TUN_FORCED_CLOSED';
const INVALID_STATE = 'ERR_TUN_INVALID_STATE';
const INVALID_BUNDLE = 'ERR_TUN_BUNDLE_INVALID';

type Row = readonly [
  call: string,
  run: (subject: Subject) => Promise<string>,
  expected: Readonly<Record<Situation, string>>,
];

function expected(
  running: string,
  pausing: string,
  paused: string,
  lowPower: string,
  absent: string,
  shutdown = absent,
): Readonly<Record<Situation, string>> {
  return {
    Running: running,
    Pausing: pausing,
    Paused: paused,
    LowPower: lowPower,
    Halting: absent,
    Halted: absent,
    Shutdown: shutdown,
  };
}

const ROWS: readonly Row[] = [
  [
    'openDevice()',
    async ({ adapter }) => now(() => adapter.openDevice()),
    expected('done', 'done', 'done', 'done', DELETE),
  ],
  [
    'device.read()',
    ({ device }) => waits(device.read()),
    expected('waits', 'waits', 'waits', 'waits', FORCED),
  ],
  [
    'device.readSync()',
    async ({ device }) => now(() => device.readSync(undefined, { timeoutMs: 5 })),
    expected('null', 'null', 'null', 'null', FORCED),
  ],
  [
    'device.write()',
    ({ device }) => outcome(device.write(bundle())),
    expected('1', '0', '0', '0', FORCED),
  ],
  [
    'an invalid bundle',
    ({ device }) => outcome(device.write(new Uint8Array(15))),
    expected(INVALID_BUNDLE, INVALID_BUNDLE, INVALID_BUNDLE, INVALID_BUNDLE, FORCED),
  ],
  [
    'pause()',
    async ({ adapter }) => `${await outcome(adapter.pause())} ${adapter.state}`,
    {
      ...expected('done Paused', 'done Paused', 'done Paused', 'done Paused', ''),
      Halting: `${INVALID_STATE} Halted`,
      Halted: `${INVALID_STATE} Halted`,
      Shutdown: `${INVALID_STATE} Shutdown`,
    },
  ],
  [
    'restart()',
    async ({ adapter }) => `${await outcome(adapter.restart())} ${adapter.state}`,
    {
      ...expected('done Running', 'done Running', 'done Running', 'done Running', ''),
      Halting: `${INVALID_STATE} Halted`,
      Halted: `${INVALID_STATE} Halted`,
      Shutdown: `${INVALID_STATE} Shutdown`,
    },
  ],
  [
    'setPower(D2)',
    async ({ adapter }) => `${await outcome(adapter.setPower('D2'))} ${adapter.power}`,
    {
      ...expected('done D2', 'done D2', 'done D2', 'done D2', ''),
      Halting: `${INVALID_STATE} Unspecified`,
      Halted: `${INVALID_STATE} Unspecified`,
      Shutdown: `${INVALID_STATE} D0`,
    },
  ],
  [
    'removalQuery()',
    async ({ adapter }) => `${await outcome(adapter.removalQuery())} ${adapter.state}`,
    {
      ...expected('done Paused', 'done Paused', 'done Paused', 'done Paused', ''),
      Halting: `${INVALID_STATE} Halted`,
      Halted: `${INVALID_STATE} Halted`,
      Shutdown: `${INVALID_STATE} Shutdown`,
    },
  ],
  [
    'configure()',
    ({ adapter }) => outcome(adapter.configure({ mtu: 1400 })),
    expected('done', 'done', 'done', 'done', FORCED),
  ],
  [
    'shutdown()',
    async ({ adapter }) => `${now(() => adapter.shutdown())} ${adapter.state}`,
    expected('done Shutdown', 'done Shutdown', 'done Shutdown', 'done Shutdown', 'done Shutdown'),
  ],
  [
    'close()',
    async ({ adapter }) => `${await outcome(adapter.close())} ${adapter.state}`,
    expected(
      'done Halted',
      'done Halted',
      'done Halted',
      'done Halted',
      'done Halted',
      'done Shutdown',
    ),
  ],
];

for (const [call, run, results] of ROWS) {
  for (const situation of SITUATIONS) {
    test(`${call} while ${situation}: ${results[situation]}`, async () => {
      await inSituation(situation, async (subject) => {
        assert.equal(await run(subject), results[situation]);
      });
    });
  }
}

const DROPPED: Readonly<Partial<Record<Situation, 'paused' | 'lowPower'>>> = {
  Pausing: 'paused',
  Paused: 'paused',
  LowPower: 'lowPower',
};

for (const [situation, reason] of Object.entries(DROPPED)) {
  test(`a packet from the host while ${situation} is dropped and counted as ${reason}`, async () => {
    await inSituation(situation as Situation, async ({ adapter, host }) => {
      host.send(packet(1));
      await turns(4);
      assert.equal(adapter.statistics.drops[reason], 1);
      assert.equal(adapter.statistics.queued.packets, 0);
    });
  });
}
