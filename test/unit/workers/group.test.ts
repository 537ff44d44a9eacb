/** Functions of packets over worker threads, on in-process links. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Adapter,
  isTunError,
  startWorkers,
  TunErrorCode,
  type WorkerGroup,
  type WorkersOptions,
} from 'typetun';
import { until } from '../../support/link-use.ts';
import { type MemoryAdapter, memoryAdapter } from '../../support/memory-adapter.ts';
import { numberOf, packet } from '../../support/packets.ts';

const MODULE = new URL('../../support/handler-modules.js', import.meta.url);

/** The numbers of the packets that the host gets, in a list that grows. */
function arrivals({ host }: MemoryAdapter): number[] {
  const numbers: number[] = [];
  host.onPacket((bytes) => numbers.push(numberOf(bytes)));
  return numbers;
}

function start(
  subjects: readonly MemoryAdapter[],
  program: string,
  data: object = {},
  workers = 1,
): Promise<WorkerGroup> {
  const adapters = subjects.map(({ adapter }) => adapter);
  return startWorkers({ adapters, workers, module: MODULE, data: { program, ...data } });
}

/** Nobody but the owner is left on it. */
async function leftAlone({ adapter }: MemoryAdapter): Promise<void> {
  await until(() => adapter.openHandles === 0);
  assert.equal(adapter.state, 'Running');
}

test('without a module two adapters are joined, in both directions', async () => {
  await using left = await memoryAdapter();
  await using right = await memoryAdapter();
  const [atLeft, atRight] = [arrivals(left), arrivals(right)];
  await using group = await startWorkers({ adapters: [left.adapter, right.adapter], workers: 2 });
  assert.equal(group.workers, 2);
  for (let i = 0; i < 100; i++) {
    left.host.send(packet(i));
    right.host.send(packet(1000 + i));
  }
  await until(() => atLeft.length === 100 && atRight.length === 100);
  assert.deepEqual(new Set(atRight), new Set(Array.from({ length: 100 }, (_, i) => i)));
  assert.deepEqual(new Set(atLeft), new Set(Array.from({ length: 100 }, (_, i) => 1000 + i)));
});

test('with one adapter everything goes back to it', async () => {
  await using subject = await memoryAdapter();
  await using group = await startWorkers({ adapters: [subject.adapter] });
  assert.equal(group.workers, 1, 'as many as there are queues');
  const seen = arrivals(subject);
  for (const number of [1, 2, 3]) subject.host.send(packet(number));
  await until(() => seen.length === 3);
  assert.deepEqual(seen, [1, 2, 3]);
});

test('a packet function answers with what it changed', async () => {
  await using subject = await memoryAdapter();
  await using _group = await start([subject], 'reflect');
  const { received } = await subject.host.ping('10.7.0.2', { timeoutMs: 5000 });
  assert.ok(received);
});

describe('each packet goes where the function says, in order', () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ['all to one', [1]],
    ['one adapter and drops', [0, -1, -1]],
    ['drops at the front', [-1, -1, 1, 1, 1]],
    ['all dropped but the last', [-1, -1, -1, -1, -1, -1, -1, -1, -1, 2]],
    ['three adapters', [0, 1, 2]],
    ['three adapters and drops, by runs', [2, 2, 0, -1, -1, 0, 1, 1, 1, 2]],
  ];
  for (const [name, to] of cases) {
    test(name, async () => {
      await using first = await memoryAdapter();
      await using second = await memoryAdapter();
      await using third = await memoryAdapter();
      const subjects = [first, second, third];
      const seen = subjects.map(arrivals);
      await using _group = await start(subjects, 'deal', { to });
      const total = 120;
      for (let i = 0; i < total; i++) first.host.send(packet(i, 64 + (i % 37)));
      const numbers = Array.from({ length: total }, (_, i) => i);
      const expected = subjects.map((_, index) =>
        numbers.filter((i) => to[i % to.length] === index),
      );
      await until(() => seen.every((list, index) => list.length === expected[index]!.length));
      assert.deepEqual(seen, expected);
      assert.equal(first.adapter.statistics.bundles.packetsRead, total);
    });
  }
});

test('closing lets a thread finish the bundle it has', async () => {
  await using left = await memoryAdapter();
  await using right = await memoryAdapter();
  const atRight = arrivals(right);
  const group = await start([left, right], 'slow', { ms: 200 });
  left.host.send(packet(5));
  await until(() => left.adapter.statistics.bundles.packetsRead === 1);
  await group.close();
  assert.deepEqual(atRight, [5]);
  await group.done;
  await group.close();
  await leftAlone(left);
  await leftAlone(right);
});

test('closing ends a thread that does not let go', async () => {
  await using subject = await memoryAdapter();
  const group = await start([subject], 'hang');
  subject.host.send(packet(1));
  await until(() => subject.adapter.statistics.bundles.packetsRead === 1);
  await group.close();
  await group.done;
  await leftAlone(subject);
});

test('a group ends when one of its adapters is closed, and leaves the other', async () => {
  await using left = await memoryAdapter();
  await using right = await memoryAdapter();
  const group = await startWorkers({ adapters: [left.adapter, right.adapter], workers: 2 });
  await right.adapter.close();
  await group.done;
  await leftAlone(left);
});

test('a group says when its adapter was removed under it', async () => {
  const { adapter, host } = await memoryAdapter();
  const group = await startWorkers({ adapters: [adapter], workers: 2 });
  host.removeDevice();
  await assert.rejects(group.done, { code: TunErrorCode.ADAPTER_REMOVED });
  await group.close();
  await adapter.close();
});

for (const [program, message] of [
  ['fail', /this handler fails/],
  ['exitLater', /ended by itself, with status 3/],
] as const) {
  test(`what ends one thread ends the group, and is told: ${program}`, async () => {
    await using subject = await memoryAdapter();
    const group = await start([subject], program, {}, 3);
    subject.host.send(packet(1));
    await assert.rejects(group.done, message);
    await group.close();
    await leftAlone(subject);
  });
}

for (const [program, message] of [
  ['failToStart', /this module does not start/],
  ['exit', /ended by itself, with status 0/],
  ['notAFunction', /handler-modules\.js returned number; return a function/],
  ['unknown', TypeError],
] as const) {
  test(`what keeps one thread from starting leaves none: ${program}`, async () => {
    await using subject = await memoryAdapter();
    await assert.rejects(start([subject], program, {}, 3), message);
    await leftAlone(subject);
  });
}

test('a module without such an export, or that is not there, is named', async () => {
  await using subject = await memoryAdapter();
  const adapters = [subject.adapter];
  const other = new URL('../../support/packets.js', import.meta.url);
  await assert.rejects(
    startWorkers({ adapters, workers: 1, module: other }),
    /packets\.js exports no function named main/,
  );
  const missing = new URL('./missing.js', import.meta.url);
  await assert.rejects(startWorkers({ adapters, workers: 1, module: missing }), /missing\.js/);
  await leftAlone(subject);
});

test('what cannot be copied is refused, and no place is lost by it', async () => {
  await using subject = await memoryAdapter();
  for (let i = 0; i < 70; i++) {
    await assert.rejects(start([subject], 'reflect', { data: () => 1 }), /could not be cloned/);
    // The owner hears of the closed ports by events.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await using _group = await start([subject], 'reflect');
});

test('an adapter that is closed is refused, and the others get their places back', async () => {
  await using open = await memoryAdapter();
  const closed = await memoryAdapter();
  await closed.adapter.close();
  const adapters = [open.adapter, closed.adapter];
  for (let i = 0; i < 70; i++) {
    await assert.rejects(
      startWorkers({ adapters, workers: 1 }),
      (error) => isTunError(error) && error.code === TunErrorCode.FORCED_CLOSED,
    );
    await new Promise((resolve) => setImmediate(resolve));
  }
  await using _group = await start([open], 'reflect');
});

test('wrong options are named', async () => {
  await using subject = await memoryAdapter();
  const adapters = [subject.adapter];
  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ adapters: [] }, /no array of adapters/],
    [{ adapters: subject.adapter }, /no array of adapters/],
    [{ adapters: [subject.adapter, {}] }, /no adapter/],
    [{ adapters: [null] }, /no adapter/],
    [{ adapters, workers: 0 }, /workers is 0; give a whole number from 1 to 16/],
    [{ adapters, workers: 1.5 }, /workers is 1\.5/],
    [{ adapters, workers: 17 }, /workers is 17/],
    [{ adapters, workers: '2' }, /workers is 2/],
    [{ adapters, module: './filter.js' }, /no absolute URL/],
    [{ adapters, module: {} }, /no absolute URL/],
    [{ adapters: [subject.adapter, subject.adapter, subject.adapter] }, /3 adapters and no module/],
  ];
  for (const [options, message] of wrong) {
    await assert.rejects(startWorkers(options as unknown as WorkersOptions), message);
  }
  await assert.rejects(startWorkers(undefined as unknown as WorkersOptions), /options/);
  const number: Adapter = 7 as unknown as Adapter;
  await assert.rejects(startWorkers({ adapters: [number] }), /no adapter/);
});
