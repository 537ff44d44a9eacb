import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatAddress,
  formatPrefix,
  networkOf,
  parseAddress,
  parsePrefix,
  prefixContains,
} from '#dist/wire/address.js';

/** Text, and its canonical form by RFC 5952, sections 4 and 5. */
const CANONICAL: readonly (readonly [string, string])[] = [
  ['10.7.0.1', '10.7.0.1'],
  ['255.255.255.255', '255.255.255.255'],
  ['2001:0DB8::0001', '2001:db8::1'],
  ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['fd07::', 'fd07::'],
  ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
];

for (const [text, canonical] of CANONICAL) {
  test(`${text} is ${canonical}`, () => {
    const bytes = parseAddress(text);
    assert.equal(formatAddress(bytes, 0, bytes.length === 4 ? 4 : 6), canonical);
  });
}

const REFUSED = [
  ...[
    '',
    ' ',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    '+1.2.3.4',
    '1..2.3',
  ],
  ...[
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    'fe80::1%eth0',
  ],
  ...[
    '1:2:3:4:5:6:7:8::',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
    ':1::',
    '1::2:',
    '[::1]',
    '1:2:3:4::5:6:7:8',
  ],
];

for (const text of REFUSED) {
  test(`"${text}" is refused by name`, () => {
    assert.throws(
      () => parseAddress(text),
      (error: unknown) => {
        assert.ok(error instanceof TypeError);
        assert.ok(error.message.startsWith(`"${text}" is no IP address; write one like`));
        return true;
      },
    );
  });
}

test('what Node takes for an address is taken, all else is refused', () => {
  const part = fc.constantFrom('0', '1', '10', 'ff', 'abcd', '255', '256', ':', '::', '.', '', 'g');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 17 }), (parts) => {
      const text = parts.join('');
      const taken = ((): boolean => {
        try {
          parseAddress(text);
          return true;
        } catch {
          return false;
        }
      })();
      assert.equal(taken, isIPv4(text) || isIPv6(text), text);
    }),
    { numRuns: 20_000 },
  );
});

test('any IPv6 address survives text and back, and its text is what a URL makes of it', () => {
  const byte = fc.oneof(fc.constant(0), fc.nat(255));
  fc.assert(
    fc.property(fc.array(byte, { minLength: 16, maxLength: 16 }), (values) => {
      const bytes = Uint8Array.from(values);
      const text = formatAddress(bytes, 0, 6);
      assert.deepEqual(parseAddress(text), bytes);
      assert.equal(`[${text}]`, new URL(`http://[${text}]`).hostname);
    }),
    { numRuns: 2000 },
  );
});

test('prefixes: every length, masks and membership', () => {
  for (let length = 0; length <= 128; length++) {
    const prefix = parsePrefix(`ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/${length}`);
    const network = networkOf(prefix);
    const ones = [...network.address].reduce(
      (sum, byte) => sum + byte.toString(2).replaceAll('0', '').length,
      0,
    );
    assert.equal(ones, length);
    assert.equal(prefixContains(network, prefix.address, 0), true);
    if (length > 0) assert.equal(prefixContains(network, new Uint8Array(16), 0), false);
  }
  assert.equal(formatPrefix(networkOf(parsePrefix('10.7.130.1/17'))), '10.7.128.0/17');
  assert.equal(
    prefixContains(parsePrefix('10.7.0.0/16'), Uint8Array.of(9, 10, 7, 255, 255), 1),
    true,
  );
});

for (const [text, type, message] of [
  ['10.7.0.1', TypeError, /"10\.7\.0\.1" has no prefix length; write .*10\.7\.0\.1\/24/],
  ['10.7.0.1/', TypeError, /prefix length ""; write a number up to 32/],
  ['10.7.0.1/033', TypeError, /prefix length "033"/],
  ['10.7.0.1/-1', TypeError, /prefix length "-1"/],
  ['10.7.0.1/33', RangeError, /prefix length 33; at most 32/],
  ['fd07::1/129', RangeError, /prefix length 129; at most 128/],
  ['10.7.0.1/24/8', TypeError, /prefix length "24\/8"/],
] as const) {
  test(`the prefix "${text}" is refused with the remedy`, () => {
    assert.throws(
      () => parsePrefix(text),
      (error: unknown) => {
        assert.ok(error instanceof type);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
