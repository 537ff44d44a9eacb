/** `typetun top`: the adapters of a host, full screen, until it is told to end. */

import type { Sampler } from '../../observe.ts';
import type { ControlClient } from '../../service.ts';
import { describeError, ExitCode, UsageError } from '../errors.ts';
import { Interrupted, interruptible } from '../signals.ts';
import { terminalOf } from '../terminal.ts';
import { type Formats, frame } from './frame.ts';
import { Screen } from './screen.ts';

export interface TopCommandOptions {
  readonly runDirectory?: string;
  /** Seconds between looks. */
  readonly interval: number;
}

const MS_PER_SECOND = 1000;
const ENDING: readonly string[] = ['q', 'Q', 'CTRL_C', 'ESCAPE'];
const ORDERS: Readonly<Record<string, 'pause' | 'restart'>> = { p: 'pause', r: 'restart' };
const DONE = { pause: 'is paused', restart: 'runs' } as const;

/** Resolves with the exit status. Rejects where there is no terminal, no host, or the host ends. */
export async function runTopCommand({
  runDirectory,
  interval,
}: TopCommandOptions): Promise<number> {
  if (!process.stdout.isTTY || !process.stdin.isTTY) {
    throw new UsageError(
      'typetun top takes a terminal; elsewhere the same is had from typetun/observe, or --metrics of the host',
    );
  }
  const observe = await import('../../observe.ts');
  const service = await import('../../service.ts');
  await using host: ControlClient = await service.ControlClient.connect({ runDirectory });
  using sampler: Sampler = await observe.Sampler.start(host, interval * MS_PER_SECOND);
  const formats: Formats = {
    bits: observe.formatBits,
    bytes: observe.formatBytes,
    count: observe.formatCount,
    scaled: observe.formatScaled,
    duration: observe.formatDuration,
    time: observe.formatTime,
  };
  try {
    await interruptible((signal) => show(host, sampler, formats, signal));
    return ExitCode.OK;
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode;
    throw error;
  }
}

/** Resolves when a key ends it; rejects when the signal aborts or the host is lost. */
async function show(
  host: ControlClient,
  sampler: Sampler,
  formats: Formats,
  signal: AbortSignal,
): Promise<void> {
  const { unicode } = terminalOf(process.stdout);
  let chosen = sampler.sample.adapters[0]?.name;
  let help = false;
  let notice = '';
  let end: () => void = () => undefined;
  let fail: (reason: unknown) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  const move = (by: number): void => {
    const { adapters } = sampler.sample;
    const at = adapters.findIndex(({ name }) => name === chosen);
    chosen = adapters[Math.max(0, Math.min(adapters.length - 1, at + by))]?.name;
  };
  const order = async (what: 'pause' | 'restart'): Promise<void> => {
    const adapter = chosen;
    if (adapter === undefined) return;
    try {
      await host.call(`adapter.${what}`, { adapter });
      notice = `${adapter} ${DONE[what]}`;
    } catch (error) {
      notice = describeError(error);
    }
    draw();
  };
  const screen = await Screen.open({
    resized: () => draw(),
    key(name) {
      if (ENDING.includes(name)) return end();
      const what = ORDERS[name];
      if (what !== undefined) void order(what);
      else if (name === 'UP' || name === 'k') move(-1);
      else if (name === 'DOWN' || name === 'j') move(1);
      else if (name === 'h' || name === '?') help = !help;
      draw();
    },
  });
  const draw = (): void => {
    const { sample, history, happenings } = sampler;
    const { width, height } = screen;
    screen.draw(
      frame({ sample, history, happenings, chosen, notice, help, width, height, unicode, formats }),
    );
  };
  const unwatch = sampler.watch({ sampled: draw, happened: draw, lost: fail });
  const onAbort = (): void => fail(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    draw();
    if (signal.aborted) onAbort();
    await ended;
  } finally {
    signal.removeEventListener('abort', onAbort);
    unwatch();
    screen.close();
  }
}
