/** pcapng taken apart naively, little endian, with every length checked: the twin of what the product writes. */

import assert from 'node:assert/strict';

export interface Block {
  readonly type: number;
  readonly body: DataView;
}

export interface Captured {
  readonly data: Uint8Array;
  readonly original: number;
  readonly microseconds: number;
  /** epb_flags: 1 inbound, 2 outbound. */
  readonly direction: number;
  /** epb_dropcount. */
  readonly dropped: number;
  readonly comments: readonly string[];
}

/** Counts of an interface statistics block, by option code. */
export interface Statistics {
  readonly received: number;
  readonly dropped: number;
  readonly accepted: number;
  readonly osDropped: number;
  readonly delivered: number;
  readonly comments: readonly string[];
}

/** All blocks; fails when one does not end where it says. */
export function blocksOf(bytes: Uint8Array): Block[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const blocks: Block[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    assert.equal(length % 4, 0);
    assert.equal(view.getUint32(at + length - 4, true), length);
    const body = new DataView(bytes.buffer, bytes.byteOffset + at + 8, length - 12);
    blocks.push({ type: view.getUint32(at, true), body });
    at += length;
  }
  return blocks;
}

/** Options from `at` of a block's body on: code and value of each. */
export function optionsOf(body: DataView, at: number): [number, Uint8Array][] {
  const found: [number, Uint8Array][] = [];
  for (let offset = at; offset < body.byteLength; ) {
    const code = body.getUint16(offset, true);
    const length = body.getUint16(offset + 2, true);
    if (code === 0) {
      assert.equal(length, 0);
      assert.equal(offset + 4, body.byteLength, 'nothing behind the end of the options');
      return found;
    }
    found.push([code, new Uint8Array(body.buffer, body.byteOffset + offset + 4, length)]);
    offset += 4 + Math.ceil(length / 4) * 4;
  }
  assert.equal(found.length, 0, 'options that do not end');
  return found;
}

export function text(value: Uint8Array | undefined): string {
  return value === undefined ? '' : new TextDecoder().decode(value);
}

function texts(options: readonly [number, Uint8Array][], code: number): string[] {
  return options.filter(([one]) => one === code).map(([, value]) => text(value));
}

function count(options: readonly [number, Uint8Array][], code: number): number {
  const value = options.find(([one]) => one === code)?.[1];
  if (value === undefined) return 0;
  assert.equal(value.length, 8);
  return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
}

export function packetsIn(bytes: Uint8Array): Captured[] {
  return blocksOf(bytes)
    .filter(({ type }) => type === 6)
    .map(({ body }) => {
      assert.equal(body.getUint32(0, true), 0, 'interface');
      const size = body.getUint32(12, true);
      const options = optionsOf(body, 20 + Math.ceil(size / 4) * 4);
      const flags = options.find(([code]) => code === 2)![1];
      return {
        data: new Uint8Array(body.buffer, body.byteOffset + 20, size).slice(),
        original: body.getUint32(16, true),
        microseconds: body.getUint32(4, true) * 2 ** 32 + body.getUint32(8, true),
        direction: new DataView(flags.buffer, flags.byteOffset).getUint32(0, true),
        dropped: count(options, 4),
        comments: texts(options, 1),
      };
    });
}

/** Of the last statistics block. */
export function statisticsIn(bytes: Uint8Array): Statistics {
  const last = blocksOf(bytes).at(-1)!;
  assert.equal(last.type, 5, 'the file ends with statistics');
  const options = optionsOf(last.body, 12);
  return {
    received: count(options, 4),
    dropped: count(options, 5),
    accepted: count(options, 6),
    osDropped: count(options, 7),
    delivered: count(options, 8),
    comments: texts(options, 1),
  };
}
