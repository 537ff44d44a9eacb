/** What a person sees while the verifier works: a live line on a terminal, plain lines elsewhere. */

import type { JobResult } from './pool.ts';
import type { MutantReport, Report } from './report.ts';

const NAME_COLUMNS = 22;
const NUMBER_COLUMNS = 9;
const MS_PER_SECOND = 1000;

export class Progress {
  readonly #total: number;
  readonly #started = performance.now();
  readonly #live = process.stdout.isTTY === true;
  readonly #running = new Map<string, number>();
  #done = 0;
  #schedules = 0;

  /** `total`: scenarios and mutants to come. */
  constructor(total: number) {
    this.#total = total;
  }

  /** A scenario has come so far. */
  at(scenario: string, schedules: number): void {
    this.#running.set(scenario, schedules);
    if (!this.#live) return;
    const explored = [...this.#running.values()].reduce(
      (sum, count) => sum + count,
      this.#schedules,
    );
    const seconds = (performance.now() - this.#started) / MS_PER_SECOND;
    const rate = Math.round(explored / seconds);
    const left =
      this.#done === 0
        ? ''
        : `, about ${Math.ceil((seconds / this.#done) * (this.#total - this.#done))} s left`;
    const names = [...this.#running.keys()].join(', ');
    process.stdout.write(
      `\r\x1b[K${this.#done} of ${this.#total}: ${names}; ${explored} schedules, ${rate} a second${left}`,
    );
  }

  scenario({ exploration }: JobResult): void {
    this.#running.delete(exploration.name);
    this.#schedules += exploration.schedules;
    this.#done++;
    const { name, bound, schedules, states, exhausted, violation, seconds } = exploration;
    const verdict =
      violation !== undefined
        ? `VIOLATES ${violation.rule}`
        : exhausted
          ? 'exhausted'
          : 'NOT EXHAUSTED';
    this.#line(
      `${name.padEnd(NAME_COLUMNS)} bound ${bound} ${String(schedules).padStart(NUMBER_COLUMNS)} schedules ${String(states).padStart(5)} states ${seconds.toFixed(1).padStart(6)} s  ${verdict}`,
    );
  }

  mutant({ id, rule, caught, by, scenario }: MutantReport): void {
    this.#done++;
    const verdict = caught
      ? `caught by ${rule} in ${scenario}`
      : by === null
        ? `NOT CAUGHT (it breaks ${rule})`
        : `NOT CAUGHT by ${rule}, but by ${by} in ${scenario}`;
    this.#line(`mutant ${id.padEnd(NAME_COLUMNS + 6)} ${verdict}`);
  }

  end(report: Report): void {
    this.#line('');
    for (const { id, text, holds, tested } of report.rules) {
      const count = tested === 0 ? 'not tested' : `tested ${String(tested)}`;
      const verdict = tested === 0 ? '      ' : holds ? 'holds ' : 'BROKEN';
      this.#line(`${id.padEnd(4)} ${verdict} ${count.padStart(NUMBER_COLUMNS + 7)}  ${text}`);
    }
    this.#line(`\n${summary(report)}; ${report.seconds.toFixed(0)} s.`);
  }

  #line(text: string): void {
    process.stdout.write(`${this.#live ? '\r\x1b[K' : ''}${text}\n`);
  }
}

function summary({ ok, rules }: Report): string {
  if (!ok) return 'NOT all is well';
  return rules.every(({ tested }) => tested > 0) ? 'All rules hold' : 'All rules tested hold';
}
