/** What `console.log` shows of an object whose members are private or getters. */

import { type InspectOptionsStylized, inspect } from 'node:util';

/**
 * Makes `util.inspect` show the objects of a class as `Name { ... }` with the members given, or as
 * `[Name]` where they lie too deep.
 */
export function showAs<T extends object>(
  { name, prototype }: { readonly name: string; readonly prototype: T },
  members: (object: T) => object,
): void {
  Object.defineProperty(prototype, inspect.custom, {
    value(this: T, depth: number, options: InspectOptionsStylized): string {
      if (depth < 0) return options.stylize(`[${name}]`, 'special');
      return `${name} ${inspect(members(this), options)}`;
    },
  });
}
