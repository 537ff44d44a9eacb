/** Reads a Driver Verification Log, in either of its two forms. */

import { readFileSync } from 'node:fs';
import { UsageError } from '../errors.ts';
import type { SourceHash } from './sources.ts';

/** What a check needs of a log. */
export interface Log {
  readonly version: string;
  readonly commit: string;
  /** Whether all rules held, were tested, and all mutants were caught. */
  readonly ok: boolean;
  readonly sources: readonly SourceHash[];
}

const ROOT_ELEMENT = /<DriverVerificationLog\b([^>]*)>/;
const FILE_ELEMENT = /<file\b([^>]*)\/>/g;
const ATTRIBUTE = /([\w-]+)="([^"]*)"/g;

/**
 * Reads `file`, JSON or XML.
 *
 * @throws UsageError when it cannot be read or is no such log.
 */
export function readLog(file: string): Log {
  const text = readText(file);
  const log = text.trimStart().startsWith('<') ? fromXml(text) : fromJson(text);
  if (log !== undefined) return log;
  throw new UsageError(`${file} is no Driver Verification Log; "npm run dvl" writes one`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function fromJson(text: string): Log | undefined {
  try {
    const log = JSON.parse(text) as Partial<Record<keyof Log, unknown>> | null;
    if (typeof log?.version !== 'string' || !Array.isArray(log.sources)) return undefined;
    const sources = (log.sources as unknown[]).filter(isSourceHash);
    if (sources.length === 0 || sources.length < log.sources.length) return undefined;
    // Nothing but true vouches for anything.
    const ok = log.ok === true;
    return { version: log.version, commit: String(log.commit ?? ''), ok, sources };
  } catch {
    return undefined;
  }
}

function isSourceHash(value: unknown): value is SourceHash {
  if (typeof value !== 'object' || value === null) return false;
  const { path, sha256 } = value as Partial<Record<keyof SourceHash, unknown>>;
  return typeof path === 'string' && typeof sha256 === 'string';
}

function fromXml(text: string): Log | undefined {
  const root = ROOT_ELEMENT.exec(text);
  if (root === null) return undefined;
  const { version, commit, ok } = attributes(root[1]!);
  const sources = [...text.matchAll(FILE_ELEMENT)].map((match) => {
    const { path = '', sha256 = '' } = attributes(match[1]!);
    return { path, sha256 };
  });
  if (version === undefined || sources.length === 0) return undefined;
  return { version, commit: commit ?? '', ok: ok === 'true', sources };
}

function attributes(text: string): Record<string, string | undefined> {
  return Object.fromEntries([...text.matchAll(ATTRIBUTE)].map((match) => [match[1]!, match[2]!]));
}
