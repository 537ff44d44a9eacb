/**
 * The Driver Verification Log: runs the verifier, all scenarios and all mutants, and writes down what
 * was proven, of which sources, with what bounds.
 *
 *   npm run dvl                 writes out/typetun.DVL.xml and out/typetun.DVL.json
 *   npm run dvl -- --out DIR
 *
 * `typetun dvl check FILE` tells whether a log belongs to the sources at hand.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hashSources, PACKAGE_ROOT, type SourceHash } from '#dist/cli/dvl/sources.js';
import { VERSION } from '#dist/version.js';
import { MUTANTS } from './mutants.ts';
import type { Report } from './report.ts';
import { SCENARIOS } from './scenarios.ts';
import { verify } from './sdv.ts';

interface DriverVerificationLog extends Report {
  readonly product: 'typetun';
  readonly version: string;
  readonly commit: string;
  readonly node: string;
  /** When it was written, ISO 8601; SOURCE_DATE_EPOCH if that is set. */
  readonly date: string;
  readonly sources: readonly SourceHash[];
}

const MS_PER_SECOND = 1000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { out: { type: 'string', default: 'out' } } });
  const before = JSON.stringify(hashSources());
  const report = await verify({ scenarios: SCENARIOS, mutants: MUTANTS, seed: 1 });
  const sources = hashSources();
  if (JSON.stringify(sources) !== before) {
    throw new Error('the sources have changed while they were verified; run it again');
  }
  const log: DriverVerificationLog = {
    product: 'typetun',
    version: VERSION,
    commit: commit(),
    node: process.version,
    date: date(),
    sources,
    ...report,
  };
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, 'typetun.DVL.json'), `${JSON.stringify(log, null, 2)}\n`);
  writeFileSync(join(values.out, 'typetun.DVL.xml'), xmlOf(log));
  console.log(`\nwritten: ${values.out}/typetun.DVL.xml and .json`);
  process.exitCode = log.ok ? 0 : 1;
}

/** The commit, with `-dirty` when files differ from it; `unknown` outside a repository. */
function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: PACKAGE_ROOT, encoding: 'utf8', stdio: 'pipe' }).trim();
    return `${git('rev-parse', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '-dirty'}`;
  } catch {
    return 'unknown';
  }
}

function date(): string {
  const epoch = process.env['SOURCE_DATE_EPOCH'];
  return (epoch === undefined ? new Date() : new Date(Number(epoch) * MS_PER_SECOND)).toISOString();
}

type Attributes = Readonly<Record<string, string | number | boolean | null>>;

function xmlOf(log: DriverVerificationLog): string {
  const { product, version, ok, seed, seconds, node } = log;
  const root = { product, version, commit: log.commit, node, date: log.date, ok, seed, seconds };
  const list = (name: string, item: string, entries: readonly Attributes[]): string =>
    `  <${name}>\n${entries.map((entry) => `    <${item}${attributesOf(entry)}/>\n`).join('')}  </${name}>\n`;
  return [
    '<?xml version="1.0" encoding="utf-8"?>\n',
    `<DriverVerificationLog${attributesOf(root)}>\n`,
    list(
      'sources',
      'file',
      log.sources.map((source) => ({ ...source })),
    ),
    list(
      'rules',
      'rule',
      log.rules.map((rule) => ({ ...rule })),
    ),
    list(
      'scenarios',
      'scenario',
      log.scenarios.map((scenario) => ({ ...scenario })),
    ),
    list(
      'mutants',
      'mutant',
      log.mutants.map((mutant) => ({ ...mutant })),
    ),
    '</DriverVerificationLog>\n',
  ].join('');
}

function attributesOf(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeText(String(value ?? ''))}"`)
    .join('');
}

function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

await main();
