import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { socketPaths, systemBusAddress } from '#dist/os/dbus-address.js';

const VARIABLE = 'DBUS_SYSTEM_BUS_ADDRESS';
const before = process.env[VARIABLE];

afterEach(() => {
  if (before === undefined) delete process.env[VARIABLE];
  else process.env[VARIABLE] = before;
});

test('the system bus is where the environment says, or at the usual places', () => {
  process.env[VARIABLE] = 'unix:path=/x';
  assert.equal(systemBusAddress(), 'unix:path=/x');
  for (const empty of ['', undefined]) {
    if (empty === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = empty;
    assert.deepEqual(socketPaths(systemBusAddress()), [
      '/run/dbus/system_bus_socket',
      '/var/run/dbus/system_bus_socket',
    ]);
  }
});

test('reads Unix sockets by path and by abstract name, with keys of no concern and escapes', () => {
  assert.deepEqual(
    socketPaths('unix:path=/a,guid=0123;unix:guid=01,abstract=/tmp/b%2c%3B;unix:path=/c%20%C3%BC'),
    ['/a', '\0/tmp/b,;', '/c ü'],
  );
});

test('leaves out other transports and what is malformed', () => {
  for (const address of [
    '',
    ';;',
    'unix',
    'unix:',
    'unix:path',
    'unix:path=',
    'unix:path=/a%00b',
    'unix:path=/a%zz',
    'unix:runtime=yes',
    'tcp:host=localhost,port=1',
    'unox:path=/a',
    'unixexec:path=/bin/sh',
    'autolaunch:',
    '/run/dbus/system_bus_socket',
  ]) {
    assert.deepEqual(socketPaths(address), [], address);
  }
  assert.deepEqual(socketPaths('tcp:host=x;unix:path=/a'), ['/a']);
});
