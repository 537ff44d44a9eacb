import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataPath } from '#dist/adapter/data-path.js';
import { Requests } from '#dist/adapter/requests.js';
import type { TakeResult } from '#dist/link/link.js';
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
