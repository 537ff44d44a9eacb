/** Lines of a full screen: pieces of text, each in a style, that never leave their line. */

/** What a piece is, not how it looks: that is the screen's. */
export type Style =
  | 'plain'
  | 'bold'
  | 'dim'
  | 'good'
  | 'warn'
  | 'bad'
  | 'out'
  | 'in'
  | 'bar'
  | 'key';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

/** Characters that move the cursor, or turn the order of others around. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A piece. Names come from other programs: nothing in them reaches the terminal as a command. */
export function span(text: string, style: Style = 'plain'): Span {
  return { text: text.replaceAll(UNSEEN, '?'), style };
}

/** `text` in exactly `width` columns, cut or filled up; at the right end of them when `right`. */
export function padded(text: string, width: number, right = false): string {
  const characters = Array.from(text);
  const cut = characters.length > width ? characters.slice(0, Math.max(0, width)) : characters;
  const gap = ' '.repeat(Math.max(0, width - cut.length));
  return right ? gap + cut.join('') : cut.join('') + gap;
}

/** The pieces of `line` that fit `width` columns. */
export function cutLine(line: Line, width: number): Line {
  const cut: Span[] = [];
  let left = width;
  for (const { text, style } of line) {
    const characters = Array.from(text);
    if (left <= 0) break;
    cut.push({ text: characters.slice(0, left).join(''), style });
    left -= characters.length;
  }
  return cut;
}
