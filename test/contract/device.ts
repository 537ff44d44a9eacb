/** The contract of What the device is, `configure`, media, events, and `close`. */

import assert from 'node:assert/strict';
import { MAX_BLOCK_MS } from '#dist/limits.js';
import { LINK_CLOSED, TakeResult } from '#dist/link/link.js';
import { pattern } from '../support/ip-packets.ts';
import { givePackets, sleep, until } from '../support/link-use.ts';
import {
  BUFFER_BYTES,
  type Contract,
  dirtyResult,
  fromRemote,
  parkedWords,
  takeAll,
  timed,
  untilPacket,
} from './subject.ts';

export function deviceContract(contract: Contract, name: string): void {
  contract('says what it is and what its device looks like', ({ link, config }) => {
    assert.equal(link.kind, name);
    const { offload, segmentation } = link.capabilities;
    assert.ok(['split', 'carry', 'off'].includes(offload));
    assert.equal(segmentation.length > 0, offload !== 'off');
    assert.ok(link.capabilities.queues >= 1);
    assert.ok(link.info.name.length > 0);
    assert.equal(link.info.mtu, config.mtu);
    assert.equal(link.info.up, true);
    assert.deepEqual([...link.info.addresses].sort(), [...config.addresses].sort());
  });

  contract('media only informs: packets pass both ways while it is off', async (subject) => {
    const { link } = subject;
    link.setMediaConnected(false);
    link.setMediaConnected(false);
    assert.equal(givePackets(link, [fromRemote(subject, pattern(3))]).delivered, 1);
    link.setMediaConnected(true);
    await subject.hostSendUdp(pattern(4));
    await untilPacket(subject);
    link.setMediaConnected(false);
    assert.equal((await takeAll(subject, 1)).packets.length, 1, 'what was queued stays readable');
    link.setMediaConnected(true);
  });

  contract(
    'changes what it is told to change, reads it back, and leaves the rest',
    ({ link, config, mayConfigure = true }) => {
      const before = link.info;
      assert.deepEqual(link.configure({}), before);
      if (!mayConfigure) {
        for (const change of [{ mtu: 1400 }, { addresses: ['10.200.201.1/24'] }, { up: false }]) {
          assert.throws(() => link.configure(change), { code: 'ERR_TUN_NO_PRIVILEGE' });
          assert.deepEqual(link.info, before);
        }
        return;
      }
      assert.equal(link.configure({ mtu: 1400 }).mtu, 1400);
      assert.deepEqual(link.info, { ...before, mtu: 1400 });
      const addresses = ['10.200.201.1/24', 'fd00:200::1/64'];
      const changed = link.configure({ addresses });
      assert.deepEqual([...changed.addresses].sort(), [...addresses].sort());
      assert.deepEqual(link.info, changed);
      const routed = link.configure({ routes: [{ destination: '10.201.0.0/16' }] });
      assert.deepEqual(routed, changed);
      assert.deepEqual(link.configure({ addresses: [], routes: [] }).addresses, []);
      const restored = link.configure({ addresses: config.addresses, mtu: config.mtu });
      assert.deepEqual([...restored.addresses].sort(), [...before.addresses].sort());
    },
  );

  contract('refuses a change that cannot be, naming it, and stays as it was', (subject) => {
    const { link, mayConfigure = true } = subject;
    const before = link.info;
    assert.throws(() => link.configure({ mtu: 100_000 }), {
      code: mayConfigure ? 'ERR_TUN_CONFIGURATION' : 'ERR_TUN_NO_PRIVILEGE',
      message: /100000/,
    });
    assert.deepEqual(link.info, before);
  });

  contract('is closed once and for all, and safe to close again', async (subject) => {
    const { link } = subject;
    await subject.hostSendUdp(pattern(1));
    await Promise.all([link.close(), link.close()]);
    await link.close();
    const result = dirtyResult();
    assert.equal(link.take(new Uint8Array(BUFFER_BYTES), 0, 256, result), LINK_CLOSED);
    assert.deepEqual({ ...result }, { ...new TakeResult() });
    const given = givePackets(link, [
      fromRemote(subject, pattern(1)),
      fromRemote(subject, pattern(2)),
    ]);
    assert.deepEqual(
      [given.delivered, given.result.refused, given.lengths],
      [LINK_CLOSED, 2, [0, 0]],
    );
    link.setMediaConnected(true);
    assert.ok(timed(() => link.park(0, parkedWords(), 0, MAX_BLOCK_MS)) < MAX_BLOCK_MS / 2);
    assert.ok(link.info.name.length > 0);
  });

  contract('reports what others do to the device, and not what it does itself', async (subject) => {
    const { link, outside, mayConfigure = true } = subject;
    if (outside === undefined || !link.capabilities.events) return;
    const events: string[] = [];
    link.onEvent(({ type, info }) => {
      // A kernel takes IPv6 addresses away from a device that goes down.
      if (type !== 'address') events.push(`${type} ${info.mtu} ${info.up}`);
    });
    if (mayConfigure) link.configure({ mtu: 1450 });
    link.setMediaConnected(false);
    link.setMediaConnected(true);
    await sleep(20);
    assert.deepEqual(events, []);
    await outside.setMtu(1350);
    assert.ok(await until(() => events.length === 1), 'the MTU');
    await outside.setUp(false);
    assert.ok(await until(() => events.length === 2), 'down');
    await outside.setUp(true);
    assert.ok(await until(() => events.length === 3), 'up');
    assert.deepEqual(events, ['mtu 1350 true', 'down 1350 false', 'up 1350 true']);
    assert.equal(link.info.mtu, 1350);
  });

  contract('is closed when the host removes the device, and says so', async (subject) => {
    const { link, outside } = subject;
    if (outside === undefined) return;
    const events: string[] = [];
    const { name: deviceName } = link.info;
    link.onEvent(({ type, info }) => events.push(`${type} ${info.name}`));
    await outside.remove();
    const result = dirtyResult();
    const buffer = new Uint8Array(BUFFER_BYTES);
    assert.ok(await until(() => link.take(buffer, 0, 256, result) === LINK_CLOSED));
    assert.deepEqual({ ...result }, { ...new TakeResult() });
    const given = givePackets(link, [fromRemote(subject, pattern(1))]);
    assert.deepEqual([given.delivered, given.lengths], [LINK_CLOSED, [0]]);
    if (link.capabilities.events) {
      assert.ok(await until(() => events.includes(`removed ${deviceName}`)));
    }
    await link.close();
  });
}
