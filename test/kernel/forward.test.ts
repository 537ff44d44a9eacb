/**
 * The system's own tools across two namespaces, all through examples/forward.ts:
 *
 * ```
 *   namespace a                                        namespace b
 *   10.9.0.1, fd09::1 ── TUN ── forward.ts ── TUN ── 10.9.0.2, fd09::2
 * ```
 */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { addNetns, deleteNetns, rootSkip } from './support/netns.ts';

const run = promisify(execFile);
const FORWARD = new URL('../../examples/forward.js', import.meta.url).pathname;
const DOWNLOAD_BYTES = 32 * 1024 * 1024;

describe('two namespaces joined by examples/forward.ts', {
  skip: rootSkip('iperf3', 'ping', 'curl'),
}, () => {
  let a: string;
  let b: string;
  let forwarder: ChildProcess;
  let printed = '';

  before(async () => {
    a = await addNetns();
    b = await addNetns();
    forwarder = spawn(
      process.execPath,
      [FORWARD, '--left', `${a}:10.9.0.1/24,fd09::1/64`, '--right', `${b}:10.9.0.2/24,fd09::2/64`],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    forwarder.stdout!.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    while (!printed.includes('forwarding')) await once(forwarder.stdout!, 'data');
  });

  after(async () => {
    forwarder.kill('SIGTERM');
    const [code] =
      forwarder.exitCode === null ? await once(forwarder, 'exit') : [forwarder.exitCode];
    await deleteNetns(a);
    await deleteNetns(b);
    assert.equal(code, 0);
    assert.match(printed, /"left":\{"read":\d+/);
  });

  async function inA(...command: string[]): Promise<string> {
    const { stdout } = await run('ip', ['netns', 'exec', a, ...command], { maxBuffer: 1 << 26 });
    return stdout;
  }

  function startInB(...command: string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', b, ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  /** Runs iperf3 in a against a server in b and returns its report. */
  async function iperf(...flags: string[]): Promise<IperfReport> {
    const server = startInB('iperf3', '-s', '-1', '--forceflush');
    await once(server.stdout!, 'data');
    const report = JSON.parse(await inA('iperf3', '-J', '-t', '2', ...flags)) as IperfReport;
    if (server.exitCode === null) await once(server, 'exit');
    return report;
  }

  /** Pings `count` times; once more, because ping gives the last reply no longer than two round trips. */
  async function ping(count: number, ...flags: string[]): Promise<void> {
    const out = await inA('ping', '-n', '-c', String(count + 1), '-i', '0.01', ...flags);
    const answered = [...out.matchAll(/icmp_seq=(\d+) ttl/g)].map((match) => Number(match[1]));
    for (let sequence = 1; sequence <= count; sequence++) {
      assert.ok(answered.includes(sequence), `no reply to ${sequence} of ${count}: ${out}`);
    }
  }

  for (const size of [0, 1, 56, 548, 1472, 1473, 8000, 60_000]) {
    test(`ping -s ${size} passes both ways`, () => ping(10, '-s', String(size), '10.9.0.2'));
  }

  for (const size of [0, 56, 1452, 1453, 60_000]) {
    test(`ping -6 -s ${size} passes both ways`, () =>
      ping(10, '-6', '-s', String(size), 'fd09::2'));
  }

  for (const [direction, flags] of [
    ['from a to b', []],
    ['from b to a', ['-R']],
  ] as const) {
    for (const address of ['10.9.0.2', 'fd09::2']) {
      test(`iperf3 TCP ${direction} to ${address} moves data to the end`, async () => {
        const { end } = await iperf('-c', address, ...flags);
        assert.ok(end.sum_received!.bytes > 10_000_000, `${end.sum_received!.bytes} bytes`);
      });

      test(`iperf3 UDP at 5 Mbit/s ${direction} to ${address} passes`, async () => {
        const { end } = await iperf('-c', address, '-u', '-b', '5M', '-l', '1200', ...flags);
        const { packets, lost_packets: lost } = end.sum!;
        // The receiver's socket holds 92 such datagrams: on a busy machine it may lose some itself.
        assert.ok(packets > 500 && lost < packets / 100, `${lost} of ${packets} lost`);
      });
    }
  }

  test('an HTTP download arrives byte for byte', async () => {
    const body = randomBytes(1024 * 1024);
    const hash = createHash('sha256');
    for (let i = 0; i < DOWNLOAD_BYTES / body.length; i++) hash.update(body);
    const url = await serve(body);
    const sum = await inA('sh', '-c', `curl -sS --max-time 60 ${url} | sha256sum`);
    assert.equal(sum.split(' ')[0], hash.digest('hex'));
  });

  /** Serves `body`, repeated, once, in b. */
  async function serve(body: Buffer): Promise<string> {
    const server = spawn(
      'ip',
      [
        'netns',
        'exec',
        b,
        process.execPath,
        '-e',
        `const chunks = [];
         process.stdin.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
           const body = Buffer.concat(chunks);
           const server = require('node:http').createServer((request, response) => {
             let left = ${DOWNLOAD_BYTES / body.length};
             const more = () => {
               while (left-- > 0) if (!response.write(body)) return response.once('drain', more);
               response.end();
               server.close();
             };
             more();
           });
           server.listen(8080, () => console.log('listening'));
         });`,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    server.stdin.end(body);
    await once(server.stdout, 'data');
    return 'http://10.9.0.2:8080/';
  }
});

interface IperfReport {
  readonly end: {
    readonly sum_received?: { readonly bytes: number };
    readonly sum?: { readonly packets: number; readonly lost_packets: number };
  };
}
