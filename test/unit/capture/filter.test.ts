/** The syntax of filters: what is refused, where, and why. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileFilter } from 'typetun';
import { udpPacket } from '../../support/ip-packets.ts';

const packet = udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, [1, 2, 3]);

function matches(filter: string, outbound = true): boolean {
  return compileFilter(filter).matches(packet, 0, packet.length, packet.length, outbound);
}

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['', /the end at position 1 is where one of host, net/],
  ['tcp or', /the end at position 7 is where one of host/],
  ['tcp udp', /"udp" at position 5 is where "and", "or" or the end belongs/],
  ['(tcp', /the end at position 5 is where "\)" belongs/],
  ['tcp)', /"\)" at position 4 is where "and"/],
  ['host', /the end at position 5 is where an address such as 10.7.0.1/],
  ['host example.org', /"example.org" at position 6 is where an address .* names are not known/],
  ['host 10.7.0.256', /"10.7.0.256" at position 6 is where an address such as 10.7.0.1/],
  ['host 10.7.0.0/24', /"10.7.0.0\/24" at position 6 is a network; put "net" before it/],
  ['net 10.7.0.1/24', /"10.7.0.1\/24" at position 5 has bits beyond its prefix of 24/],
  ['net 10.7.0.0/33', /"33" at position 14 is where a number from 0 to 32 belongs/],
  ['net 10.7.0.0 mask 255.0.255.0', /"255.0.255.0" at position 19 has ones behind zeros/],
  ['net fd07:: mask 255.0.0.0', /IPv6 has not/],
  ['port 65536', /"65536" at position 6 is where a port from 0 to 65535 belongs/],
  ['port http', /"http" at position 6 is where/],
  ['portrange 80-x', /"80-x" at position 11 is where two ports such as 8000-8100 belong/],
  ['tcp host 10.7.0.1', /"tcp" at position 1 cannot stand before "host"; give ip or ip6/],
  ['icmp port 80', /"icmp" at position 1 cannot stand before "port"; give tcp or udp/],
  ['src proto 6', /cannot stand before "proto"/],
  ['src tcp', /"tcp" at position 5 is where host, net, port/],
  ['ip host fd07::1', /"fd07::1" at position 9 is no address of "ip"/],
  ['proto 256', /"256" at position 7 is where a number from 0 to 255 belongs/],
  ['less', /the end at position 5 is where a number/],
  ['tcp & udp', /"&" at position 5 is not part of the syntax/],
  ['tcp[13] & 2 != 0', /"\[" at position 4 is not part of the syntax/],
  ['vlan 5', /"vlan" at position 1 is where one of host/],
  ['not', /the end at position 4/],
  [`${'('.repeat(200)}tcp${')'.repeat(200)}`, /lies too deep/],
  ['valueOf', /"valueOf" at position 1 is where one of host/],
  [new Array(1001).fill('tcp').join(' or '), /is one too many/],
];

for (const [filter, message] of REFUSED) {
  test(`refuses "${filter.slice(0, 40)}"`, () => {
    assert.throws(
      () => compileFilter(filter),
      (error) => {
        assert.ok(error instanceof TypeError, String(error));
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('and and or bind alike, from left to right, as in pcap', () => {
  // Of C's precedence the first would be true.
  assert.equal(matches('udp or tcp and tcp'), false);
  assert.equal(matches('udp or (tcp and tcp)'), true);
  assert.equal(matches('not tcp and udp'), true);
});

test('an address or a number repeats the qualifiers before it', () => {
  assert.equal(matches('dst port 80 or 53'), true);
  assert.equal(matches('src port 80 or 53'), false);
  assert.equal(matches('src host 10.7.0.2 or 10.7.0.1'), true);
  assert.equal(matches('dst host 10.7.0.9 or 10.7.0.1'), false);
  // Without any before it an address is a host's.
  assert.equal(matches('10.7.0.1'), true);
  assert.equal(matches('udp and 10.7.0.9'), false);
});

test('direction is that of the host: what it sends is outbound', () => {
  assert.equal(matches('outbound', true), true);
  assert.equal(matches('outbound', false), false);
  assert.equal(matches('inbound and udp', false), true);
});

test('bytes that are no IP packet match nothing but lengths and directions', () => {
  const junk = new Uint8Array(30).fill(0xff);
  const of = (filter: string): boolean => compileFilter(filter).matches(junk, 0, 30, 30, true);
  assert.equal(of('ip or ip6 or tcp or udp or icmp or host 255.255.255.255'), false);
  assert.equal(of('greater 30 and outbound'), true);
});

test('is told apart from what is no text', () => {
  assert.throws(() => compileFilter(5 as unknown as string), /a filter is text, not number/);
});
