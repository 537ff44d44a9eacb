/** Numbers as a row of bars. */

const UNICODE_BARS = '▁▂▃▄▅▆▇█';
const ASCII_BARS = '_.-=+*#@';

/** Draws `values` (0 or more) in at most `width` characters; neighbours are averaged to fit. */
export function sparkline(values: readonly number[], width: number, unicode: boolean): string {
  const bars = unicode ? UNICODE_BARS : ASCII_BARS;
  const columns = Math.min(width, values.length);
  const averaged = Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.floor(((column + 1) * values.length) / columns);
    const part = values.slice(from, to);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const most = Math.max(...averaged, 0);
  return averaged
    .map((value) => {
      const level = most === 0 ? 0 : Math.round((value / most) * (bars.length - 1));
      return bars[level];
    })
    .join('');
}
