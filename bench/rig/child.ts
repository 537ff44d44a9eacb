/** Programs the rig starts: with their output in words, and ended by id. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** A program that does not say "ready" in this time, in ms, will not, unless it has more to do. */
const READY_TIMEOUT_MS = 20_000;
/** `sysconf(_SC_CLK_TCK)`: what /proc counts processor time in. 100 on every Linux port of Node. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat behind the name in parentheses: the state is the first. */
const UTIME_FIELD = 11;
const STIME_FIELD = 12;

/** What runs now, to be ended when the bench is told to end. */
const children = new Set<ChildProcess>();

/** Ends all that was started here. */
export function endAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

function start(command: readonly string[]): ChildProcess {
  const child = spawn(command[0]!, command.slice(1), { stdio: 'pipe' });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** A program that runs until it is stopped. */
export class Running implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  #stdout = '';
  #stderr = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, 'exit');
    child.stdout?.on('data', (text) => (this.#stdout += text));
    child.stderr?.on('data', (text) => (this.#stderr += text));
  }

  /** Starts a program and resolves when it printed "ready". */
  static async start(
    command: readonly string[],
    timeoutMs: number = READY_TIMEOUT_MS,
  ): Promise<Running> {
    const running = new Running(start(command));
    const deadline = performance.now() + timeoutMs;
    while (!running.#stdout.includes('ready')) {
      await Promise.race([once(running.#child.stdout!, 'data'), running.#exit, pause(timeoutMs)]);
      if (running.#child.exitCode === null && performance.now() < deadline) continue;
      await running[Symbol.asyncDispose]();
      throw new Error(`"${command.join(' ')}" did not start: ${running.#stderr.trim()}`);
    }
    return running;
  }

  /** Starts a program that does not say when it is ready. */
  static launch(command: readonly string[]): Running {
    return new Running(start(command));
  }

  /** Seconds of processor time so far, of all its threads, in user and kernel. */
  get cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[UTIME_FIELD]) + Number(fields[STIME_FIELD])) / TICKS_PER_SECOND;
  }

  /** Moves all its threads to these processors, such as "0" or "0,1". */
  async pin(cpus: string): Promise<void> {
    await run('taskset', '--all-tasks', '--cpu-list', '--pid', cpus, String(this.#child.pid));
  }

  /** Sends it a line. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Resolves with all it printed when it has ended by itself. */
  async finished(): Promise<string> {
    await this.#exit;
    return this.#stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      this.#child.kill('SIGKILL');
    await this.#exit;
  }
}

/** Runs a program to its end and returns what it printed; rejects with its complaint. */
export async function run(...command: string[]): Promise<string> {
  const child = start(command);
  child.stdin?.end();
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (text) => (stdout += text));
  child.stderr?.on('data', (text) => (stderr += text));
  const [status] = await once(child, 'close');
  if (status === 0) return stdout;
  throw new Error(`"${command.join(' ')}" failed: ${(stderr || stdout).trim()}`);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
}
