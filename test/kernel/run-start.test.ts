/**
 * The start of a command, when something is odd about it: no descriptors left, streams that are ignored,
 * signals that come too early, threads that are terminated, options that the helper alone can judge.
 */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Rootless, rootlessSkip } from '../support/rootless.ts';

const options = { skip: rootlessSkip('ping') };
const user = options.skip === false ? new Rootless() : undefined;
after(() => user?.[Symbol.dispose]());

/** Runs a module in which `run(options)` is `runInNamespace` on the rung `rootless`; returns what it returns. */
async function program(code: string, before = ''): Promise<unknown> {
  const text = `
    import { runInNamespace } from 'typetun/run';
    import { openSync, closeSync, readdirSync, readFileSync } from 'node:fs';
    const onAdapter = (adapter) => void adapter.openDevice();
    const run = (options) => runInNamespace({ command: ['true'], rung: 'rootless', onAdapter, ...options }).then(
      ({ status, signal, unstarted }) => ({ status, signal, unstarted }),
      (error) => ({ name: error.name, code: error.code, message: error.message }));
    const unhandled = [];
    for (const event of ['unhandledRejection', 'uncaughtException']) process.on(event, (error) => unhandled.push(String(error)));
    const outcome = await (async () => { ${code} })().catch(String);
    console.log(JSON.stringify({ outcome, unhandled }));`;
  const shell = `${before} exec "$@"`;
  const words = [process.execPath, '--input-type=module', '--eval', text];
  const { stdout, stderr, status } = await user!.run(['sh', '-c', shell, 'sh', ...words]);
  assert.equal(status, 0, stderr);
  const { outcome, unhandled } = JSON.parse(stdout) as { outcome: unknown; unhandled: unknown[] };
  assert.deepEqual(unhandled, []);
  return outcome;
}

test(
  'without enough descriptors the start fails with an error of ours alone',
  options,
  async () => {
    const outcome = (await program(
      `
    await run({});
    const outcomes = [];
    for (let room = 0; room < 12; room++) {
      const taken = [];
      try { for (;;) taken.push(openSync('/dev/null', 'r')); } catch {}
      for (let i = 0; i < room; i++) closeSync(taken.pop());
      outcomes.push(await run({}));
      for (const fd of taken) closeSync(fd);
    }
    return outcomes;`,
      'ulimit -n 100;',
    )) as { readonly code?: string; readonly status?: number }[];
    assert.equal(outcome[0]!.code, 'ERR_TUN_SYSCALL');
    assert.equal(outcome.at(-1)!.status, 0);
    for (const { code, status } of outcome) assert.ok(code === 'ERR_TUN_SYSCALL' || status === 0);
  },
);

for (const [stdio, expected] of [
  ['"ignore"', ''],
  ['["ignore", "pipe", "ignore"]', '/dev/null\n'],
] as const) {
  test(`with stdio ${stdio} standard error is the null device`, options, async () => {
    const text = await program(`
      let text = '';
      const { status } = await run({
        command: ['sh', '-c', 'readlink /proc/self/fd/2; echo gone >&2 && [ "$(readlink /proc/self/fd/2)" = /dev/null ]'],
        stdio: ${stdio},
        onAdapter(adapter, { stdout }) {
          adapter.openDevice();
          stdout?.on('data', (part) => { text += part; });
        },
      });
      return [status, text];`);
    assert.deepEqual(text, [0, expected]);
  });
}

test(
  'streams that are left out of the list are pipes, and more than three are refused',
  options,
  async () => {
    const outcome = await program(`
    let pipes;
    const first = await run({ stdio: ['ignore', undefined, null], onAdapter(adapter, { stdout, stderr }) {
      adapter.openDevice();
      pipes = [stdout !== null, stderr !== null];
    } });
    return [first.status, pipes, (await run({ stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })).name];`);
    assert.deepEqual(outcome, [0, [true, true], 'TypeError']);
  },
);

for (const [signal, status] of [
  ['SIGTERM', 143],
  ['SIGUSR1', 138],
  ['SIGKILL', 137],
] as const) {
  test(`${signal} before the command has started ends it as if it had`, options, async () => {
    const outcome = await program(`
      let sent;
      const result = await run({ command: ['sleep', '60'], onAdapter(adapter, started) {
        adapter.openDevice();
        sent = started.kill('${signal}');
      } });
      return { sent, ...result };`);
    if (signal === 'SIGKILL') {
      // It ends the helper at once, which is then no command's end.
      assert.equal((outcome as { code: string }).code, 'ERR_TUN_HELPER');
    } else {
      assert.deepEqual(outcome, { sent: true, status, signal });
    }
  });
}

test('a signal to the helper from elsewhere counts as one to the command', options, async () => {
  const outcome = await program(`
    return run({ command: ['sleep', '60'], onAdapter(adapter, { pid }) {
      adapter.openDevice();
      process.kill(pid, 'SIGINT');
    } });`);
  assert.deepEqual(outcome, { status: 130, signal: 'SIGINT' });
});

test('threads that are terminated during a run leave no descriptor', options, async () => {
  const worker = join(user!.home, 'worker.mjs');
  writeFileSync(
    worker,
    `import { parentPort, workerData } from 'node:worker_threads';
    const { runInNamespace } = await import(workerData);
    await runInNamespace({ command: ['sleep', '60'], rung: 'rootless', onAdapter: async (adapter) => {
      const device = adapter.openDevice();
      parentPort.postMessage('runs');
      for await (const bundle of device);
    } });`,
  );
  const outcome = (await program(`
    const { Worker } = await import('node:worker_threads');
    const { setTimeout: sleep } = await import('node:timers/promises');
    const workerData = import.meta.resolve('typetun/run');
    const counts = [];
    for (let i = 0; i < 6; i++) {
      const worker = new Worker(${JSON.stringify(worker)}, { workerData, execArgv: [] });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await worker.terminate();
      await sleep(100);
      counts.push(readdirSync('/proc/self/fd').length);
    }
    return counts;`)) as number[];
  assert.equal(outcome.at(-1), outcome[1], String(outcome));
});

for (const [what, given, name] of [
  ['a name with a slash', "name: 'a/b'", 'TypeError'],
  ['an MTU beyond all packets', 'mtu: 99_999', 'RangeError'],
  ['a number in env', 'env: { PORT: 80 }', 'TypeError'],
  ['a zero byte in the name of a variable', "env: { 'A\\0B': '' }", 'TypeError'],
  ['a variable with "=" in its name', "env: { 'A=B': '' }", 'TypeError'],
] as const) {
  test(`${what} is refused as a wrong argument`, options, async () => {
    const outcome = (await program(`return run({ ${given} });`)) as { name: string };
    assert.equal(outcome.name, name, JSON.stringify(outcome));
  });
}

test(
  'the DNS configuration is readable whatever the umask, and never a file of the system',
  options,
  async () => {
    const outcome = await program(
      `
    let text = '';
    let files;
    const seen = () => readdirSync('/tmp').filter((name) => name.startsWith('typetun-run-'));
    const { status } = await run({
      command: ['sh', '-c', 'stat -c %a /etc/resolv.conf; cat /etc/resolv.conf; ls -d /tmp/.. >/dev/null'],
      dns: ['10.7.0.2'],
      stdio: ['ignore', 'pipe', 'inherit'],
      onAdapter(adapter, { stdout }) {
        adapter.openDevice();
        files = seen();
        stdout.on('data', (part) => { text += part; });
      },
    });
    return [status, text, files];`,
      'umask 077;',
    );
    assert.deepEqual(outcome, [0, '644\nnameserver 10.7.0.2\n', []]);
  },
);

const typetun = `${process.execPath} dist/cli/main.js run --rung rootless`;

const seven = `${typetun} sh -c 'sleep 0.2; exit 7'; echo $?`;
for (const [where, line] of [
  ['is full', `(${seven}) 2>/dev/full`],
  ['is closed at its other end', `{ { ${seven} >&3; } 2>&1 >/dev/null | true; } 3>&1`],
] as const) {
  test(`the status is the command's also when standard error ${where}`, options, async () => {
    const { stdout } = await user!.run(['sh', '-c', line]);
    assert.equal(stdout, '7\n');
  });
}

test('what is not UTF-8 is refused by name, not changed', options, async () => {
  const script = join(user!.home, 'latin1');
  writeFileSync(script, Buffer.from(`${typetun} printf %s '\xe9'\n`, 'latin1'));
  const word = await user!.run(['sh', script]);
  assert.equal(word.status, 2);
  assert.match(word.stderr, /the argument "é" is not UTF-8/);
  writeFileSync(script, Buffer.from(`ODD='\xe9' ${typetun} true\n`, 'latin1'));
  const variable = await user!.run(['sh', script]);
  assert.equal(variable.status, 2);
  assert.match(variable.stderr, /the environment variable "ODD=é" is not UTF-8/);
});
