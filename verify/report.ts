/** What the verifier found, as `--json` writes it and the log holds it. */

import type { JobResult } from './pool.ts';
import { RULE_IDS, RULES } from './rules.ts';

export interface RuleReport {
  readonly id: string;
  readonly text: string;
  readonly holds: boolean;
  /** Schedules in which the premise of the rule arose; none is a failure. */
  readonly tested: number;
}

export interface ScenarioReport {
  readonly name: string;
  readonly bound: number;
  readonly schedules: number;
  readonly states: number;
  readonly exhausted: boolean;
  readonly seconds: number;
}

export interface MutantReport {
  readonly id: string;
  readonly rule: string;
  readonly about: string;
  readonly caught: boolean;
  /** The rule that was reported, if any. */
  readonly by: string | null;
  readonly scenario: string | null;
}

export interface Report {
  readonly ok: boolean;
  readonly seed: number;
  readonly rules: readonly RuleReport[];
  readonly scenarios: readonly ScenarioReport[];
  readonly mutants: readonly MutantReport[];
  readonly seconds: number;
}

/** Puts the report together; `complete` says whether all scenarios were run. */
export function reportOf(
  results: readonly JobResult[],
  mutants: readonly MutantReport[],
  seconds: number,
  seed: number,
  complete: boolean,
): Report {
  const explorations = results.map(({ exploration }) => exploration);
  const rules = RULE_IDS.map(
    (id): RuleReport => ({
      id,
      text: RULES[id]!,
      holds: !explorations.some(({ violation }) => violation?.rule === id),
      tested: explorations.reduce((sum, { tested }) => sum + (tested[id] ?? 0), 0),
    }),
  );
  const scenarios = explorations.map(
    ({ name, bound, schedules, states, exhausted, seconds: took }) => ({
      name,
      bound,
      schedules,
      states,
      exhausted,
      seconds: took,
    }),
  );
  const ok =
    explorations.every(({ violation, exhausted }) => violation === undefined && exhausted) &&
    mutants.every(({ caught }) => caught) &&
    (!complete || rules.every(({ tested }) => tested > 0));
  return { ok, seed, rules, scenarios, mutants, seconds };
}
