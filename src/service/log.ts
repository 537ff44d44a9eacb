/** What a host says of what it does: lines for people, with what they are about beside them. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a line is about: adapter, user, process, ... */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where lines go. */
export type LogSink = (level: LogLevel, message: string, fields: LogFields) => void;

/** Lines that are kept for a bug report. */
const KEPT_LINES = 200;
/** How long a message is not repeated, in ms. */
const REPEAT_MS = 1000;

/** Passes lines on, and keeps the last ones. */
export class HostLog {
  readonly #sink: LogSink;
  readonly #kept: string[] = [];
  /** When what was last said sparingly. */
  readonly #said = new Map<string, number>();

  constructor(sink: LogSink) {
    this.#sink = sink;
  }

  /** The last lines, oldest first. */
  get recent(): readonly string[] {
    return this.#kept;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#say('debug', message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#say('info', message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#say('warn', message, fields);
  }

  /** As {@link warn}, but the same message once a second at most: it is for what others can make happen at will. */
  warnSparingly(message: string, fields: LogFields = {}): void {
    const now = performance.now();
    const last = this.#said.get(message);
    if (last !== undefined && now - last < REPEAT_MS) return;
    if (this.#said.size >= KEPT_LINES) this.#said.clear();
    this.#said.set(message, now);
    this.warn(message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#say('error', message, fields);
  }

  #say(level: LogLevel, message: string, fields: LogFields): void {
    this.#kept.push(`${new Date().toISOString()} ${formatLine(level, message, fields)}`);
    if (this.#kept.length > KEPT_LINES) this.#kept.shift();
    this.#sink(level, message, fields);
  }
}

/** One line, without a time: `warn: message (adapter=demo, uid=7)`. Line ends in values are escaped. */
export function formatLine(level: LogLevel, message: string, fields: LogFields): string {
  const about = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${String(value)}`);
  const line = `${level}: ${message}${about.length === 0 ? '' : ` (${about.join(', ')})`}`;
  return line.replaceAll(/\p{Cc}/gu, (char) => JSON.stringify(char).slice(1, -1));
}
