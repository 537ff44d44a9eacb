/**
 * A reporter for `node --test --test-name-pattern`: one line for each test that was asked for. Node's
 * own, up to 22, would print one for every test that was not. What failed is told by test.mjs.
 */

/** What Node 20 says of a test that the pattern leaves out; later versions do not report those. */
export const UNMATCHED = 'test name does not match pattern';

/** @param {AsyncIterable<{ type: string, data: any }>} events */
export default async function* reporter(events) {
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') yield data.message;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.skip === UNMATCHED || data.details?.type === 'suite') continue;
    const isFile = data.nesting === 0 && data.name.endsWith('.test.js');
    if (isFile && type === 'test:pass') continue;
    const mark = type === 'test:fail' ? '✖' : data.skip ? '﹣' : '✔';
    yield `${mark} ${data.name} (${Math.round(data.details?.duration_ms ?? 0)} ms)\n`;
  }
}
