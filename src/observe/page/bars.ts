/** Drops by reason, and bundles by size: bars whose lengths say how much. */

import { html, svg } from './dom.ts';
import { formatCount, formatScaled } from './format.ts';
import type { AdapterView, Drop } from './model.ts';

const BAR_WIDTH = 200;
const BAR_HEIGHT = 8;
const COLUMNS_WIDTH = 360;
const COLUMNS_HEIGHT = 128;
const COLUMN_SPACE = 0.28;
/** Room for words above and below. */
const HEAD = 18;
const FOOT = 20;
/** What is not nothing is seen. */
const LEAST = 2;

/** Those that lost something, most first. */
export function dropBars(drops: readonly Drop[]): HTMLElement {
  const lost = drops.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
  if (lost.length === 0) return html('p', { class: 'nothing' }, 'No packet was lost.');
  const most = lost[0]!.count;
  const rows = lost.map(({ label, direction, count }) => {
    const width = Math.max(LEAST, (count / most) * BAR_WIDTH);
    const bar = svg('rect', {
      class: `bar ${direction}`,
      width,
      height: BAR_HEIGHT,
      rx: BAR_HEIGHT / 2,
    });
    const frame = { class: 'bar-frame', viewBox: `0 0 ${BAR_WIDTH} ${BAR_HEIGHT}` };
    return html(
      'tr',
      {},
      html('th', { scope: 'row' }, label),
      html('td', { class: 'direction' }, direction),
      html('td', { class: 'bar-cell' }, svg('svg', { ...frame, preserveAspectRatio: 'none' }, bar)),
      html('td', { class: 'number' }, formatCount(count)),
    );
  });
  return html('table', { class: 'drops' }, html('tbody', {}, ...rows));
}

/** How many bundles had 1, 2, up to 4, ... packets. */
export function bundleColumns({ bundles, lent }: AdapterView): Element {
  if (lent) {
    const why = 'A client has the descriptor and reads for itself: its bundles are not seen here.';
    return html('p', { class: 'nothing' }, why);
  }
  if (bundles.read === 0) return html('p', { class: 'nothing' }, 'No bundle was read yet.');
  const { sizes } = bundles;
  const most = Math.max(1, ...sizes);
  const step = COLUMNS_WIDTH / sizes.length;
  const room = COLUMNS_HEIGHT - HEAD - FOOT;
  const drawing = svg('svg', {
    class: 'columns',
    viewBox: `0 0 ${COLUMNS_WIDTH} ${COLUMNS_HEIGHT}`,
    role: 'img',
  });
  drawing.append(
    svg('title', {}, `Bundles read by packets in them, the largest with ${bundles.maxPackets}.`),
  );
  for (const [bucket, count] of sizes.entries()) {
    const height = count === 0 ? 0 : Math.max(LEAST, (count / most) * room);
    const middle = (bucket + 1 / 2) * step;
    const bar = { x: middle - (step * (1 - COLUMN_SPACE)) / 2, y: HEAD + room - height, rx: 3 };
    const label = bucket < 2 ? String(2 ** bucket) : `≤${2 ** bucket}`;
    drawing.append(
      svg('rect', { class: 'column', ...bar, width: step * (1 - COLUMN_SPACE), height }),
      words('scale', middle, COLUMNS_HEIGHT - 5, label),
    );
    if (count > 0)
      drawing.append(words('count', middle, HEAD + room - height - 5, formatScaled(count)));
  }
  return drawing;
}

function words(kind: string, x: number, y: number, text: string): SVGElement {
  return svg('text', { class: kind, x, y, 'text-anchor': 'middle' }, text);
}
