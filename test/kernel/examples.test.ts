/** The examples that need the kernel, run as a reader of the README would. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);

test('npm run example -- echo answers pings', { skip: rootSkip('ping') }, async () => {
  await withNetns(async (netns) => {
    const inside = ['netns', 'exec', netns];
    const example = spawn('ip', [...inside, 'npm', 'run', 'example', '--', 'echo'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    try {
      let printed = '';
      example.stdout.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
      });
      while (!printed.includes('answering')) await once(example.stdout, 'data');
      for (const size of ['0', '56', '1472']) {
        const { stdout } = await run('ip', [
          ...inside,
          'ping',
          '-c',
          '3',
          '-i',
          // The last reply has no more time than this.
          '0.1',
          '-s',
          size,
          '10.7.0.2',
        ]);
        assert.match(stdout, /3 received, 0% packet loss/);
      }
    } finally {
      process.kill(-example.pid!, 'SIGTERM');
      await once(example, 'exit');
    }
  });
});

test('npm run example -- forward joins two namespaces by threads', {
  skip: rootSkip('ping'),
}, async () => {
  await withNetns((left) =>
    withNetns(async (right) => {
      const sides = ['--left', `${left}:10.9.0.1/24`, '--right', `${right}:10.9.0.2/24`];
      const args = ['run', 'example', '--', 'forward', ...sides, '--threads', '2'];
      const example = spawn('npm', args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
      try {
        let printed = '';
        example.stdout.setEncoding('utf8').on('data', (text: string) => {
          printed += text;
        });
        while (!printed.includes(`in ${left} and`)) await once(example.stdout, 'data');
        const ping = ['ping', '-c', '3', '-i', '0.1', '10.9.0.2'];
        const { stdout } = await run('ip', ['netns', 'exec', left, ...ping]);
        assert.match(stdout, /3 received, 0% packet loss/);
      } finally {
        process.kill(-example.pid!, 'SIGTERM');
        await once(example, 'exit');
      }
    }),
  );
});
