/**
 * The race tests, the transfer mix and runs of commands at full scale, which takes minutes: what
 * exploring cannot reach, with real threads, real time and, as root, the real kernel.
 *
 *   npm run soak
 *   npm run soak -- --scale 10       ten times as much
 */

import { runNode } from './lib/project.mjs';
import { parse, refuse } from './lib/usage.mjs';

const USAGE = `usage: npm run soak [-- --scale N]

The race tests and the transfer mix at full scale, some minutes. Complete as root, with iperf3.

  --scale N    N times as much; default 1`;

const { values: options } = parse(USAGE, { options: { scale: { type: 'string', default: '1' } } });
if (!(Number(options.scale) > 0)) {
  refuse(`--scale ${options.scale}: give a number above 0`, USAGE);
}

process.env['TYPETUN_RACE_SCALE'] = options.scale;
process.exitCode = runNode([
  'scripts/test.mjs',
  '--suite',
  'race,kernel',
  'race/',
  'kernel/mix',
  'kernel/run-handover',
]);
