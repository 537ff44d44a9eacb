/** How adapters, devices and errors look to a person: in console.log, and in what Node prints of them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Adapter, openDevice, TunError, TunErrorCode } from 'typetun';
import { MemoryHost } from 'typetun/testing';

test('an adapter and its device show what they are, also when they are closed', async () => {
  const host = new MemoryHost();
  await using adapter = await Adapter.create({
    name: 'shown0',
    addresses: ['10.7.0.1/24'],
    link: host.provider(),
  });
  const device = adapter.openDevice();
  const shown = inspect(adapter);
  assert.match(shown, /^Adapter \{/);
  for (const part of ["name: 'shown0'", "state: 'Running'", "power: 'D0'", '10.7.0.1/24']) {
    assert.ok(shown.includes(part), `${part} in ${shown}`);
  }
  assert.match(inspect(device), /^Device \{\s+adapter: 'shown0',[^}]*\sstate: 'open'\s\}$/);
  await device.close();
  assert.match(inspect(device), /state: 'closed'/);
  await adapter.close();
  assert.match(inspect(adapter), /state: 'Halted'/);
  assert.match(inspect({ adapter }, { depth: 0 }), /\[Adapter\]/);
});

test('new Adapter() says how adapters are made', () => {
  assert.throws(
    () => new (Adapter as unknown as new () => Adapter)(),
    (error: Error) => error instanceof TypeError && /await Adapter\.create\(/.test(error.message),
  );
});

test('an error shows the details it has and no others', () => {
  const plain = new TunError(TunErrorCode.INVALID_STATE, 'no');
  assert.doesNotMatch(inspect(plain), /undefined/);
  assert.deepEqual(Object.keys(plain).sort(), ['code', 'name']);
  assert.equal(plain.syscall, undefined);
  const failed = new TunError(TunErrorCode.SYSCALL, 'no', { syscall: 'ioctl', errno: 22 });
  assert.deepEqual(Object.keys(failed).sort(), ['code', 'errno', 'name', 'syscall']);
  assert.equal(failed.errno, 22);
});

test('a name that nobody answers to is refused with the one there is, or the several', async () => {
  await using one = await Adapter.create({ link: 'memory' });
  assert.throws(() => openDevice('7'), /answers to 7; there is only \\\\\.\\Device\\WINTUN\d+$/);
  await using two = await Adapter.create({ link: 'memory' });
  assert.throws(() => openDevice('7'), /answers to 7; there are \\\\\.\\\S+, \\\\\.\\\S+$/);
  await one.close();
  await two.close();
  assert.throws(() => openDevice('7'), /answers to 7; there are none/);
});
