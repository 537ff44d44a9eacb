/** What becomes of descriptors that were handed over. */

import assert from 'node:assert/strict';
import { existsSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { adoptAdapter, Held } from '#dist/run/adopt.js';
import type { CheckedNamespaceOptions } from '#dist/run/options.js';

const options = { skip: process.platform === 'linux' ? false : 'needs Linux' };
const info = { name: 'tun0', mtu: 1500, addresses: [] };
const checked = { offload: 'split' } as unknown as CheckedNamespaceOptions;
const isOpen = (fd: number): boolean => existsSync(`/proc/self/fd/${fd}`);

test('a descriptor that is no adapter is closed, and refused', options, async () => {
  const fd = openSync('/dev/null', 'r');
  await assert.rejects(adoptAdapter({ fds: [fd], info }, checked));
  assert.equal(isOpen(fd), false);
});

test('the others are held until that is disposed of', options, () => {
  const [first, second] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
  const held = new Held({ fds: [first, second], info });
  assert.equal(isOpen(second), true);
  held[Symbol.dispose]();
  assert.deepEqual([isOpen(first), isOpen(second)], [true, false]);
});
