/** The dashboard's server: what it gives, to whom, and that hostile ones cost nobody anything. */

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TunErrorCode } from 'typetun';
import { Observers, type ObserveOptions, type Sample } from 'typetun/observe';
import { ask, dial, say } from '../support/http.ts';
import { ScriptedControl } from '../support/scripted-control.ts';
import { until } from '../support/until.ts';

const TOKEN = '0123456789abcdef0123456789abcdef';
const WITH_TOKEN = { Authorization: `Bearer ${TOKEN}` };
const ADAPTERS = [{ name: 'demo', out: () => 1000, in: () => 500 }];
/** As many pages as may listen. */
const STREAMS = 16;
const CONNECTIONS = 64;

interface Served extends AsyncDisposable {
  readonly control: ScriptedControl;
  readonly url: string;
  readonly observers: Observers;
}

async function serve(options: ObserveOptions = {}): Promise<Served> {
  const control = new ScriptedControl(ADAPTERS, 1);
  const observers = await Observers.open(control, {
    dashboard: '127.0.0.1:0',
    intervalMs: 20,
    ...options,
  });
  const url = observers.dashboardUrl!;
  return { control, observers, url, [Symbol.asyncDispose]: () => observers.close() };
}

describe('a dashboard', () => {
  let folder: string;
  let tokenFile: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'typetun-dashboard-'));
    tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  test('gives its page under a policy that lets nothing in from elsewhere', async () => {
    await using served = await serve();
    const page = await ask(served.url);
    assert.equal(page.status, 200);
    assert.match(page.body, /<script type="module" src="\/page\/main\.js">/);
    assert.match(
      String(page.headers['content-security-policy']),
      /default-src 'none'.*frame-ancestors 'none'/,
    );
    assert.equal(page.headers['access-control-allow-origin'], undefined);
    const script = await ask(`${served.url}page/main.js`);
    assert.match(String(script.headers['content-type']), /^text\/javascript/);
    for (const path of script.body.matchAll(/from '\.\/(.+?)'/g)) {
      assert.equal((await ask(`${served.url}page/${path[1]}`)).status, 200, path[1]);
    }
    const all = [page.body, script.body, (await ask(`${served.url}style.css`)).body].join('\n');
    assert.deepEqual(
      all.match(/https?:\/\/[^\s"']*/g) ?? [],
      [],
      'nothing is fetched from elsewhere',
    );
  });

  test('gives a sample with rates, and goes on by server-sent events', async () => {
    await using served = await serve();
    await until(() => served.control.calls.filter((call) => call === 'statistics').length > 2);
    const { body } = await ask(`${served.url}api/sample`);
    const [adapter] = (JSON.parse(body) as Sample).adapters;
    assert.equal(adapter?.rates.outPackets, 1000);
    assert.equal(adapter?.rates.inPackets, 500);

    const socket = dial(served.url);
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString()));
    socket.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => heard.includes('event: sample'));
    assert.match(
      heard,
      /text\/event-stream[\s\S]*event: hello\ndata: \{"intervalMs":20,"controls":false/,
    );
    served.control.become('demo', 'Pausing');
    await until(() => heard.includes('event: happening'));
    assert.match(heard, /"text":"demo is Pausing","adapter":"demo","state":"Pausing"/);
    socket.destroy();
  });

  test('changes nothing unless it was started with a token', async () => {
    await using served = await serve();
    const refused = await ask(`${served.url}api/adapters/demo/pause`, {}, 'POST');
    assert.equal(refused.status, 403);
    assert.match(refused.body, /only shows; start the host with --dashboard-token-file/);
    assert.deepEqual(
      served.control.calls.filter((call) => call.includes('demo')),
      [],
    );
  });

  test('with a token shows and changes for who has it, and for nobody else', async () => {
    await using served = await serve({ dashboardTokenFile: tokenFile });
    const order = `${served.url}api/adapters/demo/pause`;
    for (const headers of [
      {},
      { Authorization: 'Bearer ' },
      { Authorization: `Bearer ${TOKEN}0` },
      { Authorization: `Bearer ${TOKEN.slice(0, -1)}` },
      { Authorization: `Basic ${TOKEN}` },
    ]) {
      for (const path of ['api/sample', 'api/events']) {
        assert.equal((await ask(served.url + path, headers)).status, 401, path);
      }
      assert.equal((await ask(order, headers, 'POST')).status, 401);
    }
    assert.equal((await ask(served.url)).status, 200, 'the page itself tells nothing');
    assert.equal((await ask(`${served.url}api/sample?token=${TOKEN}`)).status, 401);
    assert.deepEqual(
      served.control.calls.filter((call) => call.includes('demo')),
      [],
    );

    assert.equal((await ask(order, WITH_TOKEN, 'POST')).status, 204);
    assert.equal((await ask(order.replace('pause', 'restart'), WITH_TOKEN, 'POST')).status, 204);
    assert.deepEqual(
      served.control.calls.filter((call) => call.includes('demo')),
      ['adapter.pause demo', 'adapter.restart demo'],
    );
    assert.equal((await ask(order, WITH_TOKEN)).status, 405, 'a GET changes nothing');
    const unknown = await ask(order.replace('demo', 'nope'), WITH_TOKEN, 'POST');
    assert.deepEqual([unknown.status, unknown.body], [409, 'no adapter is called nope\n']);
    assert.equal((await ask(order.replace('demo', '%E0'), WITH_TOKEN, 'POST')).status, 409);
  });

  test('is not for other machines without a token', async () => {
    for (const at of ['0.0.0.0:0', '[::]:0']) {
      await assert.rejects(serve({ dashboard: at }), {
        code: TunErrorCode.CONFIG,
        message: /takes a token \(--dashboard-token-file FILE\)/,
      });
    }
    await using served = await serve({ dashboard: '0.0.0.0:0', dashboardTokenFile: tokenFile });
    const url = served.url.replace('0.0.0.0', '127.0.0.1');
    assert.equal((await ask(`${url}api/sample`)).status, 401);
    assert.equal((await ask(`${url}api/sample`, WITH_TOKEN)).status, 200);
  });

  test('refuses addresses and token files that are of no use, with the remedy', async () => {
    for (const at of [
      '8080',
      'localhost',
      'example.org:80',
      '127.0.0.1:70000',
      '::1:80',
      '[::1]',
    ]) {
      await assert.rejects(
        serve({ dashboard: at }),
        /is no address to listen at; give ADDRESS:PORT/,
      );
    }
    const open = join(folder, 'open');
    writeFileSync(open, TOKEN, { mode: 0o600 });
    chmodSync(open, 0o644);
    const short = join(folder, 'short');
    writeFileSync(short, 'secret', { mode: 0o600 });
    for (const [file, why] of [
      [open, /others may read it; chmod 600/],
      [short, /16 to 1024 visible ASCII characters; make one with: openssl rand -hex 32/],
      [join(folder, 'none'), /ENOENT/],
    ] as const) {
      await assert.rejects(serve({ dashboardTokenFile: file }), {
        code: TunErrorCode.CONFIG,
        message: why,
      });
    }
    await using served = await serve();
    const { host } = new URL(served.url);
    await assert.rejects(serve({ dashboard: host }), /somebody listens there already/);
  });

  test('refuses what a foreign page or a foreign name makes a browser ask', async () => {
    await using served = await serve({ dashboardTokenFile: tokenFile });
    const { port } = new URL(served.url);
    const own = `127.0.0.1:${port}`;
    for (const [headers, status] of [
      [{ Host: 'rebound.example.org' }, 421],
      [{ Host: `rebound.example.org:${port}` }, 421],
      [{ Host: '127.0.0.1.example.org' }, 421],
      [{ Host: own, Origin: 'https://evil.example.org' }, 403],
      [{ Host: own, Origin: 'null' }, 403],
      [{ Host: own, Origin: `https://${own}` }, 403],
      [{ Host: own, Origin: 'http://127.0.0.1:1' }, 403],
      [{ Host: own, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }, 403],
      [{ Host: own, 'Sec-Fetch-Site': 'same-site' }, 403],
      [{ Host: own }, 200],
      [{ Host: `localhost:${port}`, Origin: `http://localhost:${port}` }, 200],
      [{ Host: own, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }, 200],
      [{ Host: own, 'Sec-Fetch-Site': 'none' }, 200],
    ] as const) {
      const said = { ...WITH_TOKEN, ...headers } as Record<string, string>;
      const { status: got } = await ask(`${served.url}api/sample`, said);
      assert.equal(got, status, JSON.stringify(headers));
    }
    const crossed = { ...WITH_TOKEN, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' };
    const { status } = await ask(`${served.url}api/adapters/demo/pause`, crossed, 'POST');
    assert.equal(status, 403);
    assert.equal(served.observers.refusals['host'], 3);
  });

  test('opens no path that a request names', async () => {
    await using served = await serve();
    const lines = [
      '/../../../../etc/passwd',
      '/page/../../../package.json',
      '/page/%2e%2e/%2e%2e/cli/main.js',
      '/page/..%2f..%2fcli/main.js',
      '/page//main.js',
      '/page/main.js.map',
      '/page/model.js',
      '/page/',
      '//etc/passwd',
      '/api/../page/main.js',
      '/API/sample',
    ];
    for (const path of lines) {
      const answer = await say(
        served.url,
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 404 /, path);
    }
    const absolute = await say(
      served.url,
      'GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
    );
    assert.match(absolute, /^HTTP\/1\.1 400 /);
  });

  test('turns away what is no request, is too large, has a body, or another method', async () => {
    await using served = await serve();
    const head = 'Host: localhost\r\nConnection: close\r\n';
    for (const [request, status] of [
      ['\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 400],
      ['GET\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\n${head}Big: ${'x'.repeat(9000)}\r\n\r\n`, 431],
      [`GET /${'x'.repeat(9000)} HTTP/1.1\r\n${head}\r\n`, 431],
      [`GET / HTTP/1.1\r\n${head}${'A: bbbbbbbb\r\n'.repeat(1500)}\r\n`, 431],
      ['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
      ['GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n', 421],
      [`DELETE / HTTP/1.1\r\n${head}\r\n`, 405],
      [`POST / HTTP/1.1\r\n${head}\r\n`, 405],
      [`POST /api/adapters/demo/pause HTTP/1.1\r\n${head}Content-Length: 5\r\n\r\nhello`, 413],
      [`POST / HTTP/1.1\r\n${head}Content-Length: 99999999999\r\n\r\n`, 413],
      [`GET / HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 413],
    ] as const) {
      const answer = await say(served.url, request);
      assert.match(
        answer,
        new RegExp(`^HTTP/1\\.1 ${status} `),
        `${request.slice(0, 60)}: ${answer.slice(0, 60)}`,
      );
    }
    assert.equal((await ask(served.url)).status, 200);
  });

  test('ends connections that say nothing, or say it one byte at a time', async () => {
    await using served = await serve();
    const begun = performance.now();
    const silent = say(served.url, '');
    const slow = dial(served.url);
    const ended = new Promise<void>((resolve) => slow.once('close', () => resolve()));
    slow.on('error', () => undefined);
    slow.resume();
    slow.write('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => slow.write('A'), 200).unref();
    await Promise.all([silent, ended]);
    clearInterval(drip);
    assert.ok(performance.now() - begun < 15_000);
    assert.equal((await ask(served.url)).status, 200);
  });

  test('lets so many pages listen, and so many connections be, and no more', async () => {
    await using served = await serve();
    const sockets: Socket[] = [];
    const open = async (count: number, text: string): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const socket = dial(served.url);
        socket.on('error', () => undefined);
        sockets.push(socket);
        await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
        socket.write(text);
      }
    };
    await open(STREAMS, 'GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => sockets.every((socket) => socket.bytesRead > 0));
    const more = await ask(`${served.url}api/events`);
    assert.equal(more.status, 503);
    assert.equal(more.headers['retry-after'], '5');
    assert.equal(
      (await ask(`${served.url}api/sample`)).status,
      200,
      'others are served all the same',
    );

    sockets.pop()!.destroy();
    await until(() => served.observers.refusals['streams'] === 1);
    const again = dial(served.url);
    sockets.push(again);
    let heard = '';
    again.on('data', (chunk) => (heard += chunk.toString()));
    await until(() => {
      if (heard === '') again.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
      return heard.includes('event: hello');
    });

    await open(CONNECTIONS, '');
    await until(() => (served.observers.refusals['connections'] ?? 0) > 0);
    for (const socket of sockets) socket.destroy();
    let status = 0;
    const look = (): void => {
      ask(served.url).then(
        (answer) => (status = answer.status),
        () => undefined,
      );
    };
    await until(() => {
      look();
      return status === 200;
    });
  });

  test('lets go of a page that does not read', async () => {
    const control = new ScriptedControl(
      Array.from({ length: 200 }, (_, index) => ({ name: `adapter-${index}`, out: () => 1000 })),
      1,
    );
    await using observers = await Observers.open(control, {
      dashboard: '127.0.0.1:0',
      intervalMs: 5,
    });
    const socket = dial(observers.dashboardUrl!);
    socket.on('error', () => undefined);
    socket.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    socket.pause();
    await until(() => socket.bytesWritten > 0);
    await new Promise<void>((resolve) => {
      // It is only noticed by reading: the reset comes behind what was sent before.
      const look = setInterval(() => {
        socket.read(1 << 20);
        if (socket.destroyed || socket.readableEnded) resolve();
      }, 500);
      socket.once('close', () => {
        clearInterval(look);
        resolve();
      });
    });
    assert.equal((await ask(observers.dashboardUrl!)).status, 200);
  });

  test('ends with the host, and lets the process end', async () => {
    await using served = await serve();
    const stream = say(
      served.url,
      'GET /api/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    await until(() => served.control.calls.length > 9);
    served.control.failure = new Error('the host is gone');
    assert.match(await stream, /event: hello/);
    await served.observers.close();
    await served.observers.close();
    assert.equal(served.control.listeners, 0);
    await assert.rejects(ask(served.url), { code: 'ECONNREFUSED' });
  });
});
