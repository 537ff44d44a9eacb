/**
 * The Static Driver Verifier: explores every interleaving, within a bound of preemptions, of the
 * compiled driver's own concurrent code, rule by rule.
 *
 *   npm run sdv                              all scenarios
 *   npm run sdv -- --mutants                 and all mutants, each of which must be caught
 *   npm run sdv -- --scenario fill-pause     one scenario
 *   npm run sdv -- --scenario fill-pause --replay 0x12.1x3
 *   npm run sdv -- --json FILE               the report
 *
 * Exit status 0 only if every rule holds and was tested, and every mutant was caught.
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutants.ts';
import { makeMutant, removeMutant } from './mutate.ts';
import { type Job, type JobResult, runJobs } from './pool.ts';
import { Progress } from './progress.ts';
import { type MutantReport, type Report, reportOf } from './report.ts';
import { RULES } from './rules.ts';
import { SCENARIOS } from './scenarios.ts';

const MS_PER_SECOND = 1000;

export interface SdvOptions {
  readonly scenarios: readonly string[];
  readonly mutants: readonly Mutant[];
  readonly seed: number;
}

/** Runs the verifier and prints what it does. */
export async function verify(options: SdvOptions): Promise<Report> {
  const started = performance.now();
  const args = ['--seed', String(options.seed)];
  const jobs: Job[] = options.scenarios.map((scenario) => ({ scenario, args }));
  const progress = new Progress(jobs.length + options.mutants.length);
  const results = await runJobs(jobs, {
    progress: (job, schedules) => progress.at(job.scenario, schedules),
    ended: (result) => progress.scenario(result),
  });
  const mutants = await runMutants(options.mutants, args, progress);
  const seconds = (performance.now() - started) / MS_PER_SECOND;
  const complete = options.scenarios.length === SCENARIOS.length;
  const report = reportOf(results, mutants, seconds, options.seed, complete);
  progress.end(report);
  for (const { exploration, steps } of results) {
    if (exploration.violation === undefined) continue;
    const { rule, message, schedule } = exploration.violation;
    console.log(`\n${rule} does not hold in "${exploration.name}": ${message}`);
    if (RULES[rule] !== undefined) console.log(`   ${RULES[rule]}`);
    for (const line of steps) console.log(line);
    console.log(
      `\nTo run it again: npm run sdv -- --scenario ${exploration.name} --replay ${schedule}`,
    );
  }
  return report;
}

async function runMutants(
  mutants: readonly Mutant[],
  args: readonly string[],
  progress: Progress,
): Promise<MutantReport[]> {
  const reports: MutantReport[] = [];
  for (const mutant of mutants) {
    const root = makeMutant(mutant);
    try {
      const jobs = mutant.scenarios.map((scenario) => ({ scenario, root, args }));
      const report = judge(mutant, await runJobs(jobs));
      reports.push(report);
      progress.mutant(report);
    } finally {
      removeMutant(mutant);
    }
  }
  return reports;
}

/** Caught means: by the rule the mutant breaks, and not by the accident of a crash. */
function judge(mutant: Mutant, results: readonly JobResult[]): MutantReport {
  const { id, rule, about } = mutant;
  const violations = results.flatMap(({ job, exploration }) =>
    exploration.violation === undefined
      ? []
      : [{ by: exploration.violation.rule, scenario: job.scenario }],
  );
  const hit = violations.find(({ by }) => by === rule) ?? violations[0];
  return {
    id,
    rule,
    about,
    caught: hit?.by === rule,
    by: hit?.by ?? null,
    scenario: hit?.scenario ?? null,
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      scenario: { type: 'string', multiple: true },
      mutants: { type: 'boolean', default: false },
      replay: { type: 'string' },
      json: { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
  });
  const scenarios = values.scenario ?? SCENARIOS;
  const unknown = scenarios.find((name) => !SCENARIOS.includes(name));
  if (unknown !== undefined) {
    throw wrongCall(`there is no scenario "${unknown}"; there are ${SCENARIOS.join(', ')}`);
  }
  if (!Number.isSafeInteger(Number(values.seed))) {
    throw wrongCall(`--seed ${values.seed}: give a whole number`);
  }
  if (values.replay !== undefined) {
    if (scenarios.length !== 1) throw wrongCall('--replay takes the one --scenario it is of');
    await replay(scenarios[0]!, values.replay);
    return;
  }
  const mutants = values.mutants ? MUTANTS : [];
  const report = await verify({ scenarios, mutants, seed: Number(values.seed) });
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = report.ok ? 0 : 1;
}

/** An error in the way of `parseArgs`, which scripts/verify.mjs explains. */
function wrongCall(message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' });
}

async function replay(scenario: string, schedule: string): Promise<void> {
  const [result] = await runJobs([{ scenario, args: ['--replay', schedule] }]);
  for (const line of result!.steps) console.log(line);
  const { violation } = result!.exploration;
  console.log(
    violation === undefined ? '\nno rule is broken' : `\n${violation.rule}: ${violation.message}`,
  );
  process.exitCode = violation === undefined ? 0 : 1;
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main();
