/**
 * The bench: what passes through an adapter, compared with references in the same run.
 *
 *   npm run bench                      everything, about half an hour; writes bench/results/
 *   npm run bench -- --quick           the main figures in under a minute, indicative
 *   npm run bench -- --only latency    one part; several with several --only
 *   npm run bench -- --only throughput --candidate r1 --candidate off    between these alone
 *   npm run bench -- --rounds 20
 *   npm run bench -- --json FILE       the result as JSON there
 *
 * Takes root on Linux, iperf3 and the `ip` command. Exit status 0 unless it could not measure: a
 * target that is not met is a result.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chart } from './report/chart.ts';
import { curveChart } from './report/curve-chart.ts';
import { commit, machine } from './report/machine.ts';
import { type Row, Samples } from './report/result.ts';
import { judgeScaling } from './report/scaling.ts';
import { LEGEND, tables, targetTable } from './report/table.ts';
import { judge } from './report/targets.ts';
import { type Candidate, candidates } from './rig/candidates.ts';
import { endAll } from './rig/child.ts';
import { compileReferences, type References } from './rig/references.ts';
import { World } from './rig/world.ts';
import { allocation } from './sections/allocation.ts';
import { latency } from './sections/latency.ts';
import { many } from './sections/many.ts';
import { micro } from './sections/micro.ts';
import { peers } from './sections/peers.ts';
import type { Run } from './sections/run.ts';
import { scale } from './sections/scale.ts';
import { throughput } from './sections/throughput.ts';

/** This file runs from build/bench. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RESULTS = join(ROOT, 'bench', 'results');
const FULL_ROUNDS = 9;
const QUICK_ROUNDS = 1;
const SECTIONS: Readonly<Record<string, (run: Run) => Promise<void>>> = {
  throughput,
  latency,
  allocation,
  many,
  peers,
  scale,
  micro,
};

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    candidate: { type: 'string', multiple: true },
    rounds: { type: 'string' },
    json: { type: 'string' },
  },
});

async function main(): Promise<void> {
  const { quick } = options;
  const samples = new Samples();
  const wantedRounds = rounds();
  const wantedSections = sections();
  const references = await withReferences();
  const chosen = wantedCandidates(references);
  await using world = await World.make();
  endCleanly(world);
  const run: Run = {
    world,
    tools: references,
    candidates: chosen,
    samples,
    rounds: wantedRounds,
    quick,
    say: (text) => process.stderr.write(progress(text)),
  };
  for (const name of wantedSections) await SECTIONS[name]!(run);
  process.stderr.write(progress(''));
  const targets = [...judge(samples, quick), ...judgeScaling(samples, quick)];
  console.log(`${tables(samples)}\n${targetTable(targets)}\n\n${LEGEND}`);
  const result = {
    machine: machine(),
    commit: commit(ROOT),
    node: process.version,
    quick,
    rows: samples.rows(),
    targets,
  };
  const json = `${JSON.stringify(result, undefined, 2)}\n`;
  if (options.json !== undefined) writeFileSync(options.json, json);
  if (quick || options.only !== undefined || options.candidate !== undefined) return;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'latest.json'), json);
  const { cores, kernel } = result.machine;
  const caption = `Median and quartiles; ${cores} cores, ${kernel}, Node ${result.node}, ${result.commit}`;
  writeFileSync(join(RESULTS, 'throughput.svg'), throughputDrawing(result.rows, caption));
  writeFileSync(join(RESULTS, 'scaling.svg'), scalingDrawing(result.rows, caption));
}

/** The figures of the README. */
function throughputDrawing(rows: readonly Row[], caption: string): string {
  const of = (measure: string) => rows.filter((row) => row.measure === measure);
  return chart(
    [
      { title: 'One TCP stream, MTU 1500', rows: of('tcp') },
      { title: 'Datagrams of 64 bytes', rows: of('udp64') },
    ],
    caption,
  );
}

/** What a packet costs as work grows. */
function scalingDrawing(rows: readonly Row[], caption: string): string {
  const of = (measure: string) => rows.filter((row) => row.measure === measure);
  return curveChart(
    [
      { title: 'ns for a packet of 64 bytes, by packets a bundle', rows: of('scale-packets') },
      { title: 'Gbit/s in one thread, by bytes a packet', rows: of('scale-bytes') },
      { title: 'kpps out of a full queue, by threads', rows: of('scale-threads') },
    ],
    caption,
  );
}

/** The C programs are references, not conditions: without a compiler the rest is measured all the same. */
async function withReferences(): Promise<References | undefined> {
  try {
    return await compileReferences();
  } catch (error) {
    console.error(
      `no C compiler, so neither R1 and R2 nor datagrams and round trips are measured: ${(error as Error).message}`,
    );
    return undefined;
  }
}

function wantedCandidates(references: References | undefined): Candidate[] {
  const all = candidates(references);
  const wanted = options.candidate;
  if (wanted === undefined) return all;
  const unknown = wanted.find((id) => all.every((candidate) => candidate.id !== id));
  if (unknown === undefined) return all.filter(({ id }) => wanted.includes(id));
  throw wrongCall(
    `--candidate ${unknown}: there are ${all.map((candidate) => candidate.id).join(', ')}`,
  );
}

function rounds(): number {
  if (options.rounds === undefined) return options.quick ? QUICK_ROUNDS : FULL_ROUNDS;
  const wanted = Number(options.rounds);
  if (Number.isInteger(wanted) && wanted > 0) return wanted;
  throw wrongCall(`--rounds ${options.rounds}: give a whole number of at least 1`);
}

function sections(): string[] {
  const wanted = options.only ?? Object.keys(SECTIONS);
  const unknown = wanted.find((name) => !(name in SECTIONS));
  if (unknown === undefined) return wanted;
  throw wrongCall(`--only ${unknown}: there are ${Object.keys(SECTIONS).join(', ')}`);
}

/** An error in the way of `parseArgs`, which scripts/bench.mjs explains. */
function wrongCall(message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' });
}

/** Leaves no namespace and no program behind when it is told to end. */
function endCleanly(world: World): void {
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.once(signal, () => {
      endAll();
      void world[Symbol.asyncDispose]().finally(() => process.exit(128 + number));
    });
  }
}

/** One line that is written over on a terminal, a line each elsewhere. */
function progress(text: string): string {
  if (!process.stderr.isTTY) return text === '' ? '' : `${text}\n`;
  return `\r\u001b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`;
}

await main();
