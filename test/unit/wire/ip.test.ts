import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksum } from '#dist/wire/checksum.js';
import {
  DestinationKind,
  destinationKind,
  ipVersion,
  pseudoHeaderSum,
  swapAddresses,
} from '#dist/wire/ip.js';
import {
  checkIpv4,
  ipv4HeaderBytes,
  ipv4Identification,
  ipv4Protocol,
  ipv4TimeToLive,
  ipv4TotalLength,
  isIpv4ChecksumRight,
  isIpv4Fragment,
  setIpv4TimeToLive,
  writeIpv4Header,
} from '#dist/wire/ipv4.js';
import {
  checkIpv6,
  ipv6HopLimit,
  ipv6NextHeader,
  ipv6PayloadLength,
  isIpv6Fragment,
  setIpv6HopLimit,
  writeIpv6Header,
} from '#dist/wire/ipv6.js';

const AT = 3;

/** IPv4, 36 bytes, don't fragment, TTL 64, ICMP, 10.7.0.1 -> 10.7.0.2, worked out by hand. */
const V4 = Buffer.from('450000248d3b40004001998d0a0700010a070002', 'hex');
const V6 = Buffer.from(
  '600abcde001011fffd070000000000000000000000000001fd070000000000000000000000000002',
  'hex',
);

function padded(header: Uint8Array, payload: number): Uint8Array {
  const bytes = new Uint8Array(AT + header.length + payload).fill(0xa5);
  bytes.set(header, AT);
  return bytes;
}

test('an IPv4 header is taken apart', () => {
  const bytes = padded(V4, 16);
  assert.equal(checkIpv4(bytes, AT, 36), true);
  assert.equal(ipVersion(bytes, AT), 4);
  assert.equal(ipv4HeaderBytes(bytes, AT), 20);
  assert.equal(ipv4TotalLength(bytes, AT), 36);
  assert.equal(ipv4Identification(bytes, AT), 0x8d3b);
  assert.equal(isIpv4Fragment(bytes, AT), false);
  assert.equal(ipv4TimeToLive(bytes, AT), 64);
  assert.equal(ipv4Protocol(bytes, AT), 1);
  assert.equal(isIpv4ChecksumRight(bytes, AT), true);
  bytes[AT + 8] = 63;
  assert.equal(isIpv4ChecksumRight(bytes, AT), false);
});

test('an IPv4 header is written, byte for byte, and nothing around it', () => {
  const bytes = new Uint8Array(AT + 20 + AT).fill(0xa5);
  const payload = writeIpv4Header(bytes, AT, {
    source: Uint8Array.of(10, 7, 0, 1),
    destination: Uint8Array.of(10, 7, 0, 2),
    protocol: 1,
    payloadBytes: 16,
    timeToLive: 64,
    identification: 0x8d3b,
  });
  assert.equal(payload, AT + 20);
  assert.deepEqual(Buffer.from(bytes.subarray(AT, AT + 20)), V4);
  assert.ok([...bytes.subarray(0, AT), ...bytes.subarray(AT + 20)].every((byte) => byte === 0xa5));
  setIpv4TimeToLive(bytes, AT, 1);
  assert.equal(ipv4TimeToLive(bytes, AT), 1);
  assert.equal(isIpv4ChecksumRight(bytes, AT), true);
});

test('impossible IPv4 lengths are refused', () => {
  assert.equal(checkIpv4(padded(V4, 16), AT, 35), false, 'total length beyond the packet');
  assert.equal(checkIpv4(padded(V4, 16), AT, 37), false, 'beyond the buffer');
  assert.equal(checkIpv4(padded(V4.subarray(0, 19), 0), AT, 19), false, 'shorter than a header');
  for (const [offset, value] of [
    [0, 0x44],
    [0, 0x4f],
    [0, 0x65],
    [3, 19],
  ] as const) {
    const bytes = padded(V4, 16);
    bytes[AT + offset] = value;
    assert.equal(checkIpv4(bytes, AT, 36), false, `${value} at ${offset}`);
  }
  const longer = padded(V4, 20);
  assert.equal(checkIpv4(longer, AT, 40), true, 'bytes behind the total length are allowed');
});

test('fragments are known by either sign, and "don\'t fragment" is none', () => {
  for (const [high, low, fragment] of [
    [0x40, 0, false],
    [0x20, 0, true],
    [0, 1, true],
    [0x1f, 0xff, true],
    [0x80, 0, false],
  ] as const) {
    const bytes = padded(V4, 16);
    bytes[AT + 6] = high;
    bytes[AT + 7] = low;
    assert.equal(isIpv4Fragment(bytes, AT), fragment);
  }
});

test('an IPv6 header is taken apart and written', () => {
  const bytes = padded(V6, 16);
  assert.equal(checkIpv6(bytes, AT, 56), true);
  assert.equal(ipVersion(bytes, AT), 6);
  assert.equal(ipv6PayloadLength(bytes, AT), 16);
  assert.equal(ipv6NextHeader(bytes, AT), 17);
  assert.equal(ipv6HopLimit(bytes, AT), 255);
  assert.equal(isIpv6Fragment(bytes, AT), false);
  setIpv6HopLimit(bytes, AT, 9);
  assert.equal(ipv6HopLimit(bytes, AT), 9);
  const written = new Uint8Array(AT + 40 + AT).fill(0xa5);
  const payload = writeIpv6Header(written, AT, {
    source: V6.subarray(8, 24),
    destination: V6.subarray(24),
    nextHeader: 17,
    payloadBytes: 16,
    hopLimit: 255,
  });
  assert.equal(payload, AT + 40);
  const expected = Buffer.from(V6);
  expected.set([0x60, 0, 0, 0]);
  assert.deepEqual(Buffer.from(written.subarray(AT, AT + 40)), expected);
  assert.equal(written[AT + 40], 0xa5);
});

test('impossible IPv6 lengths are refused', () => {
  assert.equal(checkIpv6(padded(V6, 16), AT, 55), false, 'payload beyond the packet');
  assert.equal(checkIpv6(padded(V6, 16), AT, 57), false, 'beyond the buffer');
  assert.equal(checkIpv6(padded(V6.subarray(0, 39), 0), AT, 39), false, 'shorter than a header');
  const bytes = padded(V6, 16);
  bytes[AT] = 0x45;
  assert.equal(checkIpv6(bytes, AT, 56), false, 'version 4');
});

test('swapping addresses twice changes nothing, once keeps every checksum valid', () => {
  for (const header of [V4, V6]) {
    const bytes = padded(header, 16);
    const before = bytes.slice();
    const pseudo = pseudoHeaderSum(bytes, AT, 17, 16);
    swapAddresses(bytes, AT);
    assert.notDeepEqual(bytes, before);
    assert.equal(pseudoHeaderSum(bytes, AT, 17, 16), pseudo);
    if (header === V4) assert.equal(checksum(bytes, AT, 20), 0);
    swapAddresses(bytes, AT);
    assert.deepEqual(bytes, before);
  }
  const neither = new Uint8Array(40).fill(0x15);
  swapAddresses(neither, 0);
  assert.ok(neither.every((byte) => byte === 0x15));
});

test('the pseudo header of a UDP datagram completes its checksum (RFC 768)', () => {
  // 10.7.0.1:9 -> 10.7.0.2:9, "hi": checksum worked out by hand from the words.
  const bytes = new Uint8Array(30);
  bytes.set(V4);
  bytes.set([0, 9, 0, 9, 0, 10, 0, 0, 0x68, 0x69], 20);
  const words = [0x0a07, 0x0001, 0x0a07, 0x0002, 17, 10, 9, 9, 10, 0x6869];
  let sum = words.reduce((total, word) => total + word, 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  assert.equal(checksum(bytes, 20, 10, pseudoHeaderSum(bytes, 0, 17, 10)), 0xffff - sum);
});

test('destinations are told apart: unicast, multicast, broadcast', () => {
  const v4 = (address: number[]): number => {
    const bytes = Uint8Array.from(V4);
    bytes.set(address, 16);
    return destinationKind(bytes, 0);
  };
  assert.equal(v4([10, 7, 0, 2]), DestinationKind.UNICAST);
  assert.equal(v4([224, 0, 0, 1]), DestinationKind.MULTICAST);
  assert.equal(v4([239, 255, 255, 255]), DestinationKind.MULTICAST);
  assert.equal(v4([240, 0, 0, 1]), DestinationKind.UNICAST);
  assert.equal(v4([255, 255, 255, 255]), DestinationKind.BROADCAST);
  assert.equal(v4([255, 255, 255, 254]), DestinationKind.UNICAST);
  const v6 = Uint8Array.from(V6);
  assert.equal(destinationKind(v6, 0), DestinationKind.UNICAST);
  v6[24] = 0xff;
  assert.equal(destinationKind(v6, 0), DestinationKind.MULTICAST);
});
