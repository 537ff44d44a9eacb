/** Adapters from other processes, with peers that do not keep to their part. What needs a device is in test/kernel/. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  type Adapter,
  inheritedDescriptors,
  type ReceiveOptions,
  receiveAdapter,
  sendAdapter,
} from 'typetun';
import { receiveDescriptors, sendDescriptors, socketPair } from '#dist/os/fd-passing.js';
import { connectUnix } from '#dist/os/unix-socket.js';
import { encodeMessage, type PassingMessage } from '#dist/passing/message.js';
import { runScript } from '../support/child.ts';
import { until } from '../support/link-use.ts';
import { memoryAdapter } from '../support/memory-adapter.ts';

const skip = process.platform !== 'linux' && 'SCM_RIGHTS as Linux lays it out';

function openCount(): number {
  return readdirSync('/proc/self/fd').length;
}

const OFFER: PassingMessage = {
  type: 'offer',
  adapter: { mtu: 1400, addresses: ['10.7.0.1/24'], offload: 'off' },
};

function bytesOf(message: unknown): Uint8Array {
  return encodeMessage(message as PassingMessage);
}

/** Whether anybody can be reached at the path. */
function listens(path: string): boolean {
  const fd = connectUnix(path);
  if (fd === undefined) return false;
  closeSync(fd);
  return true;
}

/** A message whose body is this text. */
function raw(text: string, magic = 'typetun1', length = Buffer.byteLength(text)): Buffer {
  const header = Buffer.alloc(12);
  header.write(magic, 'latin1');
  header.writeUInt32BE(length, 8);
  return Buffer.concat([header, Buffer.from(text)]);
}

/** What a peer sends, with how many descriptors of /dev/null, and what comes of it. */
const HOSTILE: readonly (readonly [string, Uint8Array, number, string, RegExp])[] = [
  [
    'bytes of something else',
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    0,
    'HANDOVER',
    /does not begin as/,
  ],
  ['another version', raw('{}', 'typetun9'), 1, 'HANDOVER', /does not begin as/],
  ['a huge length', raw('{}', 'typetun1', 0xffffffff), 1, 'HANDOVER', /it has 4294967295 bytes/],
  ['no body', raw(''), 1, 'HANDOVER', /it has 0 bytes/],
  ['no JSON', raw('{'), 1, 'HANDOVER', /it is no JSON/],
  [
    'bytes that are no text',
    Buffer.concat([raw('', 'typetun1', 2), Buffer.from([0xff, 0xfe])]),
    1,
    'HANDOVER',
    /no JSON/,
  ],
  ['null', raw('null'), 1, 'HANDOVER', /of no kind/],
  ['another kind of message', raw('{"type":"gift"}'), 1, 'HANDOVER', /of no kind/],
  [
    'a reason that is none',
    raw('{"type":"refuse","why":{"toString":1,"valueOf":1}}'),
    1,
    'HANDOVER',
    /its reason is object/,
  ],
  ['an answer for an offer', bytesOf({ type: 'ready' }), 1, 'HANDOVER', /said "ready" where/],
  ['no description', bytesOf({ type: 'offer' }), 1, 'HANDOVER', /describes no adapter/],
  ['a wrong MTU', bytesOf({ type: 'offer', adapter: { mtu: 7 } }), 1, 'HANDOVER', /mtu is 7/],
  [
    'wrong addresses',
    bytesOf({ type: 'offer', adapter: { mtu: 1400, addresses: ['x'], offload: 'off' } }),
    1,
    'HANDOVER',
    /cannot be used: .*x/,
  ],
  ['no descriptor', bytesOf(OFFER), 0, 'HANDOVER', /without any descriptor/],
  ['too many descriptors', bytesOf(OFFER), 17, 'HANDOVER', /17 descriptors where at most 16/],
  ['descriptors of something else', bytesOf(OFFER), 2, 'NOT_TUN', /is no TUN device/],
];

describe('receiveAdapter', { skip }, () => {
  let other: number;
  before(async () => {
    other = openSync('/dev/null', 'r+');
    // What all links and watches of the thread use is made by the first.
    const [left, right] = socketPair();
    closeSync(left);
    await receiveAdapter({ fd: right }).catch(() => {});
    const [near, far] = socketPair();
    sendDescriptors(near, [other], encodeMessage(OFFER));
    await receiveAdapter({ fd: far }).catch(() => {});
    for (const fd of [right, near, far]) closeSync(fd);
  });
  after(() => closeSync(other));

  for (const [what, bytes, count, code, message] of HOSTILE) {
    test(`refuses ${what}, and leaves no descriptor`, async () => {
      const start = openCount();
      const [left, right] = socketPair();
      sendDescriptors(left, Array<number>(count).fill(other), bytes);
      await assert.rejects(receiveAdapter({ fd: right, timeoutMs: 5000 }), {
        code: `ERR_TUN_${code}`,
        message,
      });
      closeSync(left);
      closeSync(right);
      assert.equal(openCount(), start);
    });
  }

  test('refuses a message that ends in the middle, at every length of it', async () => {
    const whole = encodeMessage(OFFER);
    for (const length of [0, 1, 11, 12, 13, whole.length - 1]) {
      const start = openCount();
      const [left, right] = socketPair();
      if (length > 0) sendDescriptors(left, [other], whole.subarray(0, length));
      closeSync(left);
      await assert.rejects(receiveAdapter({ fd: right }), {
        code: 'ERR_TUN_HANDOVER',
        message: /ended the connection/,
      });
      closeSync(right);
      assert.equal(openCount(), start, `${length} bytes`);
    }
  });

  test('tells the sender why it does not take an adapter', async () => {
    const [left, right] = socketPair();
    sendDescriptors(left, [other], encodeMessage(OFFER));
    await assert.rejects(receiveAdapter({ fd: right }));
    const answer = Buffer.alloc(4096);
    const { bytes } = receiveDescriptors(left, answer)!;
    assert.match(
      answer.toString('utf8', 12, bytes),
      /"type":"refuse","why":"descriptor \d+ is no TUN/,
    );
    closeSync(left);
    closeSync(right);
  });

  test('waits no longer than it is told, also in the middle of a message', async () => {
    const start = openCount();
    const [left, right] = socketPair();
    sendDescriptors(left, [other], encodeMessage(OFFER).subarray(0, 5));
    const begin = performance.now();
    await assert.rejects(receiveAdapter({ fd: right, timeoutMs: 50 }), {
      code: 'ERR_TUN_HANDOVER',
      message: 'no adapter came within 50 ms',
    });
    assert.ok(performance.now() - begin < 2000);
    closeSync(left);
    closeSync(right);
    assert.equal(openCount(), start);
  });

  test('ends with a signal, before or while it waits, and leaves no file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'typetun-passing-'));
    const path = join(folder, 'socket');
    const start = openCount();
    const reason = new Error('enough');
    await assert.rejects(receiveAdapter({ path, signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const waiting = receiveAdapter({ path, signal: controller.signal });
    assert.ok(existsSync(path));
    setTimeout(() => controller.abort(reason), 20);
    await assert.rejects(waiting, reason);
    assert.ok(!existsSync(path));
    assert.equal(openCount(), start);
    rmSync(folder, { recursive: true });
  });

  test('does not take a path away from somebody else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'typetun-passing-'));
    const path = join(folder, 'socket');
    writeFileSync(path, 'mine');
    await assert.rejects(receiveAdapter({ path }), {
      code: 'ERR_TUN_NAME_TAKEN',
      message: /exists already; choose another path/,
    });
    assert.ok(existsSync(path));
    rmSync(folder, { recursive: true });
  });

  test('listens where nobody else may connect', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'typetun-passing-'));
    const path = join(folder, 'socket');
    const waiting = receiveAdapter({ path, timeoutMs: 200 });
    const { stdout } = spawnSync('stat', ['-c', '%a', path], { encoding: 'utf8' });
    assert.equal(stdout, '600\n');
    await assert.rejects(waiting);
    rmSync(folder, { recursive: true });
  });

  test('lets everybody knock where another user is waited for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'typetun-passing-'));
    const path = join(folder, 'socket');
    const other = process.geteuid!() + 1;
    for (const [user, mode] of [
      [other, 0o666],
      [process.geteuid!(), 0o600],
    ] as const) {
      const waiting = receiveAdapter({ path, user, timeoutMs: 100 });
      assert.equal(statSync(path).mode & 0o777, mode);
      await assert.rejects(waiting);
    }
    rmSync(folder, { recursive: true });
  });

  test('does not mind when its file is gone, and leaves what is there instead', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'typetun-passing-'));
    const path = join(folder, 'socket');
    const start = openCount();
    const gone = receiveAdapter({ path });
    const fd = connectUnix(path)!;
    unlinkSync(path);
    writeFileSync(path, 'mine');
    sendDescriptors(fd, [], bytesOf({ type: 'ready' }));
    await assert.rejects(gone, { code: 'ERR_TUN_HANDOVER', message: /said "ready" where/ });
    closeSync(fd);
    assert.equal(readFileSync(path, 'utf8'), 'mine');
    unlinkSync(path);
    const waiting = receiveAdapter({ path, timeoutMs: 50 });
    unlinkSync(path);
    await assert.rejects(waiting, { code: 'ERR_TUN_HANDOVER', message: /within 50 ms/ });
    assert.equal(openCount(), start);
    rmSync(folder, { recursive: true });
  });

  test('leaves no descriptor with a thread that is terminated', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'typetun-passing-'));
    const [left, right] = socketPair();
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      import('typetun').then(({ receiveAdapter }) => {
        for (const where of workerData) void receiveAdapter(where);
        // A turn of the event loop later what came has been received.
        setTimeout(() => parentPort.postMessage('waiting'), 50);
      });`;
    let start = 0;
    for (let round = 0; round < 4; round++) {
      // What the first threads make for all of them is kept.
      if (round === 2) start = openCount();
      sendDescriptors(left, [other, other], encodeMessage(OFFER).subarray(0, 13));
      const path = join(folder, String(round));
      const worker = new Worker(code, { eval: true, workerData: [{ path }, { fd: right }] });
      await once(worker, 'message');
      assert.ok(existsSync(path));
      await worker.terminate();
      assert.ok(await until(() => !listens(path)));
    }
    const ended = (): boolean => openCount() === start;
    assert.ok(await until(ended), `${start} descriptors, and then ${openCount()}`);
    closeSync(left);
    closeSync(right);
    rmSync(folder, { recursive: true });
  });

  const WRONG: readonly (readonly [string, unknown, new () => Error, RegExp])[] = [
    ['nothing', undefined, TypeError, /takes an object/],
    ['neither path nor fd', {}, TypeError, /takes a path or an fd/],
    ['both', { path: 'a', fd: 3 }, TypeError, /takes a path or an fd/],
    ['an empty path', { path: '' }, TypeError, /path is ""/],
    ['a path too long', { path: 'x'.repeat(108) }, RangeError, /has 108 bytes; .* at most 107/],
    ['a negative fd', { fd: -1 }, RangeError, /fd is -1/],
    ['a user by name', { fd: 0, user: 'root' }, TypeError, /user is string/],
    ['a time of NaN', { fd: 0, timeoutMs: Number.NaN }, RangeError, /timeoutMs is NaN/],
    ['a signal that is none', { fd: 0, signal: {} }, TypeError, /signal is object/],
  ];
  for (const [what, options, type, message] of WRONG) {
    test(`refuses ${what}, by name`, async () => {
      await assert.rejects(receiveAdapter(options as ReceiveOptions), (error: Error) => {
        assert.ok(error instanceof type, `${error.name}: ${error.message}`);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test('refuses a descriptor that is not open, or no socket', async () => {
    await assert.rejects(receiveAdapter({ fd: 1_000_000 }), {
      code: 'ERR_TUN_HANDOVER',
      message: /EBADF/,
    });
    await assert.rejects(receiveAdapter({ fd: other }), {
      code: 'ERR_TUN_HANDOVER',
      message: /no connected Unix socket/,
    });
  });
});

describe('sendAdapter', { skip }, () => {
  test('refuses what is no adapter, and one that no other process can have', async () => {
    await assert.rejects(sendAdapter({} as Adapter, { fd: 0 }), TypeError);
    const { adapter } = await memoryAdapter();
    await assert.rejects(sendAdapter(adapter, { path: '/nowhere' }), {
      code: 'ERR_TUN_UNSUPPORTED',
      message: /only a kernel adapter/,
    });
    assert.equal(adapter.state, 'Running');
    await adapter.close();
    await assert.rejects(sendAdapter(adapter, { path: '/nowhere' }), {
      code: 'ERR_TUN_FORCED_CLOSED',
    });
  });
});

describe('inheritedDescriptors', () => {
  /** What it gives with this environment; `PID` stands for the process's own number. */
  async function given(environment: Record<string, string>): Promise<string> {
    const { stdout, stderr } = await runScript(`
      const environment = ${JSON.stringify(environment)};
      for (const [name, value] of Object.entries(environment)) {
        process.env[name] = value.replace('PID', String(process.pid));
      }
      const { inheritedDescriptors } = await import('typetun');
      try { console.log(JSON.stringify(inheritedDescriptors())); }
      catch (error) { console.log(error.code, error.message); }
    `);
    return stdout || stderr;
  }

  test('gives those that were passed to this process, with their names', async () => {
    assert.equal(
      await given({ LISTEN_PID: 'PID', LISTEN_FDS: '3', LISTEN_FDNAMES: 'tun0::control' }),
      '[{"fd":3,"name":"tun0"},{"fd":4,"name":"unknown"},{"fd":5,"name":"control"}]\n',
    );
    assert.equal(
      await given({ LISTEN_PID: 'PID', LISTEN_FDS: '1' }),
      '[{"fd":3,"name":"unknown"}]\n',
    );
  });

  test('gives none that were not, or were meant for another process', async () => {
    assert.deepEqual(inheritedDescriptors(), []);
    assert.equal(await given({ LISTEN_PID: '1', LISTEN_FDS: '1' }), '[]\n');
    assert.equal(await given({ LISTEN_FDS: '1' }), '[]\n');
    assert.equal(await given({ LISTEN_PID: 'PID' }), '[]\n');
    assert.equal(await given({ LISTEN_PID: 'PID', LISTEN_FDS: '0' }), '[]\n');
  });

  test('refuses variables that are wrong, naming them', async () => {
    for (const count of ['-1', '1x', '', '99999999999999']) {
      assert.match(
        await given({ LISTEN_PID: 'PID', LISTEN_FDS: count }),
        /^ERR_TUN_HANDOVER LISTEN_FDS is ".*", and no number/,
      );
    }
    assert.match(
      await given({ LISTEN_PID: 'PID', LISTEN_FDS: '2', LISTEN_FDNAMES: 'one' }),
      /^ERR_TUN_HANDOVER LISTEN_FDNAMES has 1 names for 2/,
    );
  });
});
