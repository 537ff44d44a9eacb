import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataPath } from '#dist/adapter/data-path.js';
import { Requests } from '#dist/adapter/requests.js';
import type { TakeResult } from '#dist/link/link.js';
import { Counter } from '#dist/sync/layout.js';
import { packet, turns } from '../../support/packets.ts';
import { ScriptedLink } from '../../support/scripted-link.ts';

test('who hears of an ended transaction may close the handle whose read ended it', async () => {
  const link = new ScriptedLink(packet(1, 100));
  const shared = link.accept();
  const [first, second] = [{}, {}];
  const path = new DataPath(shared, link, () => requests.cancel(first));
  const requests = new Requests(shared, link, path, {
    owner: true,
    prefetch: false,
    linkClosed: () => undefined,
    changed: () => undefined,
  });
  requests.start();
  const outcomes: string[] = [];
  const read = (owner: object, name: string): void => {
    requests.read(owner, new Uint8Array(0xf000), undefined).then(
      ({ count }) => outcomes.push(`${name} ${count}`),
      () => outcomes.push(`${name} failed`),
    );
  };
  read(first, 'first');
  read(second, 'second');
  link.offer(1);
  link.arrive();
  await turns();
  assert.deepEqual(outcomes, ['first 1']);
  link.offer(2);
  link.arrive();
  await turns();
  assert.deepEqual(outcomes, ['first 1', 'second 2']);
});

/** Takes one packet at a time, and says whether it found the host empty behind it. */
class OneByOneLink extends ScriptedLink {
  takes = 0;
  emptied = false;

  override take(bytes: Uint8Array, offset: number, _max: number, result: TakeResult): number {
    this.takes++;
    const length = super.take(bytes, offset, 1, result);
    result.emptied = this.emptied;
    return length;
  }
}

for (const emptied of [true, false]) {
  test(`a packet that came alone puts the next look off only if the host was empty: ${emptied}`, async () => {
    const link = new OneByOneLink(packet(1, 100));
    const shared = link.accept();
    const path = new DataPath(shared, link, () => undefined);
    const requests = new Requests(shared, link, path, {
      owner: true,
      prefetch: false,
      linkClosed: () => undefined,
      changed: () => undefined,
    });
    requests.start();
    link.emptied = emptied;
    link.offer(2);
    const buffer = new Uint8Array(0xf000);
    assert.equal((await requests.read({}, buffer, undefined)).count, 1);
    const second = requests.read({}, buffer, undefined);
    assert.equal(link.takes, emptied ? 1 : 2);
    link.arrive();
    assert.equal((await second).count, 1);
    requests.stop();
  });
}

/** Takes fail as long as it is told to. */
class FailingLink extends ScriptedLink {
  failure: Error | undefined;

  override take(bytes: Uint8Array, offset: number, max: number, result: TakeResult): number {
    if (this.failure === undefined) return super.take(bytes, offset, max, result);
    result.reset();
    result.note(1);
    throw this.failure;
  }
}

test('a read whose take throws is rejected with it, alone, and nothing escapes into the event loop', async () => {
  const link = new FailingLink(packet(1, 100));
  const shared = link.accept();
  let ended = 0;
  const path = new DataPath(shared, link, () => ended++);
  const requests = new Requests(shared, link, path, {
    owner: true,
    prefetch: false,
    linkClosed: () => undefined,
    changed: () => undefined,
  });
  requests.start();
  const failed = requests.read({}, new Uint8Array(0xf000), undefined);
  link.failure = new Error('mine');
  link.arrive();
  await assert.rejects(failed, link.failure);
  assert.ok(shared.idle, 'no transaction is left open');
  assert.ok(ended > 0, 'and whoever waits for them is told');
  assert.equal(shared.counters.sum(Counter.DROP_ABANDONED), 1);

  link.failure = undefined;
  const first = requests.read({}, new Uint8Array(0xf000), undefined);
  const second = requests.read({}, new Uint8Array(0xf000), undefined);
  link.failure = new Error('again');
  const block = (): unknown => requests.readSync(new Uint8Array(0xf000), 0, () => undefined);
  assert.throws(block, link.failure, 'as for its own, and not for those that were rejected before');
  await assert.rejects(first, link.failure);
  await assert.rejects(second, link.failure);
  link.failure = undefined;
  link.offer(1);
  assert.equal(requests.readSync(new Uint8Array(0xf000), 0, () => undefined)?.count, 1);
  requests.stop();
});

test('a read that is answered at once fails with what its take throws, and ends its transaction', () => {
  const link = new FailingLink(packet(1, 100));
  const shared = link.accept();
  let ended = 0;
  const path = new DataPath(shared, link, () => ended++);
  link.failure = new Error('mine');
  assert.throws(() => path.read(new Uint8Array(0xf000)), link.failure);
  assert.ok(shared.idle);
  path.ended();
  assert.equal(ended, 1);
});
