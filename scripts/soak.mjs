/**
 * The race tests, the transfer mix and runs of commands at full scale, which takes minutes: what
 * exploring cannot reach, with real threads, real time and, as root, the real kernel.
 *
 *   npm run soak
 *   npm run soak -- --scale 10       ten times as much
 */

import { parseArgs } from 'node:util';
import { runNode } from './lib/project.mjs';

const { values: options } = parseArgs({ options: { scale: { type: 'string', default: '1' } } });

process.env['TYPETUN_RACE_SCALE'] = options.scale;
process.exitCode = runNode([
  'scripts/test.mjs',
  '--suite',
  'race,kernel',
  'race/',
  'kernel/mix',
  'kernel/run-handover',
]);
