/** The state of a host for a bug report, in a file. */

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Control } from '../service/control-protocol.ts';

const NAME = 'debug.json';
/** For the user it runs as alone. */
const MODE = 0o600;
const INDENT = 2;

/**
 * Writes what `debug` gives, without packet contents, to `debug.json` in `folder`, in place of an earlier one.
 * Resolves to its path; rejects as the call does, or with what writing met.
 */
export async function writeDebugFile(control: Control, folder: string): Promise<string> {
  const report = await control.call('debug');
  const path = join(folder, NAME);
  const unfinished = `${path}.${process.pid}`;
  rmSync(unfinished, { force: true });
  try {
    writeFileSync(unfinished, `${JSON.stringify(report, null, INDENT)}\n`, {
      mode: MODE,
      flag: 'wx',
    });
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  return path;
}
