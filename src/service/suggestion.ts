/** What somebody may have meant. */

/** Changes of one letter that still make it likely. */
const MAX_DISTANCE = 2;

/** That of `known` which is written most like `given`; undefined when none is near. */
export function closest(given: string, known: readonly string[]): string | undefined {
  const near = known
    .map((name) => ({ name, far: distance(given.toLowerCase(), name.toLowerCase()) }))
    .filter(({ far, name }) => far <= MAX_DISTANCE && far < name.length)
    .sort((a, b) => a.far - b.far);
  return near[0]?.name;
}

/** Letters to be inserted, removed or replaced (Levenshtein's distance). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
