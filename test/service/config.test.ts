/** The configuration: every kind of mistake by file, line and remedy; what a reload changes and keeps. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { TunErrorCode } from 'typetun';
import { Host } from 'typetun/service';
import { parseConfig } from '#dist/service/config.js';
import { parseJson } from '#dist/service/json-source.js';
import { scratch, serve } from './support/serve.ts';

const adapter = (...lines: readonly string[]): string =>
  `{\n  "adapters": [\n    {\n${lines.map((line) => `      ${line}`).join('\n')}\n    }\n  ]\n}\n`;

/** A text, and what is said of it. */
const MISTAKES: readonly (readonly [what: string, text: string, ...said: RegExp[]])[] = [
  ['an empty file', '', /^f:1: the text ends where a value is to be$/],
  ['no JSON', '{\n  "adapters": [}\n', /^f:2: "}" stands where a value is to be$/],
  ['a comment', '{\n  // mine\n}', /^f:2: JSON has no comments; remove it$/],
  ['a comma too many', '{\n  "adapters": [],\n}', /^f:2: the last "," is too many; remove it$/],
  [
    'a missing comma',
    '{ "adapters": []\n"control": {} }',
    /^f:2: "\\"" stands where "," or "}" is/,
  ],
  ['names without quotes', '{\n adapters: [] }', /^f:2: "a" stands where a name in double quotes/],
  ['more behind the end', '{}\n{}', /^f:2: there is more behind the end of the value$/],
  [
    'a text that does not end',
    '{\n"runDirectory": "x\n}',
    /^f:2: "\\"" stands where a value is to be/,
  ],
  [
    'a member twice',
    '{\n"adapters": [],\n"adapters": [] }',
    /^f:3: "adapters" is given twice; remove one$/,
  ],
  ['an array in place of all', '[]', /^f:1: the configuration is an array; give an object \{\}$/],
  [
    'an unknown member',
    '{\n"adaptors": [] }',
    /^f:2: there is no "adaptors" in the configuration; did you mean "adapters"\?/,
  ],
  ['a name that every object has', '{\n"constructor": 1 }', /^f:2: there is no "constructor"/],
  [
    'an adapter without a name',
    adapter('"mtu": 1400'),
    /^f:3: "adapters"\[0\] has no "name"; give it one$/,
  ],
  [
    'a number as a text',
    adapter('"name": "a",', '"mtu": "1400"'),
    /^f:5: "mtu" is "1400"; give a whole number from 576 to 61424$/,
  ],
  [
    'a number out of range',
    adapter('"name": "a",', '"mtu": 100'),
    /^f:5: "mtu" is 100; give a whole number from 576 to 61424$/,
  ],
  [
    'a number with a fraction',
    adapter('"name": "a",', '"queues": 1.5'),
    /^f:5: "queues" is 1.5; give a whole number from 1/,
  ],
  [
    'an unknown choice',
    adapter('"name": "a",', '"dropPolicy": "oldest"'),
    /^f:5: "dropPolicy" is "oldest"; give one of "drop-oldest", "drop-newest"$/,
  ],
  [
    'a text for true or false',
    adapter('"name": "a",', '"persist": "yes"'),
    /^f:5: "persist" is "yes"; give true or false$/,
  ],
  [
    'an address without prefix',
    adapter('"name": "a",', '"addresses": [', '"10.7.0.1/24",', '"10.8.0.1"', ']'),
    /^f:7: .*10\.8\.0\.1/,
  ],
  [
    'an address twice',
    adapter('"name": "a",', '"addresses": ["10.7.0.1/24", "10.7.0.1/24"]'),
    /^f:5: the address 10.7.0.1\/24 is given twice$/,
  ],
  [
    'a text for an array',
    adapter('"name": "a",', '"addresses": "10.7.0.1/24"'),
    /^f:5: "addresses" is "10.7.0.1\/24"; give an array \[\]$/,
  ],
  [
    'a route with host bits',
    adapter('"name": "a",', '"routes": ["10.8.0.1/16"]'),
    /^f:5: the route 10.8.0.1\/16 has host bits set; did you mean 10.8.0.0\/16\?$/,
  ],
  [
    'a route without destination',
    adapter('"name": "a",', '"routes": [{', '"metric": 5 }]'),
    /^f:5: "routes"\[0\] has no "destination"; give it one$/,
  ],
  [
    'an MTU too small for IPv6',
    adapter('"name": "a",', '"addresses": ["fd07::1/64"],', '"mtu": 1000'),
    /^f:6: mtu is 1000; IPv6 needs at least 1280/,
  ],
  [
    'a name with a slash',
    adapter('"name": "a/b"'),
    /^f:4: the interface name "a\/b" has a character/,
  ],
  [
    'a name that is too long',
    adapter('"name": "abcdefghijklmnop"'),
    /^f:4: "name" is "abcdefghijklmnop"; that are 16 characters; at most 15/,
  ],
  [
    'a user that there is not',
    adapter('"name": "a",', '"access": { "users": [', '"nobody-of-that-name" ] }'),
    /^f:6: there is no user "nobody-of-that-name" in \/etc\/passwd; give the number/,
  ],
  [
    'a group that there is not',
    '{ "control": { "groups": ["no-such-group"] } }',
    /^f:1: there is no group "no-such-group" in \/etc\/group/,
  ],
  [
    'a right that there is not',
    adapter('"name": "a",', '"access": { "descriptors": true }'),
    /^f:5: there is no "descriptors" in "access"; did you mean "descriptor"\?/,
  ],
  [
    'two adapters of one name',
    '{ "adapters": [\n{ "name": "a" },\n{ "name": "a" } ] }',
    /^f:3: the name "a" is that of the adapter in line 2 already/,
  ],
  [
    'several mistakes',
    adapter('"name": "",', '"mtu": 1,', '"queue": 2'),
    /^f:4: .*\nf:5: .*\nf:6: there is no "queue" in .*did you mean "queues"/s,
  ],
  ['a nesting without end', '['.repeat(1000), /^f:1: it is nested too deep$/],
];

describe('a wrong configuration', () => {
  for (const [what, text, said] of MISTAKES) {
    test(`names the line and the remedy of ${what}`, () => {
      assert.throws(() => parseConfig(text, 'f'), { code: TunErrorCode.CONFIG, message: said! });
    });
  }
});

test('JSON is read as JSON.parse reads it, or refused where that refuses it', () => {
  fc.assert(
    fc.property(fc.json(), fc.integer({ min: 0, max: 40 }), fc.string(), (json, at, more) => {
      assert.deepEqual(parseJson(json).value, JSON.parse(json));
      const broken = json.slice(0, at) + more + json.slice(at);
      let expected: unknown;
      try {
        expected = JSON.parse(broken);
      } catch {
        assert.throws(() => parseJson(broken));
        return;
      }
      try {
        assert.deepEqual(parseJson(broken).value, expected);
      } catch (error) {
        assert.match((error as Error).message, /is given twice/);
      }
    }),
  );
});

test('the schema has the options of an adapter, and no other', () => {
  const schema = JSON.parse(readFileSync('schema/typetun.config.schema.json', 'utf8')) as {
    definitions: { adapter: { properties: object } };
  };
  const options = /const OPTION_NAMES = \[(.*?)\]/s.exec(
    readFileSync('src/adapter/options.ts', 'utf8'),
  )![1]!;
  const names = [...options.matchAll(/'(\w+)'/g)].map((match) => match[1]!);
  const known = Object.keys(schema.definitions.adapter.properties);
  // A DLL is not chosen by a file that others may come to write.
  assert.deepEqual(known.sort(), [...names.filter((name) => name !== 'wintun'), 'access'].sort());
});

describe('reading the configuration again', () => {
  let folder: ReturnType<typeof scratch>;
  let path: string;
  let host: Host;

  const write = (...adapters: readonly object[]): void => {
    const all = adapters.map((one) => ({ link: 'memory', ...one }));
    writeFileSync(path, JSON.stringify({ adapters: all }, null, 2));
  };

  beforeEach(async () => {
    folder = scratch();
    path = join(folder.path, 'typetun.json');
    write({ name: 'a0', addresses: ['10.1.0.1/24'] }, { name: 'b0', mtu: 1400 });
    host = await Host.start({ runDirectory: join(folder.path, 'run'), config: path });
  });

  afterEach(async () => {
    await host.stop();
    folder[Symbol.dispose]();
  });

  test('changes what differs and keeps the rest', async () => {
    await host.call('adapter.create', { name: 'c0', link: 'memory' });
    const before = await host.call('adapter.list');
    write(
      { name: 'a0', addresses: ['10.1.0.1/24'] },
      { name: 'b0', mtu: 1300, access: { users: [7] } },
      { name: 'd0' },
    );
    const result = await host.reload();
    assert.deepEqual(result, {
      ...{ created: ['d0'], removed: [], replaced: [], changed: ['b0'], kept: ['a0'], failed: [] },
    });
    const after = await host.call('adapter.list');
    assert.deepEqual(after.map(({ name }) => name).sort(), ['a0', 'b0', 'c0', 'd0']);
    assert.deepEqual(after[0], before[0]);
    assert.equal(after[1]!.mtu, 1300);
    assert.equal(after[1]!.luidIndex, before[1]!.luidIndex);
  });

  test('replaces what cannot be changed, and removes what is not there any more', async () => {
    const [before] = await host.call('adapter.list');
    write({ name: 'a0', addresses: ['10.1.0.1/24'], dropPolicy: 'drop-newest' });
    const { replaced, removed } = await host.reload();
    assert.deepEqual({ replaced, removed }, { replaced: ['a0'], removed: ['b0'] });
    const [after] = await host.call('adapter.list');
    assert.notEqual(after!.luidIndex, before!.luidIndex);
    const properties = await host.call('adapter.properties', { adapter: 'a0' });
    assert.equal(properties.dropPolicy, 'drop-newest');
  });

  test('leaves all as it is when the new one is wrong', async () => {
    const before = await host.call('adapter.list');
    writeFileSync(path, '{\n  "adapters": [ { "name": "a0", "mtu": 1 } ]\n}');
    await assert.rejects(host.reload(), {
      code: TunErrorCode.CONFIG,
      message: `${path}:2: "mtu" is 1; give a whole number from 576 to 61424`,
    });
    assert.deepEqual(await host.call('adapter.list'), before);
  });

  test('takes an adapter that was made over the control socket', async () => {
    await host.call('adapter.create', { name: 'c0', link: 'memory' });
    write({ name: 'a0', addresses: ['10.1.0.1/24'] }, { name: 'b0', mtu: 1400 }, { name: 'c0' });
    assert.deepEqual((await host.reload()).kept, ['a0', 'b0', 'c0']);
    assert.equal((await host.call('adapter.show', { adapter: 'c0' })).origin, 'config');
  });
});

test('a host does not start with a wrong configuration, and leaves nothing', async () => {
  using folder = scratch();
  const config = join(folder.path, 'typetun.json');
  writeFileSync(config, '{ "adapters": 7 }');
  const start = (): Promise<Host> => Host.start({ runDirectory: join(folder.path, 'run'), config });
  await assert.rejects(start(), { message: `${config}:1: "adapters" is 7; give an array []` });
  await assert.rejects(Host.start({ config: join(folder.path, 'none.json') }), {
    code: TunErrorCode.CONFIG,
    message: /none.json cannot be read \(ENOENT\)/,
  });
});

test('SIGHUP reads it again; a wrong one is told in the log, and the host goes on', async () => {
  using folder = scratch();
  const config = join(folder.path, 'typetun.json');
  writeFileSync(config, '{ "adapters": [{ "name": "a0", "link": "memory" }] }');
  await using host = await serve(join(folder.path, 'run'), { args: ['--config', config] });
  const reloaded = new Promise((resolve) => {
    void host.control.subscribe((event) => event.event === 'host.reloaded' && resolve(event));
  });
  writeFileSync(config, '{ "adapters": [\n{ "name": "a0", "mtu": 5 }] }');
  host.process.kill('SIGHUP');
  while (!host.log().includes(`${config}:2: "mtu" is 5`)) await host.control.call('host.info');
  assert.equal((await host.control.call('adapter.show', { adapter: 'a0' })).mtu, 1500);
  writeFileSync(config, '{ "adapters": [{ "name": "a0", "link": "memory", "mtu": 1280 }] }');
  host.process.kill('SIGHUP');
  await reloaded;
  assert.equal((await host.control.call('adapter.show', { adapter: 'a0' })).mtu, 1280);
  assert.equal(await host.stop(), 0);
});

test('the example is a right configuration, and its schema is where it says', () => {
  const path = 'examples/typetun.json';
  const text = readFileSync(path, 'utf8');
  assert.equal(parseConfig(text, path).adapters!.length, 1);
  const { $schema } = JSON.parse(text) as { $schema: string };
  assert.ok(readFileSync(join('examples', $schema), 'utf8').includes('"definitions"'));
});
