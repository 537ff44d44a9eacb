/** Which hardware queue a thread takes from next, and what it waits for. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdapterMemory, SharedAdapter } from '#dist/adapter/shared-adapter.js';
import { queueBit, Sources } from '#dist/adapter/sources.js';
import type { Link } from '#dist/link/link.js';

/** Bit sets of queues 0 to 3. */
const ALL = 0b1111;
const OWN = 2;

function setUp(lanes = 4): { shared: SharedAdapter; sources: Sources; awaited: number[] } {
  const shared = new SharedAdapter({
    memory: createAdapterMemory(lanes),
    participant: 0,
    liveness: { isAlive: () => true },
    place: { park: () => undefined, unpark: () => undefined },
    dropPolicy: 'drop-oldest',
    lane: lanes === 1 ? 0 : OWN,
  });
  const awaited: number[] = [];
  const link = { waitFor: (queues: number) => void awaited.push(queues) } as Partial<Link>;
  return { shared, sources: new Sources(shared, link as Link), awaited };
}

/** The queues in the order in which they have their turn in one look; `full` ends it. */
function look(sources: Sources, full?: number): number[] {
  const order: number[] = [];
  for (let left = sources.begin(); left !== 0; ) {
    const queue = sources.next(left);
    left &= ~queueBit(queue);
    order.push(queue);
    if (queue !== full) continue;
    sources.filled(queue);
    return order;
  }
  sources.emptied();
  return order;
}

test('takes from what it inherited, and from its own queue last', () => {
  const { shared, sources } = setUp();
  shared.lane.changeSources(ALL);
  assert.deepEqual(look(sources), [0, 1, 3, OWN]);
  shared.lane.changeSources(queueBit(OWN));
  assert.deepEqual(look(sources), [OWN]);
  shared.lane.changeSources(0);
  assert.deepEqual(look(sources), []);
});

test('a queue that is never empty lets each of the others have a turn', () => {
  const { shared, sources } = setUp();
  shared.lane.changeSources(ALL);
  assert.deepEqual(look(sources, 1), [0, 1]);
  assert.deepEqual(look(sources, OWN), [3, OWN]);
  // Its own queue was last: those that it inherited come first again.
  assert.deepEqual(look(sources, 1), [0, 1]);
  assert.deepEqual(look(sources), [3, OWN, 0, 1]);
  assert.deepEqual(look(sources), [0, 1, 3, OWN]);
});

test('waits for the queues it takes from, and says when they are others', () => {
  const { shared, sources, awaited } = setUp();
  shared.lane.changeSources(queueBit(OWN));
  assert.equal(sources.changed, false, 'its own is what it waits for at first');
  look(sources);
  assert.deepEqual(awaited, []);
  shared.lane.changeSources(ALL);
  assert.equal(sources.changed, true);
  look(sources);
  look(sources);
  assert.equal(sources.changed, false);
  assert.deepEqual(awaited, [ALL]);
});

test('the only lane of an adapter has its queue whatever its words say', () => {
  const { sources, awaited } = setUp(1);
  assert.deepEqual(look(sources), [0]);
  assert.equal(sources.changed, false);
  assert.deepEqual(awaited, []);
});
