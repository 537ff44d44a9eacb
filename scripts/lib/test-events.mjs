/**
 * A reporter for `node --test`: one JSON line per test that ended, for test.mjs to sum up.
 *
 * Node also reports each file that held no test as a test of its own, under the file's name.
 */

/**
 * @typedef {object} TestEnd
 * @property {string} name
 * @property {string} file its path, as Node gives it
 * @property {'pass' | 'fail' | 'skip'} outcome a test marked as to do counts as skipped
 * @property {string | undefined} reason why it was skipped
 * @property {string | undefined} error what a failed test said, on several lines
 * @property {boolean} isFile the file itself, not a test in it
 */

/** @param {AsyncIterable<{ type: string, data: any }>} events */
export default async function* reporter(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const mark = data.skip ?? data.todo;
    // A skipped suite stands for its tests, which are not reported.
    if (data.details?.type === 'suite' && mark === undefined) continue;
    const skipped = type === 'test:pass' && mark !== undefined && mark !== false;
    /** @type {TestEnd} */
    const end = {
      name: data.name,
      file: data.file ?? '',
      outcome: skipped ? 'skip' : type === 'test:pass' ? 'pass' : 'fail',
      reason: skipped ? (mark === true ? 'no reason given' : String(mark)) : undefined,
      error: type === 'test:fail' ? describe(data.details?.error) : undefined,
      isFile: data.nesting === 0 && data.name.endsWith('.test.js'),
    };
    yield `${JSON.stringify(end)}\n`;
  }
}

/** The error a test threw, which Node wraps in one of its own, or whatever else it threw. */
function describe(/** @type {any} */ wrapped) {
  const error = wrapped?.cause ?? wrapped;
  return String(error?.stack ?? error?.message ?? error);
}
