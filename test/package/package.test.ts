/**
 * The package as its users get it: packed, installed into an empty folder, imported and run. The
 * registry serves its dependencies, from npm's cache where it can.
 */

import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** This file runs from build/test/package. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const COMMAND_TIMEOUT_MS = 120_000;
const PUBLISHED =
  /^(?:(?:dist|src|docs|man|schema|systemd)\/.+|package\.json|(?:README|CHANGELOG|SECURITY)\.md|LICENSE)$/;

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  devDependencies: Record<string, string>;
  exports: Record<string, unknown>;
};
let folder = '';
let tarball = '';
let paths: readonly string[] = [];

/** npm tells the scripts it runs which project they are in; a user's npm would not know. */
function userEnvironment(): NodeJS.ProcessEnv {
  const ours = /^npm_(?:package|lifecycle|command|config_local_prefix|config_prefix)|^INIT_CWD$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

function run(cwd: string, command: string, ...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: userEnvironment(),
    timeout: COMMAND_TIMEOUT_MS,
  });
}

/** Runs a command that must succeed; its stdout. */
function output(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = run(cwd, command, ...args);
  const line = [command, ...args].join(' ');
  assert.equal(status, 0, `${line} ended with ${status}: ${error ?? ''}\n${stderr}\n${stdout}`);
  return stdout;
}

function node(cwd: string, type: 'module' | 'commonjs', code: string): string {
  return output(cwd, process.execPath, `--input-type=${type}`, '--eval', code);
}

/** A new folder with the tarball installed in it. */
function install(name: string, ...flags: string[]): string {
  const home = join(folder, name);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "name": "user", "private": true }');
  output(home, 'npm', 'install', tarball, '--prefer-offline', '--no-audit', '--no-fund', ...flags);
  return home;
}

interface DemoReport {
  readonly ok: boolean;
  readonly link: string;
}

/** `typetun demo --link memory --json`, which must print one object and nothing else. */
function demo(home: string): DemoReport {
  const args = ['exec', '--offline', '--', 'typetun', 'demo', '--link', 'memory', '--json'];
  return JSON.parse(output(home, 'npm', ...args)) as DemoReport;
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'typetun-package-'));
  // Built already; a build here would run beside other tests that read dist.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const packed = Object.values(JSON.parse(output(ROOT, 'npm', ...args)) as Packed[])[0];
  assert.ok(packed !== undefined);
  tarball = join(folder, packed.filename);
  paths = packed.files.map((file) => file.path);
});

after(() => rmSync(folder, { recursive: true, force: true }));

interface Locked {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
}

test('the lock file knows every optional package, or npm ci refuses it', () => {
  // npm leaves out those of other platforms that the registry at hand does not serve.
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Locked;
  const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  const missing = wanted.filter((name) => packages[`node_modules/${name}`] === undefined);
  assert.deepEqual(missing, [], 'add them, with version, os, cpu and "optional": true');
});

describe('the tarball', () => {
  test('holds the product, its sources and its documents, and nothing else', () => {
    assert.deepEqual(
      paths.filter((path) => !PUBLISHED.test(path)),
      [],
    );
    assert.deepEqual(
      paths.filter((path) => /\.test\.|stamp|tsbuildinfo|\/\./.test(path)),
      [],
    );
  });

  test('holds the compiled form and the types of every source', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.includes('assembly'))
      .map((path) => path.slice(0, -'.ts'.length).split(sep).join('/'));
    const wanted = sources.flatMap((stem) => [
      `src/${stem}.ts`,
      ...['.js', '.js.map', '.d.ts', '.d.ts.map'].map((ending) => `dist/${stem}${ending}`),
    ]);
    assert.deepEqual(
      wanted.filter((path) => !paths.includes(path)),
      [],
    );
    const compiled = paths.filter((path) => path.startsWith('dist/'));
    assert.deepEqual(
      compiled.filter((path) => !wanted.includes(path)),
      [],
      'stale files in dist',
    );
  });

  test('passes publint, warnings included', () => {
    const publint = join(ROOT, 'node_modules', 'publint', 'src', 'cli.js');
    output(ROOT, process.execPath, publint, 'run', tarball, '--strict');
  });

  test('passes "are the types wrong" as an ESM-only package', () => {
    const attw = join(ROOT, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    output(ROOT, process.execPath, attw, tarball, '--profile', 'esm-only', '--no-color');
  });
});

describe('installed into an empty folder', () => {
  let home = '';
  before(() => {
    home = install('with-everything');
  });

  test('imports, at each entry of its exports', () => {
    for (const entry of Object.keys(manifest.exports).filter((each) => !each.endsWith('.json'))) {
      const name = entry.replace(/^\./, 'typetun');
      const code = `console.log(Object.keys(await import('${name}')).length > 0)`;
      assert.equal(node(home, 'module', code).trim(), 'true', name);
    }
  });

  test('can be required from CommonJS without a flag', () => {
    const code = "console.log(typeof require('typetun').Adapter.create)";
    assert.equal(node(home, 'commonjs', code).trim(), 'function');
  });

  test('keeps its insides to itself', () => {
    const code =
      "await import('typetun/dist/wire/bundle.js').catch((error) => console.log(error.code))";
    assert.equal(node(home, 'module', code).trim(), 'ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  test('gives TypeScript its types with the settings of the README, library checks on', () => {
    const program = [
      "import { Adapter, type Bundle, type Link, type LinkProvider } from 'typetun';",
      "import { MemoryHost } from 'typetun/testing';",
      "export const renamed = (inner: LinkProvider): LinkProvider => ({ name: 'mine', open: async (config): Promise<Link> => await inner.open(config) });",
      'const host = new MemoryHost({});',
      'await using adapter: Adapter = await Adapter.create({ link: renamed(host.provider()) });',
      'await using device = adapter.openDevice();',
      'console.log(adapter.state);',
      'export const read = (): Promise<Bundle> => device.read();',
    ];
    // As the README has it: the install line at our pinned versions, the settings as they stand there.
    const { typescript, '@types/node': types } = manifest.devDependencies;
    const tools = [`typescript@${typescript}`, `@types/node@${types}`];
    output(home, 'npm', 'install', '-D', ...tools, '--prefer-offline', '--no-audit', '--no-fund');
    output(home, 'npm', 'pkg', 'set', 'type=module');
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    writeFileSync(join(home, 'tsconfig.json'), /^```json\n(.*?)^```/ms.exec(readme)![1]!);
    writeFileSync(join(home, 'user.ts'), program.join('\n'));
    output(home, process.execPath, join(home, 'node_modules', 'typescript', 'bin', 'tsc'));
    assert.match(output(home, process.execPath, 'user.js'), /^Running/);
  });

  test('prints its version on the command line', () => {
    const printed = output(home, 'npm', 'exec', '--offline', '--', 'typetun', '--version');
    assert.equal(printed.trim(), manifest.version);
  });

  test('runs the demo over the in-process link', () => {
    const report = demo(home);
    assert.equal(report.ok, true, JSON.stringify(report));
    assert.equal(report.link, 'memory');
  });
});

describe('installed without the optional FFI package', () => {
  let home = '';
  before(() => {
    home = install('without-ffi', '--omit=optional');
  });

  test('really lacks it', () => {
    assert.equal(existsSync(join(home, 'node_modules', 'koffi')), false);
    assert.equal(existsSync(join(home, 'node_modules', 'typetun')), true);
  });

  test('imports, testing included', () => {
    const code = `
      await import('typetun');
      const { MemoryHost } = await import('typetun/testing');
      console.log(new MemoryHost({}).provider() !== undefined);`;
    assert.equal(node(home, 'module', code).trim(), 'true');
  });

  test('runs the demo over the in-process link', () => {
    const report = demo(home);
    assert.equal(report.ok, true, JSON.stringify(report));
  });

  test('says what is missing when the kernel is asked for', () => {
    const { status, stdout, stderr } = run(
      home,
      'npm',
      'exec',
      '--offline',
      '--',
      'typetun',
      'demo',
      '--link',
      'linux',
    );
    assert.notEqual(status, 0);
    // A user who may not open the device is told that first.
    assert.match(stdout + stderr, /koffi|\/dev\/net\/tun/);
  });

  test('says which package is missing for metrics and for a log as JSON', () => {
    const code = `
      const { Metrics, openLog } = await import('typetun/observe');
      for (const open of [() => Metrics.open({}), () => openLog({ format: 'json' })])
        await open().catch(({ code, message }) => console.log(code, message));`;
    const [metrics, log] = node(home, 'module', code).split('\n');
    assert.match(metrics!, /^ERR_TUN_UNSUPPORTED .*; install it with: npm install prom-client$/);
    assert.match(log!, /^ERR_TUN_UNSUPPORTED .*; install it with: npm install pino, or use/);
  });
});
