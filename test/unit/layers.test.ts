/**
 * The rooms of docs/architecture.md hold because the linter says so. Here each rule is shown to
 * bite: offending files are laid into a copy of the configuration and linted.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** This file runs from build/test/unit. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BIOME = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');

const IMPORTS = 'lint/style/noRestrictedImports';
const PROPERTIES = 'lint/nursery/noJsRestrictedProperties';
const PLUGIN = 'plugin';

/** A file, what it imports, and whether it may. */
type Import = readonly [file: string, specifier: string];

const REFUSED_IMPORTS: readonly Import[] = [
  ['src/errors.ts', './limits.ts'],
  ['src/limits.ts', 'node:os'],
  ['src/keep-alive.ts', './limits.ts'],
  ['src/wire/a.ts', 'node:fs'],
  ['src/wire/a.ts', '../sync/wake.ts'],
  ['src/wire/a.ts', '../os/libc.ts'],
  ['src/wire/a.ts', '../link/link.ts'],
  ['src/wire/a.ts', '../index.ts'],
  ['src/wire/a.ts', 'koffi'],
  ['src/wire/deep/a.ts', '../../os/libc.ts'],
  ['src/sync/a.ts', 'node:worker_threads'],
  ['src/sync/a.ts', '../wire/bundle.ts'],
  ['src/sync/a.ts', '../os/libc.ts'],
  ['src/os/a.ts', '../link/link.ts'],
  ['src/os/a.ts', '../adapter/adapter.ts'],
  ['src/os/a.ts', 'koffi'],
  ['src/os/a.ts', 'commander'],
  ['src/link/a.ts', '../adapter/adapter.ts'],
  ['src/link/a.ts', '../index.ts'],
  ['src/link/a.ts', 'koffi'],
  ['src/link/linux/a.ts', '../memory/provider.ts'],
  ['src/link/linux/a.ts', '../open.ts'],
  ['src/link/linux/a.ts', '../../adapter/adapter.ts'],
  ['src/link/linux/a.ts', 'koffi'],
  ['src/link/windows/a.ts', '../linux/provider.ts'],
  ['src/link/windows/a.ts', '../open.ts'],
  ['src/link/macos/a.ts', '../windows/provider.ts'],
  ['src/link/memory/a.ts', '../../os/libc.ts'],
  ['src/link/memory/a.ts', '../linux/provider.ts'],
  ['src/adapter/a.ts', '../link/open.ts'],
  ['src/adapter/a.ts', '../link/linux/provider.ts'],
  ['src/adapter/a.ts', '../os/libc.ts'],
  ['src/adapter/a.ts', '../capture/pcap.ts'],
  ['src/adapter/a.ts', '../index.ts'],
  ['src/adapter/a.ts', 'node:fs'],
  ['src/adapter/a.ts', 'koffi'],
  ['src/adapter/create.ts', '../link/linux/provider.ts'],
  ['src/adapter/create.ts', '../os/libc.ts'],
  ['src/capture/a.ts', '../index.ts'],
  ['src/capture/a.ts', '../cli/main.ts'],
  ['src/capture/filter/a.ts', '../../index.ts'],
  ['src/capture/filter/a.ts', '../../adapter/adapter.ts'],
  ['src/passing/a.ts', '../index.ts'],
  ['src/passing/a.ts', '../link/open.ts'],
  ['src/passing/a.ts', 'node:net'],
  ['src/adapter/a.ts', '../passing/send.ts'],
  ['src/workers/a.ts', '../index.ts'],
  ['src/workers/a.ts', '../os/libc.ts'],
  ['src/workers/a.ts', '../link/open.ts'],
  ['src/run/a.ts', '../adapter/adapter.ts'],
  ['src/run/a.ts', '../link/open.ts'],
  ['src/run/a.ts', '../capture/pcapng.ts'],
  ['src/run/a.ts', '../cli/main.ts'],
  ['src/run/a.ts', 'koffi'],
  ['src/run.ts', './index.ts'],
  ['src/service/a.ts', '../adapter/adapter.ts'],
  ['src/service/a.ts', '../link/linux/provider.ts'],
  ['src/service/a.ts', '../passing/inherited.ts'],
  ['src/service/a.ts', '../run.ts'],
  ['src/service/a.ts', '../cli/main.ts'],
  ['src/service/a.ts', 'koffi'],
  ['src/service.ts', './index.ts'],
  ['src/service.ts', './os/libc.ts'],
  ['src/observe/a.ts', '../service/host.ts'],
  ['src/observe/a.ts', '../service.ts'],
  ['src/observe/a.ts', '../adapter/adapter.ts'],
  ['src/observe/a.ts', '../os/libc.ts'],
  ['src/observe/a.ts', '../cli/main.ts'],
  ['src/observe/a.ts', '../run.ts'],
  ['src/observe/a.ts', 'prom-client'],
  ['src/observe/a.ts', 'pino'],
  ['src/observe/metrics/metrics.ts', 'pino'],
  ['src/observe/log.ts', 'prom-client'],
  ['src/observe/page/a.ts', '../sampler.ts'],
  ['src/observe/page/a.ts', 'node:fs'],
  ['src/observe.ts', './service/host.ts'],
  ['src/service/a.ts', '../observe/sampler.ts'],
  ['src/index.ts', './observe/sampler.ts'],
  ['src/cli/top/a.ts', '../../observe/sampler.ts'],
  ['src/cli/top/a.ts', 'terminal-kit'],
  ['src/cli/top/screen.ts', 'pino'],
  ['src/index.ts', './service/host.ts'],
  ['src/cli/serve/a.ts', '../../service/host.ts'],
  ['src/run.ts', './os/libc.ts'],
  ['src/index.ts', './run.ts'],
  ['src/index.ts', './run/namespace.ts'],
  ['src/index.ts', './cli/main.ts'],
  ['src/index.ts', './testing.ts'],
  ['src/testing.ts', './index.ts'],
  ['src/cli/a.ts', '../adapter/adapter.ts'],
  ['src/cli/a.ts', '../link/open.ts'],
  ['src/cli/a.ts', 'koffi'],
  ['src/cli/a.ts', '../sync/wake.ts'],
  ['src/cli/run/a.ts', '../../run/namespace.ts'],
  ['src/cli/demo/a.ts', '../../adapter/adapter.ts'],
  ['src/cli/demo/a.ts', '../../sync/wake.ts'],
  ['src/attic/a.ts', '../errors.ts'],
  ['examples/a.ts', '../src/index.ts'],
  ['examples/a.ts', '#dist/index.js'],
  ['examples/a.ts', 'typetun/dist/index.js'],
  ['examples/a.ts', 'koffi'],
  ['test/unit/a.test.ts', '../../src/index.ts'],
  ['scripts/a.mjs', '../dist/index.js'],
  ['scripts/a.mjs', 'typescript'],
  ['verify/engine/a.ts', '../rules.ts'],
  ['verify/engine/a.ts', '#dist/sync/wake.js'],
  ['verify/a.ts', '../src/sync/wake.ts'],
  ['verify/scenarios/a.ts', 'typetun'],
];

const ALLOWED_IMPORTS: readonly Import[] = [
  ['src/wire/a.ts', '../errors.ts'],
  ['src/wire/a.ts', './bundle.ts'],
  ['src/wire/a.ts', '../copy.ts'],
  ['src/wire/deep/a.ts', '../../wire/bundle.ts'],
  ['src/sync/a.ts', '../limits.ts'],
  ['src/os/ffi.ts', 'koffi'],
  ['src/os/a.ts', '../wire/bundle.ts'],
  ['src/os/a.ts', 'node:worker_threads'],
  ['src/os/a.ts', 'node:fs/promises'],
  ['src/link/a.ts', '../os/libc.ts'],
  ['src/link/a.ts', './linux/provider.ts'],
  ['src/link/linux/a.ts', '../link.ts'],
  ['src/link/linux/a.ts', '../../os/libc.ts'],
  ['src/link/windows/a.ts', '../../os/win32.ts'],
  ['src/link/macos/a.ts', '../../os/darwin.ts'],
  ['src/link/memory/a.ts', '../../sync/wake.ts'],
  ['src/adapter/a.ts', '../link/link.ts'],
  ['src/adapter/a.ts', '../sync/wake.ts'],
  ['src/adapter/create.ts', '../link/open.ts'],
  ['src/capture/a.ts', '../adapter/adapter.ts'],
  ['src/capture/a.ts', '../keep-alive.ts'],
  ['src/capture/filter/a.ts', '../../wire/ip.ts'],
  ['src/passing/a.ts', '../adapter/adapter.ts'],
  ['src/passing/a.ts', '../os/fd-passing.ts'],
  ['src/workers/a.ts', '../adapter/adapter.ts'],
  ['src/workers/a.ts', '../os/worker-url.ts'],
  ['src/run/a.ts', '../index.ts'],
  ['src/run/a.ts', '../os/libc.ts'],
  ['src/run/a.ts', '../wire/bundle.ts'],
  ['src/run/a.ts', 'node:child_process'],
  ['src/run.ts', './run/namespace.ts'],
  ['src/service/a.ts', '../index.ts'],
  ['src/service/a.ts', '../os/unix-socket.ts'],
  ['src/service/a.ts', '../wire/bundle.ts'],
  ['src/service/a.ts', '../keep-alive.ts'],
  ['src/service/a.ts', 'node:net'],
  ['src/service.ts', './service/control-client.ts'],
  ['src/observe/a.ts', '../service/control-protocol.ts'],
  ['src/observe/a.ts', '../service/log.ts'],
  ['src/observe/a.ts', '../index.ts'],
  ['src/observe/a.ts', 'node:http'],
  ['src/observe/dashboard/a.ts', '../page/model.ts'],
  ['src/observe/dashboard/a.ts', '../web/server.ts'],
  ['src/observe/metrics/metrics.ts', 'prom-client'],
  ['src/observe/log.ts', 'pino'],
  ['src/observe/page/a.ts', './dom.ts'],
  ['src/observe.ts', './observe/sampler.ts'],
  ['src/cli/top/screen.ts', 'terminal-kit'],
  ['src/index.ts', './capture/pcapng.ts'],
  ['src/index.ts', './adapter/adapter.ts'],
  ['src/testing.ts', './link/memory/provider.ts'],
  ['src/cli/a.ts', '../index.ts'],
  ['src/cli/a.ts', 'commander'],
  ['src/cli/demo/a.ts', '../../index.ts'],
  ['src/cli/demo/a.ts', '../output.ts'],
  ['src/cli/demo/a.ts', '../table/lines.ts'],
  ['src/cli/a.ts', './demo/demo.ts'],
  ['examples/a.ts', 'typetun/testing'],
  ['examples/a.ts', 'typetun/run'],
  ['examples/a.ts', 'typetun/service'],
  ['examples/a.ts', 'node:net'],
  ['test/unit/a.test.ts', '#dist/wire/bundle.js'],
  ['scripts/a.mjs', './lib/project.mjs'],
  ['verify/engine/a.ts', './board.ts'],
  ['verify/engine/a.ts', 'node:worker_threads'],
  ['verify/scenarios/a.ts', '../engine/scenario.ts'],
  ['verify/scenarios/a.ts', '#dist/sync/wake.js'],
];

/** A file, its text, and the rules that speak up. */
type Snippet = readonly [title: string, file: string, text: string, rules: readonly string[]];

const SNIPPETS: readonly Snippet[] = [
  [
    'reading process.platform in a room',
    'src/adapter/a.ts',
    'export const a = process.platform;',
    [PROPERTIES],
  ],
  [
    'destructuring the platform',
    'src/os/a.ts',
    'export const { platform } = process;',
    [PROPERTIES],
  ],
  [
    'importing the platform from node:os',
    'src/os/a.ts',
    "import { arch, platform } from 'node:os';\nexport const a = [arch, platform];",
    [PLUGIN],
  ],
  [
    'importing the platform from node:process',
    'src/os/a.ts',
    "import { platform as a } from 'node:process';\nexport const b = a;",
    [PLUGIN],
  ],
  [
    'reading process.platform in link/open.ts',
    'src/link/open.ts',
    'export const a = process.platform;',
    [],
  ],
  ['waiting in link/open.ts', 'src/link/open.ts', 'export const a = Atomics.wait;', [PROPERTIES]],
  [
    'waiting on shared memory in a room',
    'src/adapter/a.ts',
    'export const a = (w: Int32Array) => Atomics.wait(w, 0, 0);',
    [PROPERTIES],
  ],
  [
    'waiting asynchronously in a room',
    'src/sync/a.ts',
    'export const a = (w: Int32Array) => Atomics.waitAsync(w, 0, 0);',
    [PROPERTIES],
  ],
  [
    'waiting in sync/wake.ts',
    'src/sync/wake.ts',
    'export const a = (w: Int32Array) => Atomics.wait(w, 0, 0);',
    [],
  ],
  [
    'reading the platform in sync/wake.ts',
    'src/sync/wake.ts',
    'export const a = process.platform;',
    ['lint/style/noRestrictedGlobals', PROPERTIES],
  ],
  [
    'a require function outside os/ffi.ts',
    'src/os/a.ts',
    "import { createRequire } from 'node:module';\nexport const a = createRequire(import.meta.url);",
    [PLUGIN],
  ],
  [
    'a require function in os/ffi.ts',
    'src/os/ffi.ts',
    "import { createRequire } from 'node:module';\nexport const a = createRequire(import.meta.url);",
    [],
  ],
  ...[
    'void words[0];',
    'words[0]!++;',
    'words[0] = 1;',
    'words[0]! += 1;',
    'words.fill(0);',
    'void words.at(0);',
    'void queue.tailWords[0];',
    'void queue.self().tailWords[0];',
  ].map(
    (access): Snippet => [
      `"${access}", past Atomics,`,
      'src/adapter/a.ts',
      `export function a(words: Int32Array, queue: Queue): void { queue.use(words); ${access} }`,
      [PLUGIN],
    ],
  ),
  [
    'words through Atomics, and an element of another array',
    'src/sync/a.ts',
    'export const a = (words: Int32Array, b: Uint8Array) => Atomics.load(words, 0) + b[0]!;',
    [],
  ],
  ...[
    'export const cells = new Int32Array(1);',
    'export const a: { b?: Int32Array } = {};\na.b = new Int32Array(1);',
    'export class A { readonly cells = new Int32Array(1); }',
    'export class A { readonly #cells: Int32Array;\nconstructor() { this.#cells = new Int32Array(1); }\nget a() { return this.#cells; } }',
  ].map(
    (text): Snippet => [
      `an Int32Array by another name in "${text}"`,
      'src/sync/a.ts',
      text,
      [PLUGIN],
    ],
  ),
  [
    'a clock in wire/',
    'src/wire/a.ts',
    'export const a = Date.now();',
    ['lint/style/noRestrictedGlobals'],
  ],
  [
    'a Buffer in wire/',
    'src/wire/a.ts',
    'export const a = Buffer.alloc(1);',
    ['lint/style/noRestrictedGlobals'],
  ],
  [
    'an eager import of a public entry in cli/',
    'src/cli/a.ts',
    "import { a } from '../testing.ts';\nexport const b = a;",
    [PLUGIN],
  ],
  [
    'an eager import of typetun/run in cli/',
    'src/cli/a.ts',
    "import { a } from '../run.ts';\nexport const b = a;",
    [PLUGIN],
  ],
  [
    'a lazy import of a public entry in cli/',
    'src/cli/a.ts',
    "export const b = await import('../testing.ts');",
    [],
  ],
  [
    'a type from a public entry in cli/',
    'src/cli/a.ts',
    "import type { A } from '../testing.ts';\nexport const b: A | null = null;",
    [],
  ],
  [
    'a dynamic import upwards',
    'src/wire/a.ts',
    "export const b = await import('../os/libc.ts');",
    [IMPORTS],
  ],
  [
    'a type import upwards',
    'src/wire/a.ts',
    "import type { A } from '../os/libc.ts';\nexport const b: A | null = null;",
    [IMPORTS],
  ],
  ['a re-export upwards', 'src/wire/a.ts', "export { A } from '../os/libc.ts';", [IMPORTS]],
  ['export *', 'src/index.ts', "export * from './errors.ts';", ['lint/performance/noReExportAll']],
  ['a default export', 'src/wire/a.ts', 'export default 1;', ['lint/style/noDefaultExport']],
  ['an enum', 'src/wire/a.ts', 'export enum A {\n  B = 1,\n}', ['lint/style/noEnum']],
  [
    'a namespace',
    'src/wire/a.ts',
    'export namespace A {\n  export const b = 1;\n}',
    ['lint/style/noNamespace'],
  ],
  [
    'a parameter property',
    'src/wire/a.ts',
    'export class A {\n  constructor(readonly b: number) {}\n}',
    ['lint/style/noParameterProperties'],
  ],
  ['any', 'src/wire/a.ts', 'export const a: any = 1;', ['lint/suspicious/noExplicitAny']],
  [
    'a silenced compiler',
    'src/wire/a.ts',
    '// @ts-ignore\nexport const a: string = 1;',
    ['lint/suspicious/noTsIgnore'],
  ],
  [
    'printing in a library room',
    'src/adapter/a.ts',
    "console.log('a');",
    ['lint/suspicious/noConsole'],
  ],
  ['printing in cli/', 'src/cli/a.ts', "console.log('a');", []],
  [
    'a floating promise',
    'src/adapter/a.ts',
    'async function a(): Promise<void> {}\nexport function b(): void {\n  a();\n}',
    ['lint/nursery/noFloatingPromises'],
  ],
  [
    'a non-null assertion',
    'src/wire/a.ts',
    'export const a = (b: Uint8Array): number => b[0]!;',
    [],
  ],
  [
    'a focused test',
    'test/unit/a.test.ts',
    "import { test } from 'node:test';\ntest.only('a', () => {});",
    ['lint/suspicious/noFocusedTests'],
  ],
  [
    'a test skipped for a stated reason',
    'test/kernel/a.test.ts',
    "import { test } from 'node:test';\ntest('a', { skip: 'needs root' }, () => {});",
    [],
  ],
  [
    'the first half of a cycle',
    'src/wire/ring-a.ts',
    "import { b } from './ring-b.ts';\nexport const a = (): unknown => b;",
    ['lint/suspicious/noImportCycles'],
  ],
  [
    'the second half of a cycle',
    'src/wire/ring-b.ts',
    "import { a } from './ring-a.ts';\nexport const b = (): unknown => a;",
    ['lint/suspicious/noImportCycles'],
  ],
  [
    'a file of more than 300 lines',
    'src/wire/a.ts',
    'export const a = [\n'.concat('  1,\n'.repeat(300), '];'),
    ['lint/style/noExcessiveLinesPerFile'],
  ],
];

interface Case {
  readonly file: string;
  readonly text: string;
  /** Rules that spoke up about it, sorted, once linted. */
  found: readonly string[];
}

/** Trees to lint: a case goes into the first one in which nobody has its path yet. */
const trees: Map<string, Case>[] = [];

function plan(file: string, text: string): Case {
  const planned: Case = { file, text: `${text}\n`, found: [] };
  let tree = trees.find((each) => !each.has(file));
  if (tree === undefined) {
    tree = new Map();
    trees.push(tree);
  }
  tree.set(file, planned);
  return planned;
}

/** An import that leaves nothing unused, whatever the language. */
function importing([file, specifier]: Import): Case {
  return plan(file, `import { a } from '${specifier}';\nexport const b = a;`);
}

for (const entry of REFUSED_IMPORTS) {
  const planned = importing(entry);
  test(`${entry[0]} may not import ${entry[1]}`, () => {
    assert.ok(planned.found.includes(IMPORTS), `found only: ${planned.found.join(', ')}`);
  });
}

for (const entry of ALLOWED_IMPORTS) {
  const planned = importing(entry);
  test(`${entry[0]} may import ${entry[1]}`, () => assert.deepEqual(planned.found, []));
}

for (const [title, file, text, rules] of SNIPPETS) {
  const planned = plan(file, text);
  const verdict = rules.length === 0 ? 'is allowed' : 'is refused';
  test(`${title} ${verdict}`, () => assert.deepEqual(planned.found, [...rules].sort()));
}

before(() => {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-layers-'));
  try {
    for (const tree of trees) lint(folder, tree);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Lays the cases of `tree` into a copy of the project's configuration and lints it. */
function lint(parent: string, tree: ReadonlyMap<string, Case>): void {
  const folder = mkdtempSync(join(parent, 'tree-'));
  for (const path of ['biome.json', 'biome.rooms.json', 'package.json', 'scripts/lint']) {
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  for (const { file, text } of tree.values()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const found = new Map<string, Set<string>>();
  for (const { category, location } of diagnosticsIn(folder)) {
    const path = relative(folder, resolve(folder, location.path));
    found.set(path, (found.get(path) ?? new Set()).add(category));
  }
  for (const planned of tree.values()) planned.found = [...(found.get(planned.file) ?? [])].sort();
}

interface Diagnostic {
  readonly category: string;
  readonly location: { readonly path: string };
}

function diagnosticsIn(folder: string): Diagnostic[] {
  const args = [BIOME, 'lint', '--reporter=json', '--max-diagnostics=none', '.'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  assert.ok(stdout.startsWith('{'), `biome did not report: ${stderr}`);
  return (JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics;
}

/** The sources, without comments. */
function sources(): Map<string, string> {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => path.split(sep).join('/'));
  const text = (path: string): string => readFileSync(join(ROOT, 'src', path), 'utf8');
  const code = (path: string): string => text(path).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  return new Map(files.map((path) => [path, code(path)]));
}

function filesWith(pattern: RegExp): string[] {
  return [...sources()].filter(([, code]) => pattern.test(code)).map(([path]) => path);
}

test('every folder of src has an import rule of its own', () => {
  const rules = readFileSync(join(ROOT, 'biome.rooms.json'), 'utf8');
  const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const ruled = rooms.filter((room) => new RegExp(`"src/${room}/\\*`).test(rules));
  assert.deepEqual(ruled, rooms);
  assert.ok(rooms.length > 0);
});

test('the platform is asked for in link/open.ts alone', () => {
  assert.deepEqual(filesWith(/\bprocess\s*(?:\?\.|\.)\s*platform\b|\bos\.platform\(/), [
    'link/open.ts',
  ]);
});

test('threads wait on shared memory in sync/wake.ts alone', () => {
  assert.deepEqual(filesWith(/\bAtomics\s*\.\s*wait(?:Async)?\s*\(/), ['sync/wake.ts']);
});

test('the FFI package is loaded in os/ffi.ts alone', () => {
  assert.deepEqual(
    filesWith(/(?:import|require|createRequire\([^)]*\))\s*\(\s*'koffi'|from 'koffi'/),
    ['os/ffi.ts'],
  );
});
