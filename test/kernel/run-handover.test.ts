/**
 * `runInNamespace` when the helper dies at each step of the hand-over, when the program's own part fails,
 * and after many runs: a clear error, and nothing left.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { scaled } from '../race/scale.ts';
import { Rootless, rootlessSkip } from '../support/rootless.ts';

const skip = rootlessSkip('ping');
const options = { skip };
const user = skip === false ? new Rootless() : undefined;
after(() => user?.[Symbol.dispose]());

/** Full scale of the runs in a row; the least before each commit. */
const RUNS = 200;
const LEAST_RUNS = 20;

/** What a program sees of itself: descriptors, children, zombies; to be compared. */
const HOLDINGS = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  export function holdings() {
    const children = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim();
    return { descriptors: readdirSync('/proc/self/fd').length, children };
  }
  export async function settled(before) {
    for (let i = 0; i < 200; i++) {
      if (JSON.stringify(holdings()) === JSON.stringify(before)) break;
      await sleep(5);
    }
    return holdings();
  }`;

/** Runs a module in which `run(options)` is `runInNamespace`, and `outcome` what became of it, with what is left. */
async function program(code: string): Promise<Record<string, unknown>> {
  writeFileSync(join(user!.home, 'holdings.mjs'), HOLDINGS);
  const { stdout, stderr, status } = await user!.script(`
    import { runInNamespace } from 'typetun/run';
    const { holdings, settled } = await import(${JSON.stringify(`file://${join(user!.home, 'holdings.mjs')}`)});
    const onAdapter = (adapter) => void adapter.openDevice();
    const run = (options) => runInNamespace({ command: ['true'], onAdapter, ...options }).then(
      (result) => ({ result }),
      (error) => ({ code: error.code, message: error.message }));
    // What a first run leaves for good: threads, the FFI package, watches.
    await run({});
    const before = holdings();
    const outcome = await (async () => { ${code} })();
    console.log(JSON.stringify({ ...outcome, before, after: await settled(before) }));
  `);
  assert.equal(status, 0, stderr);
  const { before, after: left, ...rest } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual(left, before);
  return rest;
}

/**
 * An unshare(1) that lays `code` under the helper: a module that Node runs before it. In front of PATH it
 * is the one that is started.
 */
function shim(code: string): string {
  const file = join(user!.home, 'before.mjs');
  writeFileSync(file, code);
  writeFileSync(
    join(user!.home, 'unshare'),
    `#!/bin/sh
for word do last=$word; done
exec /usr/bin/env PATH="$REAL_PATH" unshare -U -r -n -m "${process.execPath}" --import "${file}" "$last"
`,
    { mode: 0o755 },
  );
  return `process.env.REAL_PATH = process.env.PATH; process.env.PATH = ${JSON.stringify(user!.home)} + ':' + process.env.PATH;`;
}

const STEPS = [
  'entering new namespaces',
  'bringing the loopback interface up',
  'making the adapter',
  'laying the DNS configuration over /etc/resolv.conf',
  'handing the adapter over',
  'waiting for the program',
  'starting the command',
] as const;

/** The rungs whose helper is in a user namespace. */
const RUNGS = ['rootless', 'veth'] as const;
// It dies as it is about to say the next step, or, in the last, when the error would be told.
const DEATHS = RUNGS.flatMap((rung) => STEPS.map((step, i) => [rung, step, STEPS[i + 1]] as const));

for (const [rung, step, next] of DEATHS) {
  test(
    `${rung}: a helper that is killed while ${step} is named with it, and nothing is left`,
    options,
    async () => {
      const kills =
        next === undefined
          ? "if (value?.kind === 'failed') process.kill(process.pid, 'SIGKILL');"
          : `if (value?.step === ${JSON.stringify(next)}) process.kill(process.pid, 'SIGKILL');`;
      const prepare = shim(
        `const { stringify } = JSON; JSON.stringify = (value) => { ${kills} return stringify(value); };`,
      );
      const { code, message, result } = await program(
        `${prepare} return run({ dns: ['10.7.0.2'], command: ['/no/such/command'], rung: '${rung}' });`,
      );
      if (next === undefined) {
        // From here on it is the command's end that is told, whoever it is.
        assert.deepEqual(result, {
          rung,
          reason: 'asked for',
          status: 137,
          signal: 'SIGKILL',
        });
        return;
      }
      assert.equal(code, 'ERR_TUN_HELPER');
      assert.equal(
        message,
        `the helper was ended by SIGKILL while ${step}, so the command did not start`,
      );
    },
  );
}

test('a helper that ends by itself is named with its status and its words', options, async () => {
  const prepare = shim("console.error('no memory'); process.exit(9);");
  const { code, message } = await program(`${prepare} return run({ rung: 'rootless' });`);
  assert.equal(code, 'ERR_TUN_NETNS');
  assert.match(String(message), /new namespaces are refused: "no memory"/);
});

test('a signal that the helper has blocked is not blocked for the command', options, async () => {
  const prepare = shim(`
    import { createRequire } from 'node:module';
    const koffi = createRequire(process.cwd() + '/package.json')('koffi');
    // SIGUSR2, 12, is the fourth of the second byte; SIG_BLOCK is 0.
    const set = new Uint8Array(128);
    set[1] = 0x08;
    koffi.load(null).func('int sigprocmask(int how, void *set, void *old)')(0, set, null);`);
  const { text } = await program(`${prepare}
    let text = '';
    await run({
      command: ['grep', 'SigBlk', '/proc/self/status'],
      rung: 'rootless',
      stdio: ['ignore', 'pipe', 'inherit'],
      onAdapter(adapter, { stdout }) {
        adapter.openDevice();
        stdout.on('data', (part) => { text += part; });
      },
    });
    return { text };`);
  assert.match(String(text), /^SigBlk:\t0+\n$/);
});

test('a helper whose program is gone by then does nothing', options, async () => {
  writeFileSync(join(user!.home, 'order.json'), JSON.stringify({ parent: 1 }));
  const { status, stderr } = await user!.run([
    'sh',
    '-c',
    `"$0" dist/run/child.js 3>/dev/null 4<"$HOME/order.json"`,
    process.execPath,
  ]);
  // What it would say on something that is no socket would be an error.
  assert.deepEqual([status, stderr], [1, '']);
});

test('what the kernel refuses is told with the step and its code', options, async () => {
  const { code, message } = await program(
    "return run({ mtu: 600, addresses: ['10.7.0.1/24'], routes: ['fd00::/8'] });",
  );
  assert.equal(code, 'ERR_TUN_CONFIGURATION');
  assert.match(
    String(message),
    /^the helper failed while making the adapter: the route to fd00::\/8/,
  );
});

for (const [how, onAdapter] of [
  ['throws', "() => { throw new Error('mine'); }"],
  ['rejects', "async () => { throw new Error('mine'); }"],
  [
    'rejects later',
    "() => new Promise((_, reject) => setTimeout(() => reject(new Error('mine')), 100))",
  ],
] as const) {
  test(`when onAdapter ${how}, the command is ended and the error passed on`, options, async () => {
    const { message } = await program(
      `return run({ command: ['sleep', '60'], onAdapter: ${onAdapter} });`,
    );
    assert.equal(message, 'mine');
  });
}

for (const ms of [0, 20, 60, 120, 200, 400]) {
  test(`a run aborted after ${ms} ms rejects with the reason`, options, async () => {
    const { message } = await program(`
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error('enough')), ${ms});
      return run({ command: ['sleep', '60'], signal: controller.signal });`);
    assert.equal(message, 'enough');
  });
}

test(
  'the streams of the command are at hand, and the adapter sees what it sends',
  options,
  async () => {
    const { result, text, packets } = await program(`
    let text = '';
    let packets = 0;
    const { result } = await run({
      command: ['sh', '-c', 'cat; ping -c 1 -W 1 10.7.0.2 >/dev/null; echo over >&2; exit 3'],
      stdio: 'pipe',
      async onAdapter(adapter, started) {
        started.stdout.on('data', (part) => { text += part; });
        started.stderr.on('data', (part) => { text += part; });
        started.stdin.end('in\\n');
        for await (const bundle of adapter.openDevice()) packets += bundle.count;
      },
    });
    return { result, text, packets };`);
    assert.equal((result as { status: number }).status, 3);
    assert.equal(text, 'in\nover\n');
    assert.equal(packets, 1);
  },
);

/**
 * Processes with this in their environment. One that is left would hold its namespaces; a descriptor that
 * is left the program sees. Numbers of namespaces tell nothing: the kernel uses them again.
 */
function processesWith(mark: string): string[] {
  return readdirSync('/proc').filter((id) => {
    try {
      return /^\d+$/.test(id) && readFileSync(`/proc/${id}/environ`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  });
}

const runs = Math.max(LEAST_RUNS, scaled(RUNS));

for (const rung of RUNGS) {
  test(
    `${rung}: ${runs} runs in a row leave no process, namespace, descriptor or interface`,
    options,
    async () => {
      const mark = `TYPETUN_MARK=${process.pid}-${Date.now()}`;
      const { failed, seen } = await program(`
    const [name, value] = ${JSON.stringify(mark)}.split('=');
    process.env[name] = value;
    let failed = 0;
    let seen = 0;
    const { readFileSync } = await import('node:fs');
    for (let i = 0; i < ${runs}; i++) {
      const { result } = await run({
        rung: '${rung}',
        onAdapter(adapter, started) {
          adapter.openDevice();
          if (readFileSync('/proc/' + started.pid + '/environ', 'latin1').includes(value)) seen++;
        },
      });
      if (result?.status !== 0) failed++;
    }
    return { failed, seen };`);
      assert.deepEqual({ failed, seen }, { failed: 0, seen: runs });
      assert.deepEqual(processesWith(mark), []);
    },
  );
}

test('a program that does nothing but wait learns how the command ended', options, async () => {
  // The thread looks at nothing until the command is gone: its last words and its end are then seen in one turn.
  const { status, stdout } = await user!.script(`
    import { runInNamespace } from 'typetun/run';
    const blocked = new Int32Array(new SharedArrayBuffer(4));
    const onAdapter = () => void setImmediate(() => Atomics.wait(blocked, 0, 0, 500));
    const result = await runInNamespace({ command: ['true'], stdio: 'ignore', onAdapter });
    console.log('ended with ' + result.status);
  `);
  assert.deepEqual([status, stdout], [0, 'ended with 0\n']);
});

for (const rung of RUNGS) {
  test(
    `${rung}: the device outlives the command until the program has let go of it`,
    options,
    async () => {
      // The namespace has ended long before the thread sees that the command has.
      const { status, stdout, stderr } = await user!.script(`
      import { runInNamespace } from 'typetun/run';
      const blocked = new Int32Array(new SharedArrayBuffer(4));
      const onAdapter = async (adapter) => {
        setImmediate(() => Atomics.wait(blocked, 0, 0, 1000));
        for await (const bundle of adapter.openDevice());
      };
      const result = await runInNamespace({ command: ['true'], rung: '${rung}', onAdapter });
      console.log('ended with ' + result.status);
    `);
      assert.deepEqual([status, stdout, stderr], [0, 'ended with 0\n', '']);
    },
  );
}
