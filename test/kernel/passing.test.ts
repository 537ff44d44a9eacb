/** The same TUN descriptor in one Node process after another, with real packets. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, closeSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Adapter, receiveAdapter, sendAdapter, swapAddresses } from 'typetun';
import { receiveDescriptors, sendDescriptors, socketPair } from '#dist/os/fd-passing.js';
import { encodeMessage, type PassingMessage } from '#dist/passing/message.js';
import { sleep, until } from '../support/link-use.ts';
import { features } from './support/features.ts';
import { carrierSeen, ip, rootSkip, tunsGone, withNetns } from './support/netns.ts';
import { tunFolder, USER, userCommand } from './support/user.ts';

const options = { skip: rootSkip('ping') };
const run = promisify(execFile);

async function pings(netns: string, address = '10.7.0.2'): Promise<string> {
  await carrierSeen(netns, 'tt0');
  const command = ['ping', '-c', '3', '-i', '0.1', '-s', '1000', address];
  const { stdout } = await run('ip', ['netns', 'exec', netns, ...command]);
  return stdout;
}

/** Descriptors this process has open, once a new adapter has found that there is no bus to listen to. */
async function openCount(): Promise<number> {
  await sleep(100);
  return readdirSync('/proc/self/fd').length;
}

/** Sends everything back until the adapter is closed. */
function reflect(adapter: Adapter): Promise<void> {
  const device = adapter.openDevice();
  // A test that fails in the middle does not keep the process.
  device.unref();
  const reflecting = async (): Promise<void> => {
    for await (const bundle of device) {
      for (const packet of bundle) swapAddresses(packet, 0);
      await device.write(bundle);
    }
  };
  return reflecting().catch(() => {});
}

/** A folder that the user may make sockets in. */
function userFolder(): { path: string; [Symbol.dispose](): void } {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-passing-'));
  chmodSync(folder, 0o700);
  chownSync(folder, USER, USER);
  return {
    path: join(folder, 'socket'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A child that runs as a normal user; its output comes by lines. */
class UserChild {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(netns: string, folder: string, code: string, fds: readonly number[] = []) {
    const [command, ...before] = userCommand(netns, folder);
    const node = [process.execPath, '--input-type=module', '--eval', code];
    this.child = spawn(command!, [...before, ...node], {
      stdio: ['pipe', 'pipe', 'inherit', ...fds],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    return (await this.#lines.next()).value as string;
  }

  /** Ends its input, upon which it closes and ends; returns its status. */
  async end(): Promise<number | null> {
    this.child.stdin!.end();
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

/** What a child does with an adapter: it sends everything back until its input ends. */
const USE = `
  const device = adapter.openDevice();
  const { name, mtu, addresses, properties } = adapter;
  console.log(JSON.stringify({ uid: process.getuid(), name, mtu, addresses, offload: properties.offload }));
  process.stdin.on('end', () => adapter.close()).resume();
  try {
    for await (const bundle of device) {
      for (const packet of bundle) swapAddresses(packet, 0);
      await device.write(bundle);
    }
  } catch (error) {
    if (error.code !== 'ERR_TUN_FORCED_CLOSED') throw error;
  }
`;

const RECEIVE = (given: string): string => `
  import { receiveAdapter, swapAddresses } from 'typetun';
  const adapter = await receiveAdapter(${given});
  ${USE}
`;

for (const where of ['its own', 'another'] as const) {
  test(
    `root makes an adapter and hands it to a normal user in ${where} namespace`,
    options,
    async () => {
      using made = tunFolder();
      using place = userFolder();
      await withNetns(async (netns) => {
        await withNetns(async (elsewhere) => {
          const adapter = await Adapter.create({
            name: 'tt0',
            addresses: ['10.7.0.1/24', 'fd07::1/64'],
            mtu: 1400,
            netns,
          });
          const reflecting = reflect(adapter);
          assert.match(await pings(netns), /3 received/);
          const there = where === 'its own' ? netns : elsewhere;
          const child = new UserChild(
            there,
            made.folder,
            RECEIVE(JSON.stringify({ path: place.path })),
          );
          const before = await openCount();
          await sendAdapter(adapter, { path: place.path, user: USER });
          assert.equal(adapter.state, 'Halted');
          await reflecting;
          const { addresses, ...seen } = JSON.parse(await child.line()) as { addresses: string[] };
          assert.deepEqual(seen, { uid: USER, name: 'tt0', mtu: 1400, offload: 'split' });
          assert.deepEqual(addresses.sort(), ['10.7.0.1/24', 'fd07::1/64']);
          assert.match(await pings(netns), /3 received/);
          // What the receiver was granted, the sender did not take back when it closed.
          assert.deepEqual(features(netns, 'tt0'), [1, 1]);
          assert.match(await pings(netns, 'fd07::2'), /3 received/);
          assert.ok(
            readdirSync('/proc/self/fd').length <= before,
            'descriptors left with the sender',
          );
          assert.equal(await child.end(), 0);
          // Not persistent: it went with its last descriptor.
          assert.ok(await tunsGone(netns));
        });
      });
    },
  );
}

test(
  'a normal user hands a persistent interface to another process, over an inherited socket',
  options,
  async () => {
    using made = tunFolder();
    await withNetns(async (netns) => {
      const adapter = await Adapter.create({
        name: 'tt0',
        addresses: ['10.7.0.1/24'],
        persist: true,
        owner: USER,
        netns,
      });
      await adapter.close();
      const [left, right] = socketPair();
      const sender = `
      import { Adapter, sendAdapter, swapAddresses } from 'typetun';
      const adapter = await Adapter.open('tt0');
      process.stdin.once('data', async () => {
        // Whoever made the pair of sockets was root: that is who the peer is.
        await sendAdapter(adapter, { fd: 3 });
        console.log('sent');
      });
      try {
        ${USE.replace("process.stdin.on('end', () => adapter.close()).resume();", '')}
      } catch {}
    `;
      const first = new UserChild(netns, made.folder, sender, [left]);
      assert.equal((JSON.parse(await first.line()) as { uid: number }).uid, USER);
      assert.match(await pings(netns), /3 received/);
      const second = new UserChild(netns, made.folder, RECEIVE('{ fd: 3 }'), [right]);
      closeSync(left);
      closeSync(right);
      first.child.stdin!.write('go\n');
      assert.equal(await first.line(), 'sent');
      assert.equal((JSON.parse(await second.line()) as { uid: number }).uid, USER);
      assert.equal(await first.end(), 0);
      assert.match(await pings(netns), /3 received/);
      assert.equal(await second.end(), 0);
      assert.match(await ip('-n', netns, '-d', 'link', 'show', 'tt0'), /persist on user nobody/);
    });
  },
);

test('root takes an adapter from a normal user, at a path of its own', options, async () => {
  using made = tunFolder();
  const folder = mkdtempSync(join(tmpdir(), 'typetun-passing-'));
  // As /tmp is: whose the socket is says who may come in, and not the folder.
  chmodSync(folder, 0o755);
  const path = join(folder, 'socket');
  await withNetns(async (netns) => {
    await ip('-n', netns, 'tuntap', 'add', 'tt0', 'mode', 'tun', 'user', String(USER));
    await ip('-n', netns, 'link', 'set', 'tt0', 'up');
    const receiving = receiveAdapter({ path, user: USER });
    const child = new UserChild(
      netns,
      made.folder,
      `import { Adapter, sendAdapter } from 'typetun';
       const adapter = await Adapter.open('tt0');
       await sendAdapter(adapter, { path: ${JSON.stringify(path)} });
       console.log('sent');`,
    );
    await using adapter = await receiving;
    assert.equal(await child.line(), 'sent');
    assert.equal(adapter.name, 'tt0');
    assert.equal(await child.end(), 0);
  });
  rmSync(folder, { recursive: true });
});

test(
  'an adapter with several queues is handed over with all of them, back and forth',
  options,
  async () => {
    using place = userFolder();
    const path = place.path;
    await withNetns(async (netns) => {
      let adapter = await Adapter.create({
        name: 'tt0',
        addresses: ['10.7.0.1/24'],
        queues: 3,
        netns,
      });
      const before = await openCount();
      for (let round = 0; round < 5; round++) {
        const [received] = await Promise.all([
          receiveAdapter({ path }),
          sendAdapter(adapter, { path }),
        ]);
        assert.equal(adapter.state, 'Halted');
        assert.equal(received.properties.capabilities.queues, 3);
        assert.equal(received.state, 'Running');
        adapter = received;
      }
      assert.equal(readdirSync('/proc/self/fd').length, before);
      const reflecting = reflect(adapter);
      assert.match(await pings(netns), /3 received/);
      await adapter.close();
      await reflecting;
    });
  },
);

test('of two hand-overs of one adapter at a time the second is refused', options, async () => {
  using one = userFolder();
  using other = userFolder();
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ name: 'tt0', netns });
    const nobody = receiveAdapter({ path: other.path, timeoutMs: 500 });
    const nothing = assert.rejects(nobody, { code: 'ERR_TUN_HANDOVER' });
    const [received] = await Promise.all([
      receiveAdapter({ path: one.path }),
      sendAdapter(adapter, { path: one.path }),
      assert.rejects(sendAdapter(adapter, { path: other.path }), {
        code: 'ERR_TUN_INVALID_STATE',
        message: /"tt0" is being handed to another process already/,
      }),
    ]);
    await using taken = received;
    assert.equal(taken.state, 'Running');
    assert.equal(adapter.state, 'Halted');
    await nothing;
    // One that came to nothing is no longer in the way.
    await assert.rejects(sendAdapter(taken, { path: other.path, timeoutMs: 1 }), {
      code: 'ERR_TUN_HANDOVER',
    });
    await assert.rejects(sendAdapter(taken, { path: other.path, timeoutMs: 1 }), {
      code: 'ERR_TUN_HANDOVER',
    });
  });
});

test("an adapter that is closed while it is handed over is nobody's", options, async () => {
  await withNetns(async (netns) => {
    const adapter = await Adapter.create({ name: 'tt0', netns });
    const [left, right] = socketPair();
    const sending = assert.rejects(sendAdapter(adapter, { fd: left }), {
      code: 'ERR_TUN_FORCED_CLOSED',
    });
    assert.ok(await until(() => adapter.state === 'Paused'));
    await adapter.close();
    sendDescriptors(right, [], encodeMessage({ type: 'ready' }));
    await sending;
    closeSync(left);
    // The offer, and nothing behind it.
    const answer = Buffer.alloc(4096);
    const { fds, bytes } = receiveDescriptors(right, answer)!;
    for (const fd of fds) closeSync(fd);
    assert.doesNotMatch(answer.toString('latin1', 0, bytes), /"go"/);
    closeSync(right);
    assert.ok(await tunsGone(netns));
  });
});

/** It cannot be made a text of. */
const NO_REASON = '{"type":"refuse","why":{"toString":1,"valueOf":1}}';

/** What a peer does instead of taking the adapter. */
const UNWILLING: readonly (readonly [string, (fd: number) => void, RegExp])[] = [
  ['ends the connection', () => {}, /did not keep to its part: .*EPIPE/],
  [
    'refuses',
    (fd) => void sendDescriptors(fd, [], encodeMessage({ type: 'refuse', why: 'no room' })),
    /did not take the adapter: no room/,
  ],
  [
    'refuses with a reason that is none',
    (fd) => void sendDescriptors(fd, [], encodeMessage(JSON.parse(NO_REASON) as PassingMessage)),
    /cannot be used: its reason is object/,
  ],
  [
    'refuses in colour',
    (fd) => void sendDescriptors(fd, [], encodeMessage({ type: 'refuse', why: '\u001b[31mno\n' })),
    /did not take the adapter: {2}\[31mno $/,
  ],
  [
    'answers with descriptors and nonsense',
    (fd) => void sendDescriptors(fd, [fd, fd], Buffer.from('yes, please, thank you')),
    /cannot be used/,
  ],
  [
    'answers out of turn',
    (fd) => void sendDescriptors(fd, [fd], encodeMessage({ type: 'go' })),
    /it said "go"/,
  ],
];

for (const [what, act, message] of UNWILLING) {
  test(`an adapter goes on as it was when the peer ${what}`, options, async () => {
    await withNetns(async (netns) => {
      await using adapter = await Adapter.create({
        name: 'tt0',
        addresses: ['10.7.0.1/24'],
        netns,
      });
      const reflecting = reflect(adapter);
      const before = await openCount();
      const [left, right] = socketPair();
      act(right);
      if (what.startsWith('ends')) closeSync(right);
      await assert.rejects(sendAdapter(adapter, { fd: left }), {
        code: 'ERR_TUN_HANDOVER',
        message,
      });
      closeSync(left);
      if (!what.startsWith('ends')) {
        // It had the offer, whose descriptors are its own to close.
        for (const fd of receiveDescriptors(right, new Uint8Array(4096))?.fds ?? []) closeSync(fd);
        closeSync(right);
      }
      assert.equal(readdirSync('/proc/self/fd').length, before);
      assert.equal(adapter.state, 'Running');
      assert.match(await pings(netns), /3 received/);
      await adapter.close();
      await reflecting;
    });
  });
}

test('an adapter goes on as it was when nobody comes, or a signal ends it', options, async () => {
  using place = userFolder();
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ name: 'tt0', netns });
    await assert.rejects(sendAdapter(adapter, { path: place.path, timeoutMs: 100 }), {
      code: 'ERR_TUN_HANDOVER',
      message: 'no process took the adapter within 100 ms',
    });
    const reason = new Error('enough');
    await assert.rejects(
      sendAdapter(adapter, { path: place.path, signal: AbortSignal.abort(reason) }),
      reason,
    );
    await adapter.pause();
    await assert.rejects(sendAdapter(adapter, { path: place.path, timeoutMs: 1 }));
    assert.equal(adapter.state, 'Paused');
  });
});

test('the peer has to be of the user that was said', options, async () => {
  using made = tunFolder();
  using place = userFolder();
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ name: 'tt0', netns });
    const child = new UserChild(
      netns,
      made.folder,
      `import { receiveAdapter } from 'typetun';
       const waiting = receiveAdapter({ path: ${JSON.stringify(place.path)}, timeoutMs: 5000 });
       console.log('waiting');
       await waiting.catch((error) => console.log(error.code));`,
    );
    assert.equal(await child.line(), 'waiting');
    await assert.rejects(sendAdapter(adapter, { path: place.path }), {
      code: 'ERR_TUN_HANDOVER',
      message: /peer runs as user 65534.*user: 65534/,
    });
    assert.equal(adapter.state, 'Running');
    assert.equal(await child.line(), 'ERR_TUN_HANDOVER');
    await child.end();
  });
});
