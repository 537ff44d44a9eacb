/** The words of a filter, and the error that names one of them. */

/** A word, a parenthesis, `!`, `&&` or `||`; the end has the text ''. */
export interface Token {
  readonly text: string;
  /** Characters before it. */
  readonly at: number;
}

const TOKEN = /\s*(?:([A-Za-z0-9_.:/\\-]+)|(&&|\|\||[!()]))/y;
const REST = /\s*$/y;

/** @throws TypeError for a character that belongs to no token. */
export function tokensOf(filter: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    REST.lastIndex = at;
    if (REST.test(filter)) return [...tokens, { text: '', at: filter.length }];
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(filter);
    if (match === null) {
      const blank = filter.slice(at).length - filter.slice(at).trimStart().length;
      const found = { text: filter[at + blank]!, at: at + blank };
      throw filterError(filter, found, 'is not part of the syntax of filters (docs/capture.md)');
    }
    const text = match[1] ?? match[2]!;
    at = TOKEN.lastIndex;
    tokens.push({ text, at: at - text.length });
  }
}

/** The error for what is wrong at a token; `problem` goes on after it. */
export function filterError(filter: string, { text, at }: Token, problem: string): TypeError {
  const found = text === '' ? 'the end' : `"${text}"`;
  return new TypeError(`filter "${filter}": ${found} at position ${at + 1} ${problem}`);
}
