/** A merged packet that the kernel refuses, among others that were written at once with it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiveResult, LINK_CLOSED } from '#dist/link/link.js';
import { SplitPath } from '#dist/link/linux/split-path.js';
import type { WriteRing } from '#dist/os/write-ring.js';
import { createBundleIndex, indexBundle } from '#dist/wire/bundle.js';
import { naiveEncode } from '../../reference/bundle.ts';
import { ffiSkip } from '../../support/ffi.ts';
import { withLibc } from '../../support/scripted-libc.ts';
import { transportPacket } from '../../support/transport-packets.ts';

const options = { skip: ffiSkip() };
const MSS = 100;
const SHORT = 40;
const HEADERS = 40;
const VNET = 10;
const ENOMEM = 12;
const EINVAL = 22;
const EBADFD = 77;

/** Segments of one flow that become one packet: the last is shorter, so that the next begins another. */
function run(flow: number, sequence: number): Uint8Array[] {
  return [MSS, MSS, SHORT].map((length, i) =>
    transportPacket({
      ...{ version: 4, protocol: 'tcp', flow, sequence: sequence + i * MSS },
      payload: new Array<number>(length).fill(flow),
    }),
  );
}

/** Two merged packets of one flow, then one of another, then one of a third. */
const PACKETS = [...run(0, 1), ...run(0, 1 + 2 * MSS + SHORT), ...run(2, 1), ...run(4, 1)];

interface Given {
  readonly returned: number;
  readonly result: GiveResult;
  /** Numbers of the packets that arrived. */
  readonly arrived: number[];
  /** Lengths of what was written one by one, the packet's alone. */
  readonly singles: number[];
}

/** Gives the packets; the ring's answer for each row is its length where `answers` has 0. */
function give(path: SplitPath, ring: ScriptedRing, answers: readonly number[]): Given {
  const bundle = naiveEncode(PACKETS);
  const index = createBundleIndex();
  indexBundle(bundle, bundle.length, index);
  const result = new GiveResult();
  const singles: number[] = [];
  ring.answers = answers;
  const write = (_fd: number, _address: number, bytes: number): number => {
    singles.push(bytes - VNET);
    return bytes;
  };
  // What the last call says has nothing to do with what the ring answers.
  const returned = withLibc({ write, errno: () => EBADFD }, () => path.give(bundle, index, result));
  const arrived = PACKETS.flatMap((_, i) => (index.lengths[i]! > 0 ? [i] : []));
  return { returned, result, arrived, singles };
}

class ScriptedRing {
  readonly results = new Int32Array(64);
  answers: readonly number[] = [];
  #lengths: number[] = [];
  submissions = 0;

  begin(): void {
    this.#lengths = [];
  }

  put(_fd: number, _address: unknown, _offset: number, bytes: number): void {
    this.#lengths.push(bytes);
  }

  submit(): void {
    this.submissions++;
    this.#lengths.forEach((length, i) => {
      this.results[i] = (this.answers[i] ?? 0) || length;
    });
  }
}

function subject(): [SplitPath, ScriptedRing] {
  const ring = new ScriptedRing();
  const device = { fd: 9, mtu: 1500, ring: ring as unknown as WriteRing };
  return [new SplitPath(device, false), ring];
}

const ALL = PACKETS.map((_, i) => i);
const LENGTHS = [MSS, MSS, SHORT].map((payload) => HEADERS + payload);

test('merged packets that are taken arrive, at once', options, () => {
  const [path, ring] = subject();
  const { returned, arrived, singles } = give(path, ring, []);
  assert.deepEqual([returned, arrived, singles, ring.submissions], [12, ALL, [], 1]);
});

test(
  'one that was refused is written again, one by one, where nothing of its flow has passed it',
  options,
  () => {
    const [path, ring] = subject();
    const { result, arrived, singles } = give(path, ring, [0, -ENOMEM]);
    assert.deepEqual([result.packets, result.refused], [12, 0]);
    assert.deepEqual([arrived, singles], [ALL, LENGTHS]);
  },
);

test('one that was refused is not written behind later packets of its flow', options, () => {
  const [path, ring] = subject();
  const { result, arrived, singles } = give(path, ring, [-ENOMEM]);
  assert.deepEqual(singles, []);
  assert.deepEqual(arrived, ALL.slice(3));
  assert.deepEqual([result.packets, result.refused], [9, 3]);
});

test('when all of a flow is refused, all of it is written again, in order', options, () => {
  const [path, ring] = subject();
  const { arrived, singles } = give(path, ring, [-ENOMEM, -ENOMEM]);
  assert.deepEqual([arrived, singles], [ALL, [...LENGTHS, ...LENGTHS]]);
});

test('a kernel that does not take what is merged gets it in order from then on', options, () => {
  const [path, ring] = subject();
  give(path, ring, [0, -EINVAL]);
  const { arrived, singles } = give(path, ring, []);
  assert.equal(ring.submissions, 1);
  assert.deepEqual([arrived, singles.length], [ALL, 4]);
});

test('a device that is gone is told by the ring, not by the last call', options, () => {
  const [path, ring] = subject();
  const { returned, arrived, result } = give(path, ring, [0, 0, -EBADFD, -EBADFD]);
  assert.equal(returned, LINK_CLOSED);
  assert.deepEqual([arrived, result.refused], [ALL.slice(0, 6), 6]);
});
