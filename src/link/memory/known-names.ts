/** Options with a name that nobody knows, which would otherwise quietly do nothing. */

/**
 * Checks that `options` is an object with no other members than those of `known`; `where` is for the
 * message.
 *
 * @throws TypeError naming what is unknown and what there is.
 */
export function checkKnown(where: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const given = Array.isArray(options) ? 'an array' : String(options);
    throw new TypeError(`${where} takes an object of options, not ${given}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${where} has no option "${unknown}"; there are ${known.join(', ')}`);
}
