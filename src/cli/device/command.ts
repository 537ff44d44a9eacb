/** `typetun device read`, `write` and `open`. */

import { setTimeout as wait } from 'node:timers/promises';
import { ExitCode } from '../errors.ts';
import { Interrupted, interruptible } from '../signals.ts';
import type { Via } from '../via/locate.ts';
import { failure, printObject, viaMembers, withVia } from '../via/perform.ts';
import { copyBundles, copyStream } from './copy.ts';
import { type Handle, openHandle } from './handle.ts';
import type { DeviceReadOptions, DeviceWriteOptions } from './options.ts';
import { openSink, type Sink } from './sink.ts';
import { newRead, newWritten, type Tally, tallyLine } from './tally.ts';

const MS_PER_SECOND = 1000;

/** Until --count, --seconds, a signal or the adapter ends it; returns the exit status. */
export function runRead(name: string, options: DeviceReadOptions): Promise<number> {
  return receive(name, options, false);
}

/** The same, and standard input is written as well, unless it is a terminal. */
export function runOpen(name: string, options: DeviceReadOptions): Promise<number> {
  return receive(name, options, process.stdin.isTTY !== true);
}

/** Until standard input ends; returns the exit status. */
export function runWrite(name: string, options: DeviceWriteOptions): Promise<number> {
  return withVia(options, (via) =>
    interruptible(async (signal) => {
      const handle = await openHandle(via, name, 'typetun device write');
      const written = newWritten();
      const tally = { adapter: handle.adapter, written };
      try {
        const ended = await problem(
          copyStream(process.stdin, options.format ?? 'bundles', handle, written, signal),
        );
        if (ended !== undefined && !(ended instanceof Interrupted)) throw ended;
        if (options.json) printObject({ ok: true, ...viaMembers(via), ...tally });
        else process.stderr.write(`typetun: ${tallyLine(tally)}\n`);
        return ended?.exitCode ?? ExitCode.OK;
      } finally {
        await handle.close();
      }
    }),
  );
}

function receive(name: string, options: DeviceReadOptions, both: boolean): Promise<number> {
  const client = `typetun device ${both ? 'open' : 'read'}`;
  const work = async (via: Via): Promise<number> =>
    interruptible(async (signal) => {
      const handle = await openHandle(via, name, client);
      try {
        const sink = openSink(options.format, handle.adapter);
        return await pass(via, handle, sink, options, both, signal);
      } finally {
        await handle.close();
      }
    });
  return withVia(options, work, { objects: false });
}

async function pass(
  via: Via,
  handle: Handle,
  sink: Sink,
  options: DeviceReadOptions,
  both: boolean,
  signal: AbortSignal,
): Promise<number> {
  const tally = {
    adapter: handle.adapter,
    read: newRead(),
    ...(both && { written: newWritten() }),
  };
  const ending = new AbortController();
  const end = (): void => {
    ending.abort();
    void handle.close();
  };
  signal.addEventListener('abort', end, { once: true });
  if (options.seconds !== undefined) {
    const ms = options.seconds * MS_PER_SECOND;
    void wait(ms, undefined, { signal: ending.signal }).then(end, () => undefined);
  }
  const writing =
    tally.written === undefined
      ? Promise.resolve()
      : copyStream(process.stdin, 'bundles', handle, tally.written, ending.signal);
  // What is wrong with standard input ends it all; that it was left because of the end is not wrong.
  const written = problem(writing).then((error) => {
    if (error === undefined || ending.signal.aborted) return undefined;
    end();
    return error;
  });
  const read = await problem(copyBundles(handle, sink, tally.read, options.count));
  end();
  const wrote = await written;
  const closed = await problem(sink.close());
  tally.read.lost = sink.lost;
  const error = read ?? wrote ?? closed;
  say(via, tally, options, error);
  if (error !== undefined) throw error;
  return signal.reason instanceof Interrupted ? signal.reason.exitCode : ExitCode.OK;
}

/** Why it was rejected; undefined when it was not. */
function problem(work: Promise<void>): Promise<Error | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
}

function say(via: Via, tally: Tally, { json }: DeviceReadOptions, error: Error | undefined): void {
  const outcome = { ok: error === undefined, ...viaMembers(via), ...tally };
  const why = error === undefined ? {} : { error: failure(error) };
  const text = json ? JSON.stringify({ ...outcome, ...why }) : `typetun: ${tallyLine(tally)}`;
  process.stderr.write(`${text}\n`);
}
