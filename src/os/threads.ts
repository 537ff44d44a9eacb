/**
 * Who a thread is to the operating system, and whether it still exists: what tells a lock's dead
 * holder from a slow one, when no event can (the thread that asks is blocked).
 *
 * Linux says it in /proc. Where there is no /proc all threads count as alive: their ends are then
 * learnt from their closed message ports alone.
 *
 * Source: proc(5), /proc/pid/task/tid/stat.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import type { ThreadIdentity } from '../sync/participants.ts';

const SELF = '/proc/thread-self';
/** Fields behind the command name, which may hold spaces and ends with the last parenthesis. */
const STATE_FIELD = 0;
const START_TIME_FIELD = 19;
/** States of a thread that runs no more. */
const ENDED = ['Z', 'X', 'x'];

const UNKNOWN: ThreadIdentity = { thread: 0, born: 0 };

let current: ThreadIdentity | undefined;

/** The calling thread; zeros where the system does not say. */
export function currentThread(): ThreadIdentity {
  current ??= identify();
  return current;
}

/** Whether that thread of this process exists; true when it cannot be told. */
export function isThreadAlive(identity: ThreadIdentity): boolean {
  if (identity.thread === 0) return true;
  const fields = statOf(identity.thread);
  if (fields === undefined) return false;
  if (fields.length === 0) return true;
  if (ENDED.includes(fields[STATE_FIELD]!)) return false;
  return bornOf(fields) === identity.born;
}

function identify(): ThreadIdentity {
  try {
    const thread = Number(readlinkSync(SELF).split('/').at(-1));
    const fields = statOf(thread);
    return fields === undefined || fields.length === 0 ? UNKNOWN : { thread, born: bornOf(fields) };
  } catch {
    return UNKNOWN;
  }
}

/** Clock ticks after boot, as a word of shared memory holds them. */
function bornOf(fields: readonly string[]): number {
  return Number(fields[START_TIME_FIELD]) | 0;
}

/** The fields behind the name; undefined when there is no such thread, none when it cannot be told. */
function statOf(thread: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Anything else (no descriptors left, no /proc any more) says nothing about the thread.
    return code === 'ENOENT' || code === 'ESRCH' ? undefined : [];
  }
}
