/**
 * Capture files and filters against random and mutated input, for TYPETUN_FUZZ_MS each (default 3 s): refused by
 * name, or read, and the same in pieces of whatever size, so that no byte beyond what has come counts.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { compileFilter, isTunError, PcapngWriter, readCapture, TunErrorCode } from 'typetun';
import { bundleOf } from '../support/flow-packets.ts';
import { echoPacket, pattern, udpPacket } from '../support/ip-packets.ts';

const MS = Number(process.env['TYPETUN_FUZZ_MS'] ?? 3000);
const FOR_MS = { numRuns: Number.POSITIVE_INFINITY, plugins: [fc.interruptAfterTimeLimit(MS)] };
const folder = mkdtempSync(join(tmpdir(), 'typetun-fuzz-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let good = new Uint8Array(0);

before(async () => {
  const file = join(folder, 'good.pcapng');
  const writer = await PcapngWriter.open(file, { addresses: ['10.7.0.1/24'], filter: 'ip or ip6' });
  writer.comment('one');
  writer.noteLost(2);
  const bundle = bundleOf(
    echoPacket('10.7.0.1', '10.7.0.2', pattern(5)),
    udpPacket('fd07::1', 1, 'fd07::2', 2, pattern(30)),
  );
  writer.record(bundle, bundle.length, true);
  await writer.close();
  good = new Uint8Array(readFileSync(file));
});

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** What reading comes to: frames, and how it ended. */
async function outcome(bytes: Uint8Array, size: number): Promise<string[]> {
  const told: string[] = [];
  try {
    for await (const packet of readCapture(pieces(bytes, size))) {
      const { frame, packetOffset, microseconds, direction, originalBytes } = packet;
      assert.ok(Buffer.from(bytes).includes(Buffer.from(frame)), 'a frame lies within the file');
      assert.ok(packetOffset === -1 || packetOffset < frame.length);
      told.push(`${frame.join(' ')} ${packetOffset} ${microseconds} ${direction} ${originalBytes}`);
    }
  } catch (error) {
    assert.ok(isTunError(error, TunErrorCode.CAPTURE_INVALID), String(error));
    assert.match(error.message, /at offset \d+ /);
    told.push(error.message);
  }
  return told;
}

const change = fc.oneof(
  fc.record({ kind: fc.constant('byte' as const), at: fc.nat(), value: fc.nat(255) }),
  fc.record({
    kind: fc.constant('word' as const),
    at: fc.nat(),
    value: fc.constantFrom(0, 1, 4, 12, 16, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), value: fc.nat(20) }),
);

test('a changed file is read the same in any pieces, or refused by name', async () => {
  let refused = 0;
  let all = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 90 }),
      async (changes, size) => {
        let bytes = good.slice();
        for (const { kind, at, value } of changes) {
          const place = at % bytes.length;
          if (kind === 'byte') bytes[place] = value;
          else if (kind === 'cut') bytes = bytes.slice(0, Math.max(place, 1));
          else if (place + 4 < bytes.length) {
            new DataView(bytes.buffer).setUint32(place & ~3, value, true);
          }
        }
        const whole = await outcome(bytes, bytes.length);
        assert.deepEqual(await outcome(bytes, size), whole);
        all++;
        if (whole.at(-1)?.startsWith('not a capture')) refused++;
      },
    ),
    FOR_MS,
  );
  assert.ok(refused > 0 && refused < all, `${refused} of ${all} refused`);
});

test('random bytes behind each magic number are refused by name', async () => {
  const magics = [[0x0a, 0x0d, 0x0d, 0x0a], [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], []];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...magics),
      fc.uint8Array({ maxLength: 300 }),
      async (magic, rest) => void (await outcome(Uint8Array.from([...magic, ...rest]), 17)),
    ),
    FOR_MS,
  );
});

const words = fc.constantFrom(
  ...['host', 'net', 'port', 'portrange', 'proto', 'src', 'dst', 'and', 'or', 'not', '(', ')', '!'],
  ...['tcp', 'ip6', '10.7.0.1', 'fd07::/64', '80', '1-2', 'less', 'inbound', 'mask', '\\tcp', '::'],
);

test('any row of words is a filter, or refused with a position', () => {
  const packet = udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, [1, 2, 3]);
  let taken = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(words, { maxLength: 9 }).map((row) => row.join(' ')),
        fc.string(),
      ),
      (filter) => {
        try {
          compileFilter(filter).matches(packet, 0, packet.length, packet.length, true);
          taken++;
        } catch (error) {
          assert.ok(error instanceof TypeError, String(error));
          assert.match(error.message, /^filter ".*": .* at position \d+ /s);
        }
      },
    ),
    FOR_MS,
  );
  assert.ok(taken > 0);
});
