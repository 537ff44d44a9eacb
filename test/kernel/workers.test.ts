/** Functions of packets over worker threads on the kernel: each thread has a queue of every adapter. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Adapter, startWorkers } from 'typetun';
import { rootSkip, withNetns } from './support/netns.ts';
import { runFlows } from './support/udp-flows.ts';

const run = promisify(execFile);
const MODULE = new URL('../support/handler-modules.js', import.meta.url);
const WORKERS = 3;
const FLOWS = 24;

/** Sends every datagram back to where it came from. */
const ECHO = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  socket.bind(4000, () => console.log('bound'));
`;

interface Sides {
  readonly left: Adapter;
  readonly right: Adapter;
  readonly a: string;
  readonly b: string;
}

async function withSides(
  offload: 'off' | 'split' | 'carry',
  use: (sides: Sides) => Promise<void>,
): Promise<void> {
  await withNetns((a) =>
    withNetns(async (b) => {
      const common = { name: 'tt0', offload, queues: WORKERS };
      await using left = await Adapter.create({ ...common, addresses: ['10.7.0.1/24'], netns: a });
      await using right = await Adapter.create({ ...common, addresses: ['10.7.0.2/24'], netns: b });
      await use({ left, right, a, b });
    }),
  );
}

/** Starts a server in a namespace; resolves when it says the first thing. Its end ends it. */
async function serve(netns: string, ...command: string[]): Promise<AsyncDisposable> {
  const child = spawn('ip', ['netns', 'exec', netns, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.stdout.resume();
  return {
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return;
      child.kill();
      await once(child, 'exit');
    },
  };
}

describe('a group of workers between two namespaces', { skip: rootSkip('iperf3') }, () => {
  for (const offload of ['off', 'split', 'carry'] as const) {
    test(`loses and reorders nothing of many flows: ${offload}`, async () => {
      await withSides(offload, async ({ left, right, a, b }) => {
        await using group = await startWorkers({ adapters: [left, right] });
        assert.equal(group.workers, WORKERS);
        await using _echo = await serve(b, process.execPath, '-e', ECHO);
        const seen = await runFlows(a, FLOWS, 1000);
        assert.ok(seen.sent > FLOWS * 8, `${seen.sent} datagrams were sent`);
        assert.deepEqual({ ...seen, received: seen.sent }, seen);
        assert.deepEqual([seen.disordered, seen.silentAtEnd], [0, 0]);
        const { packetsRead } = left.statistics.bundles;
        assert.ok(packetsRead >= seen.sent, `${packetsRead} were read for ${seen.sent}`);
        await group.close();
        assert.deepEqual([left.openHandles, right.openHandles], [0, 0]);
      });
    });

    test(`carries TCP streams side by side: ${offload}`, async () => {
      await withSides(offload, async ({ left, right, a, b }) => {
        await using _group = await startWorkers({ adapters: [left, right], workers: WORKERS });
        await Promise.all([streams(a, b, '5201'), streams(a, b, '5202', '-R')]);
      });
    });
  }

  test('reflects with a packet function, each flow in its own thread', async () => {
    await withNetns(async (netns) => {
      const addresses = ['10.7.0.1/24'];
      await using adapter = await Adapter.create({ addresses, netns, queues: WORKERS });
      const options = { module: MODULE, data: { program: 'reflect' }, workers: WORKERS };
      await using _group = await startWorkers({ adapters: [adapter], ...options });
      await using _echo = await serve(netns, process.execPath, '-e', ECHO);
      const seen = await runFlows(netns, FLOWS, 1000);
      assert.ok(seen.sent > FLOWS * 8, `${seen.sent} datagrams were sent`);
      assert.deepEqual({ ...seen, received: seen.sent, disordered: 0, silentAtEnd: 0 }, seen);
    });
  });
});

/**
 * Six streams in one direction, each of which is to arrive. Not `--bidir`: iperf3 tells the directions by the
 * order in which streams are accepted, which is not that of connecting where each has a queue of its own.
 */
async function streams(a: string, b: string, port: string, ...flags: string[]): Promise<void> {
  await using _server = await serve(b, 'iperf3', '-s', '-1', '--forceflush', '-p', port);
  const client = ['iperf3', '-J', '-c', '10.7.0.2', '-p', port, '-P', '6', '-t', '2', ...flags];
  const { stdout } = await run('ip', ['netns', 'exec', a, ...client], { maxBuffer: 1 << 26 });
  const { end } = JSON.parse(stdout) as { end: { streams: readonly Stream[] } };
  assert.equal(end.streams.length, 6);
  for (const { receiver } of end.streams) assert.ok(receiver.bytes > 0);
}

interface Stream {
  readonly receiver: { readonly bytes: number };
}
