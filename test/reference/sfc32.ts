/** sfc32 as its author published it, word by word over bigints. */

const MASK = 0xffffffffn;

export function sfc32(seed: number, stream: number, count: number): number[] {
  let a = BigInt.asUintN(32, BigInt(stream));
  let b = BigInt.asUintN(32, BigInt(seed));
  let c = BigInt.asUintN(32, BigInt(seed) >> 32n);
  let counter = 1n;
  const next = (): bigint => {
    const result = (a + b + counter) & MASK;
    counter = (counter + 1n) & MASK;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & MASK;
    c = ((((c << 21n) | (c >> 11n)) & MASK) + result) & MASK;
    return result;
  };
  for (let i = 0; i < 12; i++) next();
  return Array.from({ length: count }, () => Number(next()));
}
