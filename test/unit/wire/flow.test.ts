/** What a packet says of its flow, and that no malformed one gets further. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowFields, FlowPart, readFlow } from '#dist/wire/flow.js';
import { ipv4Fragments, ipv6Fragments } from '../../support/flow-packets.ts';
import { echoPacket, ipPacket, pattern, udpPacket } from '../../support/ip-packets.ts';
import { transportPacket } from '../../support/transport-packets.ts';

const fields = new FlowFields();
const read = (packet: Uint8Array): FlowPart => readFlow(packet, 0, packet.length, fields);
const four = udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, pattern(64));
const six = udpPacket('fd07::1', 4000, 'fd07::2', 53, pattern(64));

test('ports and addresses of UDP over both versions', () => {
  for (const packet of [four, six]) {
    assert.equal(read(packet), FlowPart.WHOLE);
    assert.equal(fields.protocol, 17);
    assert.deepEqual([fields.sourcePort, fields.destinationPort], [4000, 53]);
    assert.equal(packet[fields.source + fields.addressBytes - 1], 1);
    assert.equal(packet[fields.destination + fields.addressBytes - 1], 2);
    assert.equal(fields.end, packet.length);
  }
});

test('ports of TCP behind IPv4 options and behind an IPv6 extension header', () => {
  const options = {
    version: 4,
    protocol: 'tcp',
    flow: 0,
    payload: [1],
    ipOptions: [1, 1, 1, 0],
  } as const;
  const extension = { next: 0, bytes: [6, 0, 1, 4, 0, 0, 0, 0] };
  const extended = { version: 6, protocol: 'tcp', flow: 0, payload: [1], extension } as const;
  for (const packet of [transportPacket(options), transportPacket(extended)]) {
    assert.equal(read(packet), FlowPart.WHOLE);
    assert.deepEqual([fields.protocol, fields.sourcePort, fields.destinationPort], [6, 1000, 443]);
  }
});

test('the identifier of an echo stands for both ports, of the request and the reply', () => {
  for (const reply of [false, true]) {
    for (const ends of [
      ['10.7.0.1', '10.7.0.2'],
      ['fd07::1', 'fd07::2'],
    ] as const) {
      assert.equal(read(echoPacket(ends[0], ends[1], [], reply)), FlowPart.WHOLE);
      assert.deepEqual([fields.sourcePort, fields.destinationPort], [0x1234, 0x1234]);
    }
  }
});

test('a first fragment has ports, a later one what ties it to the first', () => {
  for (const [first, later] of [ipv4Fragments(four, 16), ipv6Fragments(six, 16)]) {
    assert.equal(read(first), FlowPart.FIRST_FRAGMENT);
    assert.equal(fields.sourcePort, 4000);
    assert.equal(fields.identification, 77);
    assert.equal(read(later), FlowPart.LATER_FRAGMENT);
    assert.equal(fields.identification, 77);
  }
});

test('an ICMP error shows the packet it tells about', () => {
  const quoted = [...four.subarray(0, 28)];
  assert.equal(
    read(ipPacket(1, '10.7.0.2', '10.7.0.1', [3, 3, 0, 0, 0, 0, 0, 0, ...quoted])),
    FlowPart.WHOLE,
  );
  assert.equal(fields.inner, 28);
  const inner = new FlowFields();
  const bytes = Uint8Array.from(quoted);
  assert.equal(readFlow(bytes, 0, bytes.length, inner, true), FlowPart.WHOLE);
  assert.deepEqual([inner.sourcePort, inner.destinationPort], [4000, 53]);
  assert.equal(read(echoPacket('10.7.0.1', '10.7.0.2', [])), FlowPart.WHOLE);
  assert.equal(fields.inner, 0);
});

test('a packet cut short at any byte is malformed', () => {
  for (const packet of [
    four,
    six,
    transportPacket({ version: 6, protocol: 'tcp', flow: 0, payload: [] }),
  ]) {
    for (let size = 0; size < packet.length; size++) {
      assert.equal(readFlow(packet, 0, size, fields), FlowPart.MALFORMED, `${size}`);
    }
  }
});

test('a transport header cut short within a whole IP packet is malformed', () => {
  assert.equal(
    read(ipPacket(17, '10.7.0.1', '10.7.0.2', [1, 2, 3, 4, 5, 6, 7])),
    FlowPart.MALFORMED,
  );
  assert.equal(read(ipPacket(6, 'fd07::1', 'fd07::2', pattern(19) as never)), FlowPart.MALFORMED);
  assert.equal(read(ipPacket(1, '10.7.0.1', '10.7.0.2', [8, 0, 0, 0])), FlowPart.MALFORMED);
});

test('extension headers without end are malformed, and do not run past the packet', () => {
  const chain = Array.from({ length: 40 }, () => [60, 0, 1, 4, 0, 0, 0, 0]).flat();
  assert.equal(read(ipPacket(60, 'fd07::1', 'fd07::2', chain)), FlowPart.MALFORMED);
  assert.equal(
    read(ipPacket(60, 'fd07::1', 'fd07::2', [17, 255, 0, 0, 0, 0, 0, 0])),
    FlowPart.MALFORMED,
  );
});
