/** Runs explorations side by side, one process a core, each pinned to its core where that is possible. */

import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Exploration } from './engine/explore.ts';
import type { Line } from './explore-one.ts';

export interface Job {
  readonly scenario: string;
  /** Folder of the verifier that is to run; another for a mutant. */
  readonly root?: string;
  readonly args?: readonly string[];
}

export interface JobResult {
  readonly job: Job;
  readonly exploration: Exploration;
  /** The steps of the violation, in words. */
  readonly steps: readonly string[];
}

export interface PoolHooks {
  began?(job: Job): void;
  progress?(job: Job, schedules: number): void;
  ended?(result: JobResult): void;
}

const HERE = fileURLToPath(new URL('.', import.meta.url));

const canPin = spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;

/** Runs all jobs; rejects when a process fails without a result. */
export async function runJobs(jobs: readonly Job[], hooks: PoolHooks = {}): Promise<JobResult[]> {
  const results: JobResult[] = [];
  const queue = [...jobs];
  const core = async (number: number): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      hooks.began?.(job);
      const result = await runJob(job, number, hooks);
      results.push(result);
      hooks.ended?.(result);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, (_, i) => core(i)));
  return results;
}

function runJob(job: Job, core: number, hooks: PoolHooks): Promise<JobResult> {
  const program = `${job.root ?? HERE}/explore-one.js`;
  const node = [process.execPath, '--enable-source-maps', program, '--scenario', job.scenario];
  const command = [
    ...(canPin ? ['taskset', '-c', String(core)] : []),
    ...node,
    ...(job.args ?? []),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    let result: JobResult | undefined;
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as Line;
      if (line.type === 'progress') hooks.progress?.(job, line.schedules);
      else result = { job, exploration: line.exploration, steps: line.steps };
    });
    child.once('error', reject);
    child.once('close', (status) => {
      if (result !== undefined) resolve(result);
      else
        reject(
          new Error(`scenario "${job.scenario}" ended with ${status} and no result:\n${errors}`),
        );
    });
  });
}
