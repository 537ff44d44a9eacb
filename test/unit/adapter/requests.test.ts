import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataPath } from '#dist/adapter/data-path.js';
import { Requests } from '#dist/adapter/requests.js';
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
