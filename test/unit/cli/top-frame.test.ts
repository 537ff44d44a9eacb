import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FrameInput, frame } from '#dist/cli/top/frame.js';
import {
  formatBits,
  formatBytes,
  formatCount,
  formatDuration,
  formatScaled,
  formatTime,
  Sampler,
} from 'typetun/observe';
import { ScriptedControl } from '../../support/scripted-control.ts';

const FORMATS = {
  bits: formatBits,
  bytes: formatBytes,
  count: formatCount,
  scaled: formatScaled,
  duration: formatDuration,
  time: formatTime,
};

async function input(count: number, change: Partial<FrameInput> = {}): Promise<FrameInput> {
  const adapters = Array.from({ length: count }, (_, index) => ({
    name: `tun${index}`,
    out: () => 100,
  }));
  using sampler = await Sampler.start(new ScriptedControl(adapters, 1));
  return {
    ...{ sample: sampler.sample, history: sampler.history, happenings: sampler.happenings },
    ...{ chosen: 'tun0', notice: '', help: false, width: 100, height: 30, unicode: true },
    formats: FORMATS,
    ...change,
  };
}

const lines = (given: FrameInput): string[] =>
  frame(given).map((line) => line.map(({ text }) => text).join(''));

test('a look has as many lines as the terminal, none of them wider, whatever its size', async () => {
  for (const count of [0, 1, 100]) {
    for (const width of [1, 20, 60, 80, 200]) {
      for (const height of [1, 2, 5, 24, 80]) {
        for (const help of [false, true]) {
          const shown = lines(await input(count, { width, height, help }));
          assert.equal(shown.length, height, `${width}x${height}`);
          for (const line of shown) assert.ok(Array.from(line).length <= width, line);
        }
      }
    }
  }
});

test('of many adapters the chosen one is always among those that are shown', async () => {
  for (const chosen of ['tun0', 'tun57', 'tun99']) {
    const shown = lines(await input(100, { chosen }));
    assert.equal(shown.filter((line) => line.startsWith(` ▸ ${chosen} `)).length, 1, chosen);
  }
  const gone = lines(await input(3, { chosen: 'removed' }));
  assert.ok(
    gone.some((line) => line.startsWith(' ▸ tun0 ')),
    'the first, when it is gone',
  );
});

test('a narrow terminal has the columns that matter, and one without Unicode plain characters', async () => {
  const [, , head] = lines(await input(1, { width: 60 }));
  assert.match(head!, /ADAPTER +STATE +OUT/);
  assert.doesNotMatch(head!, /MEDIA|POWER/);
  const plain = lines(await input(2, { unicode: false })).join('\n');
  assert.match(plain, /^[\x20-\x7e\n]*$/);
  assert.match(plain, / > tun0/);
});

test('a host without adapters is said to have none', async () => {
  assert.ok(lines(await input(0)).some((line) => line.includes('This host has no adapters.')));
});

test('what an order came to stands behind the keys', async () => {
  assert.match(
    lines(await input(1, { notice: 'tun0 is paused' })).at(-1)!,
    /quit {3}tun0 is paused/,
  );
});
