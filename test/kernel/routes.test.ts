import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routedNetworks } from '#dist/os/routes.js';
import { ip, rootSkip } from './support/netns.ts';

test('sees the routes of an interface that has no carrier', { skip: rootSkip() }, async () => {
  const name = `down${process.pid % 10_000}`;
  await ip('tuntap', 'add', name, 'mode', 'tun');
  try {
    await ip('address', 'add', '198.51.100.1/25', 'dev', name);
    await ip('address', 'add', '2001:db8:77::1/64', 'dev', name, 'nodad');
    await ip('link', 'set', name, 'up');
    const networks = routedNetworks();
    assert.ok(networks.includes('198.51.100.0/25'), networks.join());
    assert.ok(networks.includes('2001:db8:77::/64'), networks.join());
  } finally {
    await ip('link', 'delete', name);
  }
});
