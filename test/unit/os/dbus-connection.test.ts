import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DbusConnection } from '#dist/os/dbus-connection.js';
import { sleepSignal } from '../../reference/dbus-message.ts';
import { fakeBus, LOGIN } from './fake-bus.ts';

test('hands over every signal until it is closed, and nothing after', async () => {
  await using bus = await fakeBus();
  const events: string[] = [];
  await new Promise<void>((resolve) => {
    const connection = new DbusConnection([bus.address.slice('unix:path='.length)], {
      connected: () => {
        const two = [...sleepSignal(true, LOGIN), ...sleepSignal(false, LOGIN)];
        bus.send(Uint8Array.from([...two, ...two]));
      },
      signal: (message) => {
        events.push(message.sender);
        if (events.length < 2) return;
        connection.close();
        connection.close();
        setTimeout(resolve, 20);
      },
      ended: (end) => events.push(end),
    });
  });
  assert.deepEqual(events, [LOGIN, LOGIN]);
});

test('says that it ended, later, where there is no socket to try', async () => {
  const end = await new Promise((resolve) => {
    let constructed = false;
    new DbusConnection([], {
      connected: () => assert.fail(),
      signal: () => assert.fail(),
      ended: (how) => resolve(constructed && how),
    });
    constructed = true;
  });
  assert.equal(end, 'closed');
});
