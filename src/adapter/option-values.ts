/** Checks of single option values. Each refusal names the option, its value, and what would do. */

export function checkNames(options: object, known: readonly string[], where: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${where} takes an object of options, not ${shown(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new TypeError(`${where} has no option "${name}"; there are ${known.join(', ')}`);
  }
}

export function checkOneOf<T extends string>(name: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value;
  const quoted = choices.map((choice) => `'${choice}'`);
  const last = quoted.pop();
  throw new TypeError(`${name} is ${shown(value)}; give ${quoted.join(', ')} or ${last}`);
}

export function checkBoolean(name: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${name} is ${shown(value)}; give true or false`);
}

export function checkInteger(
  name: string,
  value: number,
  least: number,
  most: number,
  unit: string,
): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} is ${shown(value)}; give a number from ${least} to ${most}`);
  }
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(
    `${name} is ${value}; give a whole number from ${least} to ${most}${unit === '' ? '' : ` ${unit}`}`,
  );
}

/** A wrong value as a message shows it; never throws, whatever it is. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'symbol' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
