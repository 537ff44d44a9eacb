/** Checks of what comes over the control socket. */

/** Parameters of a call, whatever they are. */
export type Parameters = Readonly<Record<string, unknown>>;

/** @throws TypeError naming a member that is not among `known`, or when it is no object. */
export function checkMembers(given: unknown, known: readonly string[], where: string): Parameters {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`${where} takes an object of parameters`);
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return given as Parameters;
  const there = known.length === 0 ? 'it takes none' : `there are ${known.join(', ')}`;
  throw new TypeError(`${where} has no parameter "${unknown}"; ${there}`);
}

/** @throws TypeError when it is no text, or empty. */
export function checkText(given: unknown, name: string, where: string): string {
  if (typeof given === 'string' && given !== '') return given;
  throw new TypeError(`${where} takes "${name}", a text, and it is ${JSON.stringify(given)}`);
}
