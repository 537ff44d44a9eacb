/** Peers that do what they must not, on both sockets: each ends by itself, and costs nobody else anything. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TunErrorCode } from 'typetun';
import { type AdapterInfo, Host, HostDevice } from 'typetun/service';
import { FrameType, MAX_WAITING_READS } from '#dist/service/device-protocol.js';
import { until } from '../support/until.ts';
import { echoBundle } from './support/ping.ts';
import { RawClient, textOf } from './support/raw.ts';
import { scratch } from './support/serve.ts';

/** Of what a test waits for. */
const DEADLINES = { helloMs: 200, frameMs: 200, requestMs: 200, lingerMs: 200 };
/** Connections of a device that have not said hello, at most. */
const MAX_STRANGERS = 64;
const LONGEST = 0xffffffff;
const MEMORY = { link: 'memory', addresses: ['10.7.0.1/24'] } as const;

let folder: ReturnType<typeof scratch>;
let host: Host;
let made: AdapterInfo;
/** Somebody who does everything right, and must not notice. */
let witness: HostDevice;

beforeEach(async () => {
  folder = scratch();
  host = await Host.start({ runDirectory: join(folder.path, 'run'), deadlines: DEADLINES });
  made = await host.call('adapter.create', { name: 'm0', ...MEMORY });
  const other = await host.call('adapter.create', { name: 'w0', ...MEMORY });
  witness = await HostDevice.open(other.socket);
});

afterEach(async () => {
  const read = witness.read();
  assert.equal(await witness.write(echoBundle()), 1);
  assert.ok((await read).length > 0);
  assert.equal(witness.reconnects, 0);
  await witness.close();
  await host.stop();
  folder[Symbol.dispose]();
});

const client = (): RawClient => new RawClient(made.socket).framed();

/** The client is told GOODBYE with that reason, and the connection ends. */
async function dismissed(one: RawClient, why: RegExp): Promise<void> {
  const frame = await one.frame();
  assert.equal(frame?.type, FrameType.GOODBYE);
  assert.equal(textOf(frame).code, TunErrorCode.PROTOCOL);
  assert.match(textOf(frame).message!, why);
  await one.ended();
  await until(() => host.adapters.find('m0').clients.length === 0);
}

const header = (length: number, type: number, tag = 0, value = 0, zeros = 0): Uint8Array => {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint32(4, type | (zeros << 8), true);
  view.setUint32(8, tag, true);
  view.setUint32(12, value, true);
  return bytes;
};

describe('a client of a device', () => {
  for (const version of [0, 2, LONGEST]) {
    test(`of version ${version} hears which one is spoken`, async () => {
      using one = client().hello({}, version);
      await dismissed(one, new RegExp(`version ${version} .* this host speaks 1`));
    });
  }

  test('that begins with something else than HELLO is dismissed', async () => {
    using one = client().send(FrameType.READ, 1);
    await dismissed(one, /the first frame is HELLO/);
  });

  test('that speaks another protocol is dismissed', async () => {
    using one = client();
    one.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await dismissed(one, /a frame of type 47 does not belong here/);
  });

  for (const [what, content, why] of [
    ['no JSON', '{', /no JSON object/],
    ['an array', '[]', /no JSON object/],
    ['bytes that are no UTF-8', '\xff\xfe', /no JSON object/],
    ['an unknown role', '{"role":"root"}', /the role "root" is none/],
  ] as const) {
    test(`whose HELLO holds ${what} is dismissed`, async () => {
      const payload = Buffer.from(content, 'latin1');
      using one = client();
      one.socket.write(header(payload.length, FrameType.HELLO, 0x4e555454, 1));
      one.socket.write(payload);
      await dismissed(one, why);
    });
  }

  test('that says hello twice is dismissed', async () => {
    using one = await client().opened();
    one.hello();
    await dismissed(one, /HELLO is said once/);
  });

  for (const [what, bytes, why] of [
    [
      'a length of 2^32-1',
      header(LONGEST, FrameType.WRITE),
      /says that its payload has 4294967295/,
    ],
    ['a READ with a payload', header(1, FrameType.READ), /payload has 1 bytes; it has at most 0/],
    ['a READ with too little room', header(0, FrameType.READ, 1, 1500), /has room for 1500 bytes/],
    ['a type of the host', header(0, FrameType.WRITTEN), /a frame of type 6 does not belong here/],
    ['an unknown type', header(0, 77), /a frame of type 77 does not belong here/],
    ['zeros that are none', header(0, FrameType.READ, 0, 0, 1), /byte 5 .* it must be zero/],
  ] as const) {
    test(`that sends ${what} is dismissed`, async () => {
      using one = await client().opened();
      one.socket.write(bytes);
      await dismissed(one, why);
    });
  }

  test('that writes an empty bundle, or a broken one, hears so and goes on', async () => {
    using one = await client().opened();
    one.send(FrameType.WRITE, 7);
    const empty = await one.frame();
    assert.deepEqual([empty!.type, empty!.tag], [FrameType.FAILED, 7]);
    assert.equal(textOf(empty).code, TunErrorCode.BUNDLE_INVALID);
    one.send(FrameType.WRITE, 8, 0, new Uint8Array(64).fill(0xa5));
    assert.equal(textOf(await one.frame()).code, TunErrorCode.BUNDLE_INVALID);
    one.send(FrameType.WRITE, 9, 0, echoBundle());
    const good = await one.frame();
    assert.deepEqual([good!.type, good!.tag, good!.value], [FrameType.WRITTEN, 9, 1]);
  });

  test('that lets too many READs wait is dismissed', async () => {
    using one = await client().opened();
    for (let i = 0; i <= MAX_WAITING_READS; i++) one.send(FrameType.READ, i);
    await dismissed(one, /more than 64 READs wait/);
  });

  test('that says nothing is dismissed in time', async () => {
    using one = client();
    await dismissed(one, /said no hello within 200 ms/);
  });

  test('that says hello a byte at a time is dismissed in time', async () => {
    using one = client();
    const hello = header(2, FrameType.HELLO, 0x4e555454, 1);
    const ended = dismissed(one, /said no hello within 200 ms/);
    for (const byte of hello) {
      one.socket.write(Uint8Array.of(byte));
      await sleep(40);
    }
    await ended;
  });

  test('that does not end a frame is dismissed in time, and not before it began one', async () => {
    using one = await client().opened();
    await sleep(2 * DEADLINES.frameMs);
    one.socket.write(header(100, FrameType.WRITE, 1));
    await dismissed(one, /did not end a frame within 200 ms/);
  });

  test('that leaves in the middle of a frame is just gone', async () => {
    using one = await client().opened();
    one.socket.end(header(1000, FrameType.WRITE, 1).subarray(0, 9));
    await one.ended();
    await until(() => host.adapters.find('m0').clients.length === 0);
    assert.equal(host.adapters.find('m0').info.media, 'Disconnected');
  });

  test('that never reads gets no more than the socket holds, and the others get theirs', async () => {
    using one = new RawClient(made.socket).hello({ client: 'deaf' });
    await until(() => host.adapters.find('m0').clients.length === 1);
    one.socket.pause();
    for (let i = 0; i < MAX_WAITING_READS; i++) one.send(FrameType.READ, i);
    await using writer = await HostDevice.open(made.socket);
    const deaf = () => host.adapters.find('m0').clients.find(({ name }) => name === 'deaf')!;
    // Packets of the size that fills the socket within the reads it asked for.
    const bundle = echoBundle(256);
    let before = -1;
    while (deaf().packetsRead !== before) {
      before = deaf().packetsRead;
      for (let i = 0; i < 16; i++) await writer.write(bundle);
    }
    assert.ok(deaf().waitingReads > 0);
    const read = writer.read();
    await writer.write(echoBundle());
    assert.ok((await read).length > 0);
    assert.equal(deaf().packetsRead, before);
  });

  test('that floods and takes no answers is read from no more, and the others get theirs', async () => {
    using one = await client().opened();
    one.socket.pause();
    const bundle = echoBundle(256);
    const before = process.memoryUsage.rss();
    let taken = true;
    for (let i = 0; i < 20_000 && taken; i++) {
      one.send(FrameType.WRITE, i, 0, bundle.subarray(0, 48));
      if (i % 100 === 0) await sleep(1);
      taken = one.socket.writableLength < 4 * 2 ** 20;
    }
    await using other = await HostDevice.open(made.socket);
    const read = other.read();
    await other.write(echoBundle());
    assert.ok((await read).length > 0);
    // This process holds both sides.
    assert.ok(process.memoryUsage.rss() - before < 64 * 2 ** 20);
  });

  test('cannot keep others out by connecting over and over', async () => {
    await using patient = await Host.start({ runDirectory: join(folder.path, 'patient') });
    const { socket } = await patient.call('adapter.create', { name: 'p0', ...MEMORY });
    const many = Array.from({ length: 200 }, () => new RawClient(socket).framed());
    const refused = (): number => patient.refusals.get('too many connections') ?? 0;
    await until(() => refused() === 200 - MAX_STRANGERS);
    await until(() => many.filter(({ socket: one }) => one.closed).length === refused());
    for (const one of many) one.close();
    await until(
      () => patient.log.recent.filter((line) => /connection ended/.test(line)).length >= 199,
    );
    using one = await new RawClient(socket).framed().opened();
    one.send(FrameType.WRITE, 1, 0, echoBundle());
    assert.equal((await one.frame())!.value, 1);
  });

  test('has its place when others have theirs, up to 64', async () => {
    const all = await Promise.all(Array.from({ length: 64 }, () => HostDevice.open(made.socket)));
    await assert.rejects(HostDevice.open(made.socket), { code: TunErrorCode.BUSY });
    await all.pop()!.close();
    await until(() => host.adapters.find('m0').clients.length === 63);
    await using _one = await HostDevice.open(made.socket);
    await Promise.all(all.map((one) => one.close()));
  });
});

describe('a peer of the control socket', () => {
  const peer = (): RawClient => new RawClient(join(host.runDirectory, 'control')).lines();
  const errorOf = async (one: RawClient): Promise<{ code: number; message: string }> =>
    (JSON.parse(await one.line()) as { error: { code: number; message: string } }).error;

  test('that sends no JSON hears so and goes on', async () => {
    using one = peer();
    one.socket.write('GET / HTTP/1.1\n');
    assert.equal((await errorOf(one)).code, -32_700);
    one.socket.write('\n');
    assert.equal((await errorOf(one)).code, -32_700);
    one.socket.write('{"jsonrpc":"2.0","id":1,"method":"host.info"}\n');
    assert.match(await one.line(), /"id":1,"result"/);
  });

  for (const request of ['[]', '7', 'null', '{}', '{"id":{},"method":"host.info"}', '{"id":1}']) {
    test(`that sends ${request} hears what a request is`, async () => {
      using one = peer();
      one.socket.write(`${request}\n`);
      const { code, message } = await errorOf(one);
      assert.equal(code, -32_600);
      assert.match(message, /a request is an object like/);
    });
  }

  test('that asks for a method which every object has hears that there is none', async () => {
    using one = peer();
    one.socket.write('{"id":1,"method":"constructor"}\n{"id":2,"method":"__proto__"}\n');
    assert.equal((await errorOf(one)).code, -32_601);
    assert.equal((await errorOf(one)).code, -32_601);
  });

  test('that sends a line without end is dismissed', async () => {
    using one = peer();
    one.socket.write('x'.repeat(70_000));
    assert.match((await errorOf(one)).message, /a request has at most 65536 bytes/);
    await one.ended();
  });

  test('that sends a request a byte at a time is dismissed in time', async () => {
    using one = peer();
    const ended = one.ended();
    for (const char of '{"id":1,"method"') {
      one.socket.write(char);
      await sleep(20);
    }
    await ended;
    assert.match(one.text, /a request ends within 200 ms of its first byte/);
  });

  test('that says nothing may stay', async () => {
    using one = peer();
    await sleep(2 * DEADLINES.requestMs);
    one.socket.write('{"id":1,"method":"host.info"}\n');
    assert.match(await one.line(), /"result"/);
  });

  test('that asks for a lot and never reads is ended', async () => {
    using one = new RawClient(join(host.runDirectory, 'control'));
    one.socket.pause();
    for (let i = 0; i < 20_000; i++) {
      one.socket.write('{"id":1,"method":"debug"}\n');
      if (i % 200 === 0) await sleep(1);
      if (i > 1000 && host.controlConnections === 0) break;
    }
    one.socket.resume();
    await one.ended();
    assert.equal(host.controlConnections, 0);
  });

  test('that subscribes and never reads is ended when 4 MiB wait for it', async () => {
    using one = peer();
    one.socket.write('{"id":1,"method":"events.subscribe"}\n');
    await one.line();
    one.socket.pause();
    while (host.controlConnections > 0) {
      await host.call('adapter.pause', { adapter: 'm0' });
      for (let i = 0; i < 50; i++) await host.call('adapter.set', { adapter: 'm0', access: {} });
      await host.call('adapter.restart', { adapter: 'm0' });
      await sleep(1);
    }
    one.socket.resume();
    await one.ended();
  });

  test('cannot crash the host with parameters of the wrong kind', async () => {
    using one = peer();
    const values = [null, 7, [], {}, '', '7', true, { adapter: {} }, { adapter: 'm0', power: {} }];
    const methods = [
      'adapter.show',
      'adapter.create',
      'adapter.set',
      'adapter.power',
      'statistics',
    ];
    for (const method of methods) {
      for (const params of values) {
        one.socket.write(`${JSON.stringify({ id: 1, method, params })}\n`);
        const answer = JSON.parse(await one.line()) as { error?: { code: number } };
        assert.notEqual(answer.error?.code, -32_603, `${method} ${JSON.stringify(params)}`);
      }
    }
  });
});
