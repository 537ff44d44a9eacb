/** What a person sees: colours on a terminal, unless NO_COLOR says otherwise, and plain text everywhere else. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { type RealHost, startHost } from '../support/real-host.ts';
import { toolSkip } from '../support/root.ts';

const ESCAPE = '\x1b[';

describe('on a terminal', { skip: toolSkip('script') }, () => {
  let host: RealHost;

  before(async () => {
    host = await startHost();
    await host.create({ name: 'demo', addresses: ['10.7.0.1/24'] });
  });
  after(() => host[Symbol.asyncDispose]());

  /** Runs it on a terminal of its own (script(1)); standard error is there as well. */
  function onTerminal(call: string, env: Record<string, string> = {}): Promise<string> {
    const command = `${process.execPath} dist/cli/main.js ${call}`;
    // To Node a terminal in CI is one without colours.
    const own = {
      NO_COLOR: undefined,
      CI: undefined,
      TERM: 'xterm',
      TYPETUN_HOST: host.runDirectory,
    };
    const all = { ...process.env, ...own, ...env };
    return new Promise((resolve) => {
      execFile('script', ['-qec', command, '/dev/null'], { env: all }, (_error, stdout) =>
        resolve(stdout),
      );
    });
  }

  test('headings and errors have colours, and none with NO_COLOR', async () => {
    for (const call of ['adapter list', 'adapter show nope', 'stats', '--help']) {
      assert.ok((await onTerminal(call)).includes(ESCAPE), call);
      assert.ok(!(await onTerminal(call, { NO_COLOR: '1' })).includes(ESCAPE), call);
      const piped = await host.typetun(call.split(' '), { env: { NO_COLOR: undefined } });
      assert.ok(!(piped.stdout + piped.stderr).includes(ESCAPE), call);
    }
  });

  test('an error begins in red', async () => {
    assert.ok((await onTerminal('adapter show nope')).includes(`${ESCAPE}31mtypetun:`));
  });

  test('stats --watch replaces what was there', async () => {
    const seen = await onTerminal('stats --watch --interval 0.05 --count 2', { NO_COLOR: '1' });
    assert.equal(seen.split('\x1b[H\x1b[J').length - 1, 2);
  });

  test('bundles are not put on it: a person gets lines', async () => {
    const seen = await onTerminal('device read demo --format bundles');
    assert.match(seen, /standard output is a terminal, which is no place for bundles; redirect it/);
    assert.doesNotMatch(await onTerminal('device read demo --seconds 0.1'), /no place/);
  });

  test('a line that an error has is one line', async () => {
    assert.match(
      await onTerminal('adapter show nope', { NO_COLOR: '1' }),
      /^typetun: no adapter .*\]\r?$/m,
    );
  });
});
