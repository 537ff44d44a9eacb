/** A thousand adapters in one process: what they cost while nothing happens. */

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ManyReport } from '../programs/many.ts';
import type { Measure } from '../report/result.ts';
import { Running } from '../rig/child.ts';
import type { Run } from './run.ts';

const ADAPTERS = 1000;
/** Making them all may take this long, in ms. */
const READY_TIMEOUT_MS = 120_000;
/** Before it counts, the garbage of making them is collected, in ms. */
const SETTLE_MS = 2000;
const IDLE_SECONDS = 10;
const PERCENT = 100;
const MS_PER_SECOND = 1000;

const SUBJECT = { id: 'many', title: `typetun, ${ADAPTERS} adapters in one process` };

function measure(id: string, title: string, unit: string): Measure {
  return { id: `many-${id}`, title, unit, better: 'less' };
}

const RESIDENT = measure('resident', 'resident memory of each', 'KiB');
const IDLE = measure('idle', 'processor time of all while nothing happens', '%');
const TIMERS = measure('timers', 'timers that the event loop holds', 'timers');
const CREATE = measure('create', 'making one', 'ms');
const CLOSE = measure('close', 'closing one', 'ms');

export async function many(run: Run): Promise<void> {
  if (run.quick) return;
  run.say(`${ADAPTERS} adapters in one process`);
  const program = fileURLToPath(new URL('../programs/many.js', import.meta.url));
  const { netns } = run.world.a;
  await using running = await Running.start(
    [process.execPath, '--expose-gc', program, netns, String(ADAPTERS)],
    READY_TIMEOUT_MS,
  );
  await sleep(SETTLE_MS);
  const before = running.cpuSeconds;
  await sleep(IDLE_SECONDS * MS_PER_SECOND);
  const idle = ((running.cpuSeconds - before) / IDLE_SECONDS) * PERCENT;
  run.say(`closing ${ADAPTERS} adapters`);
  running.tell('close');
  const printed = await running.finished();
  const report = JSON.parse(printed.slice(printed.indexOf('{'))) as ManyReport;
  const { samples } = run;
  samples.add(SUBJECT, RESIDENT, report.residentKibEach);
  samples.add(SUBJECT, IDLE, idle);
  samples.add(SUBJECT, TIMERS, report.timers);
  samples.add(SUBJECT, CREATE, (report.createSeconds / ADAPTERS) * MS_PER_SECOND);
  samples.add(SUBJECT, CLOSE, (report.closeSeconds / ADAPTERS) * MS_PER_SECOND);
}
