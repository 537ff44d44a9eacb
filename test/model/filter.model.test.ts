/** Filters against a naive evaluator, and against tcpdump's own. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { compileFilter, PcapngWriter } from 'typetun';
import { evaluate, textOf } from '../reference/filter.ts';
import { anyPacket, filterTree } from '../support/filter-arbitraries.ts';
import { bundleOf } from '../support/flow-packets.ts';
import { packetsIn } from '../support/pcapng-blocks.ts';
import { toolSkip } from '../support/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'typetun-filter-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a filter lets through what a naive evaluation does', () => {
  let matched = 0;
  let all = 0;
  fc.assert(
    fc.property(
      filterTree(true),
      fc.array(anyPacket, { minLength: 1, maxLength: 8 }),
      (tree, packets) => {
        const filter = compileFilter(textOf(tree));
        for (const packet of packets) {
          const { bytes, outbound } = packet;
          const room = new Uint8Array(bytes.length + 7);
          room.set(bytes, 5);
          const found = filter.matches(room, 5, bytes.length, bytes.length, outbound);
          assert.equal(found, evaluate(tree, packet), `${textOf(tree)}: ${bytes.join(' ')}`);
          if (found) matched++;
          all++;
        }
      },
    ),
    { numRuns: 3000 },
  );
  // Neither nearly none nor nearly all: the choice is worth something.
  assert.ok(matched > all / 10 && matched < (all * 9) / 10, `${matched} of ${all}`);
});

test('packets cut short at any byte are judged without reading beyond them', () => {
  fc.assert(
    fc.property(filterTree(true), anyPacket, fc.nat(60), (tree, { bytes, outbound }, size) => {
      const filter = compileFilter(textOf(tree));
      const cut = Math.min(size, bytes.length);
      // What lies behind must not matter.
      const noise = bytes.slice();
      for (let i = cut; i < noise.length; i++) noise[i] = 255 - noise[i]!;
      assert.equal(
        filter.matches(bytes, 0, cut, bytes.length, outbound),
        filter.matches(noise, 0, cut, bytes.length, outbound),
      );
    }),
    { numRuns: 2000 },
  );
});

/** Packets of the file that tcpdump's filter lets through. */
function tcpdumpCount(file: string, filter: string): number {
  const { status, stdout, stderr } = spawnSync('tcpdump', ['-n', '-r', file, filter], {
    encoding: 'utf8',
  });
  // A filter that nothing can pass is an error to tcpdump, unless it is a length that none has.
  if (stderr.includes('expression rejects all packets')) return 0;
  assert.equal(status, 0, `tcpdump refuses ${filter}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '').length;
}

async function fileOf(
  name: string,
  packets: readonly Uint8Array[],
  filter?: string,
): Promise<string> {
  const file = join(folder, name);
  const writer = await PcapngWriter.open(file, { filter });
  for (const packet of packets) {
    const bundle = bundleOf(packet);
    writer.record(bundle, bundle.length, true);
  }
  await writer.close();
  assert.equal(writer.statistics.dropped, 0);
  return file;
}

/** As people write them: without parentheses, with what pcap lets them leave out. */
const WRITTEN = [
  'tcp port 80 or 443',
  'udp port 53 or tcp port 80 and host 10.7.0.1',
  'host 10.7.0.1 and not port 80',
  'not tcp and not udp or icmp',
  'port 80 and not 443',
  'src host 10.7.0.1 or 10.7.0.2',
  'src 10.7.0.1',
  'host fd07::1 or 10.7.0.1',
  'portrange 80',
  'host (10.7.0.1 or fd07::2) and udp',
  'tcp dst port (80 or 443)',
  'net 10.7',
  'net 10',
  'src net 10.7.0.0 mask 255.255.255.0',
  'dst net fd07::/64',
  'ip proto 17',
  'ip proto \\tcp or ip6 proto 58',
  'portrange 8000-8080',
  'portrange 8080-8000',
  '!icmp && (ip || ip6)',
  'greater 60 and less 100',
  'ip host 10.7.0.1 or ip6 host fd07::1',
  'dst or src port 80',
  'src and dst net 10.7.0.0/24',
  'proto 132',
];

test('tcpdump lets through the same packets: filters as people write them', {
  skip: toolSkip('tcpdump'),
}, async () => {
  const packets = fc.sample(anyPacket, 400).map(({ bytes }) => bytes);
  const file = await fileOf('all.pcapng', packets);
  for (const filter of WRITTEN) {
    const compiled = compileFilter(filter);
    const ours = packets.filter((bytes) =>
      compiled.matches(bytes, 0, bytes.length, bytes.length, true),
    ).length;
    assert.equal(ours, tcpdumpCount(file, filter), filter);
    assert.ok(ours > 0, `${filter} lets nothing through`);
  }
});

test('tcpdump lets through the same packets: filters drawn at random', {
  skip: toolSkip('tcpdump'),
}, async () => {
  const packets = fc.sample(anyPacket, 300).map(({ bytes }) => bytes);
  const file = await fileOf('drawn.pcapng', packets);
  for (const tree of fc.sample(filterTree(false), 60)) {
    const filter = textOf(tree);
    const own = packetsIn(readFileSync(await fileOf('own.pcapng', packets, filter)));
    assert.equal(own.length, tcpdumpCount(file, filter), filter);
  }
});
