import assert from 'node:assert/strict';
import { beforeEach, mock, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { watchSystemSleep } from '#dist/os/system-sleep.js';
import { dbusMessage, dbusSignal, sleepSignal } from '../../reference/dbus-message.ts';
import { runScript } from '../../support/child.ts';
import { until, warningsDuring } from '../../support/until.ts';
import { type BusManners, fakeBus, LOGIN, ownerChanged } from './fake-bus.ts';

let warnings: string[] = [];
beforeEach((context) => {
  warnings = warningsDuring(context as TestContext);
});

test('without a bus nothing happens: not available, no warning', async () => {
  for (const address of [
    'unix:path=/nonexistent/socket',
    `unix:path=/${'x'.repeat(300)}`,
    'unix:path=/dev/null;unix:path=/',
    'tcp:host=localhost,port=1',
    '',
  ]) {
    using watch = watchSystemSleep(() => assert.fail(), { address });
    assert.equal(await watch.available, false, address);
  }
  await delay(10);
  assert.deepEqual(warnings, []);
});

test('tells suspend and resume, at the second address when nobody is at the first', async () => {
  await using bus = await fakeBus();
  const phases: string[] = [];
  const address = `unix:path=/nonexistent/socket;${bus.address}`;
  using watch = watchSystemSleep((phase) => phases.push(phase), { address });
  assert.equal(await watch.available, true);
  bus.send(Uint8Array.from([...sleepSignal(true, LOGIN), ...sleepSignal(false, LOGIN)]));
  await until(() => phases.length === 2);
  assert.deepEqual(phases, ['suspend', 'resume']);
  for (const part of [
    "sender='org.freedesktop.login1'",
    "path='/org/freedesktop/login1'",
    "interface='org.freedesktop.login1.Manager'",
    "member='PrepareForSleep'",
  ]) {
    assert.ok(bus.heard.includes(part), part);
  }
});

test('hears nobody but the owner of the name, as it changes', async () => {
  await using bus = await fakeBus();
  const phases: string[] = [];
  using watch = watchSystemSleep((phase) => phases.push(phase), bus);
  await watch.available;
  bus.send(sleepSignal(true, ':1.6'));
  bus.send(sleepSignal(true));
  bus.send(ownerChanged(LOGIN, ':1.6', { sender: ':1.6' }));
  bus.send(sleepSignal(true, ':1.6'));
  bus.send(ownerChanged(LOGIN, ':1.6', { name: 'org.freedesktop.login2' }));
  bus.send(sleepSignal(true, ':1.6'));
  bus.send(ownerChanged(LOGIN, ''));
  bus.send(sleepSignal(true, LOGIN));
  bus.send(sleepSignal(true));
  bus.send(ownerChanged('', ':1.9'));
  bus.send(sleepSignal(true, LOGIN));
  bus.send(sleepSignal(false, ':1.9'));
  await until(() => phases.length > 0);
  assert.deepEqual(phases, ['resume']);
});

test('passes over other signals of logind and long messages of anybody', async () => {
  await using bus = await fakeBus();
  const phases: string[] = [];
  using watch = watchSystemSleep((phase) => phases.push(phase), bus);
  await watch.available;
  const right = {
    sender: LOGIN,
    path: '/org/freedesktop/login1',
    interface: 'org.freedesktop.login1.Manager',
    member: 'PrepareForSleep',
  };
  bus.send(dbusSignal({ ...right, member: 'PrepareForShutdown' }, [['b', 1]]));
  bus.send(dbusSignal({ ...right, path: '/org/freedesktop/login2' }, [['b', 1]]));
  bus.send(dbusSignal({ ...right, interface: 'org.freedesktop.login1.Session' }, [['b', 1]]));
  bus.send(dbusSignal(right, [['s', 'true']]));
  bus.send(dbusSignal(right, [['u', 1]]));
  bus.send(dbusSignal(right, []));
  bus.send(dbusSignal(right, [['s', 'x'.repeat(1_000_000)]]));
  bus.send(dbusMessage({ type: 1, fields: [[7, 's', ':1.6']] }));
  bus.send(dbusMessage({ type: 99, fields: [] }));
  bus.send(dbusSignal(right, [['b', 0]]));
  await until(() => phases.length > 0);
  assert.deepEqual(phases, ['resume']);
  assert.deepEqual(warnings, []);
});

test('all listeners share one connection, which is closed with the last', async () => {
  await using bus = await fakeBus();
  const phases: string[] = [];
  const first = watchSystemSleep((phase) => phases.push(`first ${phase}`), bus);
  const second = watchSystemSleep((phase) => phases.push(`second ${phase}`), bus);
  assert.deepEqual(await Promise.all([first.available, second.available]), [true, true]);
  assert.equal(bus.accepted, 1);
  first.close();
  first.close();
  bus.send(sleepSignal(true, LOGIN));
  await until(() => phases.length > 0);
  assert.deepEqual(phases, ['second suspend']);
  assert.equal(bus.open, 1);
  second.close();
  await until(() => bus.open === 0);
  assert.deepEqual(warnings, []);
});

test('a listener closed by another one is not called any more', async () => {
  await using bus = await fakeBus();
  const phases: string[] = [];
  using first = watchSystemSleep(() => second.close(), bus);
  const second = watchSystemSleep((phase) => phases.push(`second ${phase}`), bus);
  using third = watchSystemSleep((phase) => phases.push(`third ${phase}`), bus);
  await Promise.all([first.available, third.available]);
  bus.send(sleepSignal(true, LOGIN));
  await until(() => phases.length > 0);
  assert.deepEqual(phases, ['third suspend']);
});

test('what follows the close of the last listener is neither heard nor complained of', async () => {
  await using bus = await fakeBus();
  const phases: string[] = [];
  const watch = watchSystemSleep((phase) => {
    phases.push(phase);
    watch.close();
  }, bus);
  await watch.available;
  const garbage = new Uint8Array(16);
  bus.send(Uint8Array.from([...sleepSignal(true, LOGIN), ...garbage]));
  await until(() => phases.length > 0 && bus.open === 0);
  assert.deepEqual(phases, ['suspend']);
  assert.deepEqual(warnings, []);
});

test('closed before it is known, it is not available and leaves nothing behind', async () => {
  await using bus = await fakeBus({ auth: [] });
  const watch = watchSystemSleep(() => assert.fail(), bus);
  await until(() => bus.open === 1);
  watch.close();
  assert.equal(await watch.available, false);
  await until(() => bus.open === 0);
  assert.deepEqual(warnings, []);
});

const REFUSALS: readonly (readonly [how: string, manners: BusManners])[] = [
  ['rejects who we are', { auth: ['REJECTED DBUS_COOKIE_SHA1\r\n'] }],
  ['rejects the empty identity', { auth: ['DATA\r\n', 'REJECTED\r\n'] }],
  ['does not know the word', { auth: ['ERROR "no"\r\n'] }],
  ['takes no more users', { refuses: 'Hello' }],
  ['takes no match rules', { refuses: 'AddMatch' }],
];
for (const [how, manners] of REFUSALS) {
  test(`a bus that ${how} is as good as none`, async () => {
    await using bus = await fakeBus(manners);
    using watch = watchSystemSleep(() => assert.fail(), bus);
    assert.equal(await watch.available, false);
    await until(() => bus.open === 0);
    assert.deepEqual(warnings, []);
  });
}

test('a bus that does not answer in time is as good as none', async () => {
  await using bus = await fakeBus({ auth: [] });
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    using watch = watchSystemSleep(() => assert.fail(), bus);
    mock.timers.tick(25_000);
    assert.equal(await watch.available, false);
  } finally {
    mock.timers.reset();
  }
});

test('a bus that answered in time is heard ever after', async () => {
  await using bus = await fakeBus();
  const phases: string[] = [];
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    using watch = watchSystemSleep((phase) => phases.push(phase), bus);
    await watch.available;
    mock.timers.tick(1_000_000);
    mock.timers.reset();
    bus.send(sleepSignal(true, LOGIN));
    await until(() => phases.length > 0);
  } finally {
    mock.timers.reset();
  }
});

test('a bus without logind is not available, and heard when logind comes', async () => {
  await using bus = await fakeBus({ refuses: 'GetNameOwner' });
  const phases: string[] = [];
  using watch = watchSystemSleep((phase) => phases.push(phase), bus);
  assert.equal(await watch.available, false);
  bus.send(ownerChanged('', ':1.9'));
  bus.send(sleepSignal(true, ':1.9'));
  await until(() => phases.length > 0);
});

test('answers that others give in the place of the bus do not count', async () => {
  await using bus = await fakeBus({ ignores: 'GetNameOwner' });
  const phases: string[] = [];
  using watch = watchSystemSleep((phase) => phases.push(phase), bus);
  await until(() => bus.heard.includes('GetNameOwner'));
  const fields = (sender: string) =>
    [
      [5, 'u', 4],
      [7, 's', sender],
      [8, 'g', 's'],
    ] as const;
  const owner = (sender: string, name: string): Uint8Array =>
    dbusMessage({ type: 2, fields: fields(sender), body: [['s', name]] });
  bus.send(owner(':1.6', ':1.6'));
  bus.send(sleepSignal(true, ':1.6'));
  bus.send(owner('org.freedesktop.DBus', LOGIN));
  assert.equal(await watch.available, true);
  bus.send(sleepSignal(false, LOGIN));
  await until(() => phases.length > 0);
  assert.deepEqual(phases, ['resume']);
});

const GARBAGE: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['the wrong byte order mark', sleepSignal(true, LOGIN).fill(0x4c, 0, 1)],
  ['a message of 4 GiB', sleepSignal(true, LOGIN).fill(0xff, 4, 8)],
  ['header fields of 4 GiB', sleepSignal(true, LOGIN).fill(0xff, 12, 16)],
  ['a malformed header field', sleepSignal(true, LOGIN).fill(0xff, 20, 24)],
  ['a boolean that is none', sleepSignal(true, LOGIN).fill(0xff, -4)],
];
for (const [what, bytes] of GARBAGE) {
  test(`${what} from the bus ends the connection with one warning`, async () => {
    await using bus = await fakeBus();
    using watch = watchSystemSleep(() => assert.fail(), bus);
    assert.equal(await watch.available, true);
    bus.send(Uint8Array.from([...bytes, ...bytes, ...sleepSignal(true, LOGIN)]));
    await until(() => bus.open === 0 && warnings.length > 0);
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0]!,
      /^no more suspend and resume events: the D-Bus bus is not understood/,
    );
  });
}

const BAD_HANDSHAKES: readonly (readonly [what: string, auth: BusManners['auth'] & {}])[] = [
  ['something else', ['220 mail.example ESMTP\r\n']],
  ['a line without end', [new Uint8Array(100_000).fill(0x41)]],
  ['the same question again and again', ['DATA\r\n'.repeat(1000)]],
];
for (const [what, auth] of BAD_HANDSHAKES) {
  test(`${what} in place of the handshake ends the connection with one warning`, async () => {
    await using bus = await fakeBus({ auth });
    using watch = watchSystemSleep(() => assert.fail(), bus);
    assert.equal(await watch.available, false);
    await until(() => bus.open === 0 && warnings.length > 0);
    assert.equal(warnings.length, 1);
  });
}

test('a lost bus is told once, and found again by the next to register, for all', async () => {
  await using bus = await fakeBus();
  const phases: string[] = [];
  using first = watchSystemSleep((phase) => phases.push(`first ${phase}`), bus);
  await first.available;
  bus.hangUp();
  await until(() => warnings.length > 0);
  await delay(20);
  assert.deepEqual(warnings, ['no more suspend and resume events: the bus closed the connection']);
  assert.equal(bus.accepted, 1);
  using second = watchSystemSleep((phase) => phases.push(`second ${phase}`), bus);
  assert.equal(await second.available, true);
  assert.equal(bus.accepted, 2);
  bus.send(sleepSignal(true, LOGIN));
  await until(() => phases.length === 2);
  assert.deepEqual(phases, ['first suspend', 'second suspend']);
});

test('a bus that is lost during a sleep ends the sleep', async () => {
  await using bus = await fakeBus();
  const phases: string[] = [];
  using watch = watchSystemSleep((phase) => phases.push(phase), bus);
  assert.equal(await watch.available, true);
  bus.send(sleepSignal(true, LOGIN));
  await until(() => phases.length === 1);
  bus.hangUp();
  await until(() => phases.length === 2);
  assert.deepEqual(phases, ['suspend', 'resume']);
});

test('what a listener throws is an uncaught exception and hinders no other', async () => {
  await using bus = await fakeBus();
  const child = runScript(`
    import { watchSystemSleep } from '#dist/os/system-sleep.js';
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    const options = { address: '${bus.address}' };
    const alive = setTimeout(() => {}, 8000);
    watchSystemSleep((phase) => { throw new Error('first ' + phase); }, options);
    watchSystemSleep((phase) => {
      console.log('second', phase);
      if (phase === 'resume') clearTimeout(alive);
    }, options);
  `);
  await until(() => bus.heard.includes('GetNameOwner'));
  bus.send(Uint8Array.from([...sleepSignal(true, LOGIN), ...sleepSignal(false, LOGIN)]));
  const { status, stdout } = await child;
  assert.equal(status, 0);
  for (const line of ['second suspend', 'second resume']) assert.ok(stdout.includes(line), stdout);
  for (const phase of ['suspend', 'resume']) {
    assert.ok(stdout.includes(`uncaught first ${phase}`), stdout);
  }
});

const STAGES: readonly (readonly [when: string, manners: BusManners])[] = [
  ['the bus says nothing', { auth: [] }],
  ['the bus answers no call', { ignores: 'Hello' }],
  ['all is well', {}],
];
for (const [when, manners] of STAGES) {
  test(`keeps no process alive while ${when}`, async () => {
    await using bus = await fakeBus(manners);
    const { status, stderr, tookMs } = await runScript(`
      import { watchSystemSleep } from '#dist/os/system-sleep.js';
      watchSystemSleep(() => {}, { address: '${bus.address}' });
      await new Promise((resolve) => setTimeout(resolve, 300));
    `);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.ok(tookMs < 5000, `${tookMs} ms`);
    assert.equal(bus.accepted, 1);
  });
}
