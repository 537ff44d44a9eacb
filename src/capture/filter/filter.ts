/** Makes tests of filters: closures over one packet's fields, which a test allocates nothing for. */

import { type FilterPacket as Fields, FilterPacket, type PacketTest } from './packet.ts';
import { parseFilter } from './parse.ts';
import type { End, Expression } from './syntax.ts';

const BITS_PER_BYTE = 8;
const BYTE_SHIFT = 3;
const BIT_MASK = 7;

type Test = (packet: Fields) => boolean;

/**
 * Compiles a filter. What it makes belongs to one thread.
 *
 * @throws TypeError naming the position in `filter`, and what belongs there.
 */
export function compileFilter(filter: string): PacketTest {
  const test = compile(parseFilter(filter));
  const packet = new FilterPacket();
  return {
    matches(bytes, offset, size, original, outbound) {
      packet.read(bytes, offset, size, original, outbound);
      return test(packet);
    },
  };
}

function compile(expression: Expression): Test {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return join(expression.kind, compile(expression.left), compile(expression.right));
    case 'not': {
      const of = compile(expression.of);
      return (packet) => !of(packet);
    }
    case 'version': {
      const { version } = expression;
      return (packet) => packet.version === version;
    }
    case 'protocol': {
      const { protocol, version } = expression;
      if (version === undefined) return (packet) => packet.protocol === protocol;
      return (packet) => packet.protocol === protocol && packet.version === version;
    }
    case 'address':
      return address(expression.end, expression.prefix.address, expression.prefix.length);
    case 'port':
      return port(expression.end, expression.protocol, expression.from, expression.to);
    case 'length': {
      const { least, most } = expression;
      return (packet) => packet.length >= least && packet.length <= most;
    }
    case 'direction': {
      const { outbound } = expression;
      return (packet) => packet.outbound === outbound;
    }
  }
}

function join(kind: 'and' | 'or', left: Test, right: Test): Test {
  return kind === 'and'
    ? (packet) => left(packet) && right(packet)
    : (packet) => left(packet) || right(packet);
}

/** A test of one end of a packet, for the ends that are asked for. */
function ends(end: End, source: Test, destination: Test): Test {
  if (end === 'src') return source;
  if (end === 'dst') return destination;
  return join(end === 'both' ? 'and' : 'or', source, destination);
}

function address(end: End, prefix: Uint8Array, length: number): Test {
  const version = prefix.length * BITS_PER_BYTE === IPV4_BITS ? 4 : 6;
  const test = ends(
    end,
    ({ bytes, source }) => begins(bytes, source, prefix, length),
    ({ bytes, destination }) => begins(bytes, destination, prefix, length),
  );
  return (packet) => packet.version === version && test(packet);
}

const IPV4_BITS = 32;

/** Whether the address at `at` begins with the first `length` bits of `prefix`. */
function begins(bytes: Uint8Array, at: number, prefix: Uint8Array, length: number): boolean {
  const whole = length >>> BYTE_SHIFT;
  for (let i = 0; i < whole; i++) if (bytes[at + i] !== prefix[i]) return false;
  const rest = length & BIT_MASK;
  return rest === 0 || (bytes[at + whole]! ^ prefix[whole]!) >>> (BITS_PER_BYTE - rest) === 0;
}

function port(end: End, protocol: number | undefined, from: number, to: number): Test {
  const test = ends(
    end,
    ({ sourcePort }) => sourcePort >= from && sourcePort <= to,
    ({ destinationPort }) => destinationPort >= from && destinationPort <= to,
  );
  return (packet) =>
    packet.hasPorts && (protocol === undefined || packet.protocol === protocol) && test(packet);
}
