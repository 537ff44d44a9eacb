/** Which signals are passed on to the command. */

import assert from 'node:assert/strict';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import tty from 'node:tty';
import { SignalForwarding } from '#dist/cli/forwarding.js';

for (const [terminal, alone, expected] of [
  [false, false, ['SIGINT', 'SIGTERM']],
  [true, false, ['SIGTERM']],
  [true, true, ['SIGINT', 'SIGTERM']],
] as const) {
  const where = terminal ? 'at a terminal' : 'without a terminal';
  test(`${where}, ${alone ? 'before' : 'while'} there is a command: ${expected.join(', ')}`, (context) => {
    context.mock.method(tty, 'isatty', () => terminal);
    syncBuiltinESMExports();
    const sent: string[] = [];
    {
      using _forwarding = new SignalForwarding(
        (signal) => sent.push(signal),
        () => alone,
      );
      // Listeners are told; a signal would come a turn later.
      process.emit('SIGINT', 'SIGINT');
      process.emit('SIGTERM', 'SIGTERM');
    }
    context.mock.restoreAll();
    syncBuiltinESMExports();
    assert.deepEqual(sent, expected);
  });
}
