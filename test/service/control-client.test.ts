import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { TunErrorCode } from 'typetun';
import { ControlClient, type ControlEvent } from 'typetun/service';

/** A host that answers each line as it is told to. */
describe('a client of the control socket', () => {
  let folder: string;
  let server: Server | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'typetun-control-'));
  });

  afterEach(() => {
    server?.close();
    server = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  async function host(answer: (line: string, socket: Socket) => void): Promise<ControlClient> {
    const listening = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        for (const line of data.toString().split('\n')) if (line !== '') answer(line, socket);
      });
    });
    server = listening;
    await new Promise<void>((resolve) => listening.listen(join(folder, 'control'), resolve));
    return ControlClient.connect({ runDirectory: folder });
  }

  test('resolves a call with the result of its number', async () => {
    await using client = await host((line, socket) => {
      const { id, method } = JSON.parse(line) as { id: number; method: string };
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: [method] })}\n`);
    });
    const [list, info] = await Promise.all([client.call('adapter.list'), client.call('host.info')]);
    assert.deepEqual([list, info], [['adapter.list'], ['host.info']]);
  });

  test('rejects with the error that the host had', async () => {
    const errors = [
      { code: -32_000, message: 'none', data: { type: 'TunError', code: 'ERR_TUN_NOT_FOUND' } },
      { code: -32_602, message: 'mtu is 7', data: { type: 'RangeError' } },
    ];
    await using client = await host((line, socket) => {
      const { id } = JSON.parse(line) as { id: number };
      socket.write(`${JSON.stringify({ id, error: errors[id - 1] })}\n`);
    });
    const call = (): Promise<unknown> => client.call('adapter.show', { adapter: 'a' });
    await assert.rejects(call(), { code: TunErrorCode.NOT_FOUND, message: 'none' });
    await assert.rejects(call(), RangeError);
  });

  test('says why a host that refuses it ended the connection', async () => {
    await using client = await host((_line, socket) => {
      const error = { code: -32_001, message: 'user 7 may not' };
      socket.end(`${JSON.stringify({ jsonrpc: '2.0', id: null, error })}\n`);
    });
    const refused = { code: TunErrorCode.NO_PRIVILEGE, message: 'user 7 may not' };
    await assert.rejects(client.call('host.info'), refused);
    await client.closed;
    await assert.rejects(client.call('host.info'), refused);
  });

  test('rejects what waits when the host ends', async () => {
    await using client = await host((_line, socket) => socket.destroy());
    await assert.rejects(client.call('host.info'), { code: TunErrorCode.NO_HOST });
  });

  test('ends the connection to something that is no host', async () => {
    await using client = await host((_line, socket) =>
      socket.write('HTTP/1.1 400 Bad Request\r\n'),
    );
    await assert.rejects(client.call('host.info'), { code: TunErrorCode.PROTOCOL });
    await client.closed;
  });

  test('tells listeners of events, until they stop', async () => {
    await using client = await host((line, socket) => {
      const { id } = JSON.parse(line) as { id: number };
      const event = { jsonrpc: '2.0', method: 'event', params: { event: 'host.stopping' } };
      socket.write(`${JSON.stringify({ id, result: {} })}\n${JSON.stringify(event)}\n`);
    });
    const events: ControlEvent[] = [];
    const told = new Promise<void>((resolve) => {
      void client
        .subscribe((event) => {
          events.push(event);
          resolve();
        })
        .then((stop) => told.then(stop));
    });
    await told;
    await client.call('host.info');
    await client.call('host.info');
    assert.deepEqual(events, [{ event: 'host.stopping' }]);
  });

  test('says where it looked when there is no host', async () => {
    await assert.rejects(ControlClient.connect({ runDirectory: folder }), {
      code: TunErrorCode.NO_HOST,
      message: new RegExp(folder),
    });
  });
});
