/** Numbers for people: bytes, rates, counts. */

/** Steps of bytes (IEC 80000-13), and of rates (SI). */
const BYTE_STEP = 1024;
const RATE_STEP = 1000;
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const RATE_UNITS = ['', ' k', ' M', ' G', ' T', ' P'];
const BITS_PER_BYTE = 8;
/** Below it a scaled number has a decimal. */
const DECIMAL_BELOW = 100;

/** `1536` as `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const { value, step } = scaled(bytes, BYTE_STEP, BYTE_UNITS.length);
  return `${shown(value, step)} ${BYTE_UNITS[step]}`;
}

/** Bytes a second as bits: `125000` as `1.0 Mbit/s`. */
export function formatBitRate(bytesPerSecond: number): string {
  const { value, step } = scaled(bytesPerSecond * BITS_PER_BYTE, RATE_STEP, RATE_UNITS.length);
  return `${shown(value, step)}${RATE_UNITS[step] || ' '}bit/s`;
}

/** Anything a second: `1500` as `1.5 k/s`. */
export function formatRate(perSecond: number): string {
  const { value, step } = scaled(perSecond, RATE_STEP, RATE_UNITS.length);
  return `${shown(value, step)}${RATE_UNITS[step]}/s`;
}

/** A count with its noun: `1 packet`, `2 packets`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function scaled(value: number, by: number, steps: number): { value: number; step: number } {
  let step = 0;
  let rest = value;
  while (rest >= by && step < steps - 1) {
    rest /= by;
    step++;
  }
  return { value: rest, step };
}

function shown(value: number, step: number): string {
  return step > 0 && value < DECIMAL_BELOW ? value.toFixed(1) : String(Math.round(value));
}
