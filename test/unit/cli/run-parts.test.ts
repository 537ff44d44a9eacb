/** Parts of `typetun run` by themselves: its words, the host's address, and the DNS server. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerQuery } from '#dist/cli/run/dns.js';
import { neighbour } from '#dist/cli/run/host.js';
import { joinAdapterName } from '#dist/cli/run/options.js';
import { formatPrefix, parsePrefix } from '#dist/wire/address.js';

for (const [words, joined] of [
  ['--to adapter vpn0 -- ping', '--to adapter:vpn0 -- ping'],
  ['--json --mtu 1300 --to adapter vpn0 ping', '--json --mtu 1300 --to adapter:vpn0 ping'],
  ['--to=host --to adapter vpn0 ping', '--to=host --to adapter:vpn0 ping'],
  ['ping --to adapter vpn0', undefined],
  ['-- ping --to adapter vpn0', undefined],
  ['--policy --to adapter vpn0', undefined],
  ['--to adapter -- ping', undefined],
  ['--to adapter', undefined],
] as const) {
  test(`"run ${words}" becomes ${joined ?? 'what it is'}`, () => {
    const argv = ['node', 'main', 'run', ...words.split(' ')];
    const expected = ['node', 'main', 'run', ...(joined ?? words).split(' ')];
    assert.deepEqual(joinAdapterName(argv), expected);
  });
}

for (const [own, host] of [
  ['10.7.0.1/24', '10.7.0.2/24'],
  ['10.7.0.254/24', '10.7.0.253/24'],
  ['10.7.0.255/16', '10.7.1.0/16'],
  ['10.7.0.0/31', '10.7.0.1/31'],
  ['10.7.0.1/31', '10.7.0.0/31'],
  ['fd07::1/64', 'fd07::2/64'],
  ['fd07::ffff/112', 'fd07::fffe/112'],
] as const) {
  test(`the host beside ${own} is ${host}`, () => {
    assert.equal(formatPrefix(neighbour(parsePrefix(own))), host);
  });
}

const names = new Map([['printer.lan', ['10.7.0.9', 'fd07::9']]]);

function query(name: string, type: number, flags = 0x0100): Uint8Array {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const header = [0x12, 0x34, flags >> 8, flags & 0xff, 0, 1, 0, 0, 0, 0, 0, 0];
  return Uint8Array.from([...header, ...labels, 0, 0, type, 0, 1]);
}

test('a name in the table has the addresses of the type that is asked for', () => {
  const asked = query('Printer.LAN', 1);
  const answer = answerQuery(asked, names)!;
  assert.deepEqual([...answer.subarray(0, 8)], [0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1]);
  assert.deepEqual(
    answer.subarray(12, asked.length),
    asked.subarray(12),
    'the question, as it was',
  );
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 7, 0, 9];
  assert.deepEqual([...answer.subarray(asked.length)], record);
  assert.deepEqual([...answerQuery(query('printer.lan', 28), names)!.slice(-16)].at(-1), 9);
});

test('another type has no answer, another name does not exist, another operation is not done', () => {
  const codeOf = (asked: Uint8Array): number[] => [...answerQuery(asked, names)!.subarray(3, 8)];
  assert.deepEqual(codeOf(query('printer.lan', 16)), [0x80, 0, 1, 0, 0]);
  assert.deepEqual(codeOf(query('other.lan', 1)), [0x83, 0, 1, 0, 0]);
  assert.equal(codeOf(query('other.lan', 1, 0x1000))[0]! & 15, 4);
});

test('what is no query is not answered, whatever its length', () => {
  const asked = query('printer.lan', 1);
  for (let length = 0; length < asked.length; length++) {
    assert.equal(answerQuery(asked.subarray(0, length), names), undefined, `${length}`);
  }
  assert.equal(answerQuery(query('printer.lan', 1, 0x8000), names), undefined, 'a response');
  const compressed = Uint8Array.from(asked);
  compressed[12] = 0xc0;
  assert.equal(answerQuery(compressed, names), undefined);
});
