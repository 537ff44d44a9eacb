/** Numbers for people. */

const THOUSAND = 1000;
const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'] as const;
/** From this on three digits say enough without a fraction. */
const NO_FRACTION_FROM = 100;
const ONE_DIGIT_FROM = 10;
const SECONDS_PER_MINUTE = 60;
const MINUTES_PER_HOUR = 60;
const HOURS_PER_DAY = 24;

/** Three digits and a prefix: `1.24 G`, `38.1 k`, `7`. */
export function formatScaled(value: number): string {
  let scaled = value;
  let prefix = 0;
  while (Math.abs(scaled) >= THOUSAND - 1 / 2 && prefix < PREFIXES.length - 1) {
    scaled /= THOUSAND;
    prefix++;
  }
  const digits = scaled >= NO_FRACTION_FROM ? 0 : scaled >= ONE_DIGIT_FROM ? 1 : 2;
  const text = prefix === 0 && Number.isInteger(scaled) ? String(scaled) : scaled.toFixed(digits);
  return prefix === 0 ? text : `${text} ${PREFIXES[prefix]}`;
}

/** `1.24 Gbit/s` */
export function formatBits(perSecond: number): string {
  return withUnit(formatScaled(Math.round(perSecond)), 'bit/s');
}

/** `38.1 kB` */
export function formatBytes(bytes: number): string {
  return withUnit(formatScaled(bytes), 'B');
}

/** `1,234,567` */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `2 d 3 h`, `4 min 5 s`: the two largest parts. */
export function formatDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  const minutes = Math.floor(whole / SECONDS_PER_MINUTE);
  const hours = Math.floor(minutes / MINUTES_PER_HOUR);
  const days = Math.floor(hours / HOURS_PER_DAY);
  if (days > 0) return `${days} d ${hours % HOURS_PER_DAY} h`;
  if (hours > 0) return `${hours} h ${minutes % MINUTES_PER_HOUR} min`;
  if (minutes > 0) return `${minutes} min ${whole % SECONDS_PER_MINUTE} s`;
  return `${whole} s`;
}

/** `14:03:27`, local time. */
export function formatTime(time: number): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

function withUnit(scaled: string, unit: string): string {
  return /[a-z]$/i.test(scaled) ? scaled + unit : `${scaled} ${unit}`;
}
