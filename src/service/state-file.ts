/**
 * What a host must not forget when it ends: the persistent adapters that were made over the control socket. A file
 * in the run directory, which is emptied when the machine starts again, as its interfaces are.
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkAdapterConfig } from './config.ts';
import type { AdapterConfig } from './control-protocol.ts';
import type { HostLog } from './log.ts';

const FILE = 'adapters.json';
const MODE = 0o600;

/** Writes it whole or not at all; there is no file when there are none. */
export function writeState(folder: string | undefined, adapters: readonly AdapterConfig[]): void {
  if (folder === undefined) return;
  const path = join(folder, FILE);
  if (adapters.length === 0) {
    rmSync(path, { force: true });
    return;
  }
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(adapters, null, 2)}\n`, { mode: MODE });
  renameSync(next, path);
}

/** What is in it; nothing, and a line in the log, when it cannot be read. */
export function readState(folder: string | undefined, log: HostLog): AdapterConfig[] {
  if (folder === undefined) return [];
  const path = join(folder, FILE);
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(content) ? content.map(checkAdapterConfig) : [];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') log.warn(`${path} cannot be read, and is left out: ${message}`);
    return [];
  }
}
