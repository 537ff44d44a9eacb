/** The options of `typetun adapter` as an adapter takes them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAdapterOptions } from 'typetun';
import {
  type CreateOptions,
  readAccess,
  readChange,
  readConfig,
  readOptions,
} from '#dist/cli/adapter/options.js';
import { UsageError } from '#dist/cli/errors.js';

const GIVEN: CreateOptions = {
  ...{ address: ['10.7.0.1/24'], mtu: 1400, route: ['10.8.0.0/16', '10.9.0.0/16@5'] },
  ...{ persist: true, owner: 1, group: 2, link: 'linux', offload: 'off', engine: 'syscalls' },
  ...{ dropPolicy: 'drop-newest', queues: 3, queueBytes: 70_000, hostQueue: 500 },
  ...{ prefetch: false, ipv6LinkLocal: true, netns: 'left', allowUser: ['7', 'alice'] },
  ...{ allowGroup: ['8'], allowDescriptor: true, json: true, host: '/run' },
};

test('each option of create has its place in what a host and an adapter take', () => {
  const routes = ['10.8.0.0/16', { destination: '10.9.0.0/16', metric: 5 }];
  const options = {
    ...{ name: 'a', addresses: ['10.7.0.1/24'], mtu: 1400, routes, persist: true, owner: 1 },
    ...{ group: 2, offload: 'off', engine: 'syscalls', dropPolicy: 'drop-newest', queues: 3 },
    ...{ queueBytes: 70_000, hostQueueLength: 500, prefetch: false, ipv6LinkLocal: true },
    netns: 'left',
  };
  assert.deepEqual(readOptions('a', GIVEN), options);
  const access = { users: [7, 'alice'], groups: [8], descriptor: true };
  assert.deepEqual(readConfig('a', GIVEN), { ...options, link: 'linux', access });
  checkAdapterOptions(readOptions('a', GIVEN));
});

test('what was not given is left to the defaults', () => {
  assert.deepEqual(readConfig('a', { prefetch: true }), { name: 'a' });
  assert.deepEqual(readChange({}), {});
  assert.equal(readAccess({}), undefined);
});

test('none at all is an empty list', () => {
  assert.deepEqual(readChange({ address: false, route: false }), { addresses: [], routes: [] });
});

test('a metric is a whole number', () => {
  for (const route of ['10.8.0.0/16@', '10.8.0.0/16@x', '10.8.0.0/16@-1']) {
    assert.throws(() => readChange({ route: [route] }), UsageError, route);
  }
});
