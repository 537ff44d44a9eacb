/** What a policy filter counts. */

/** A snapshot. Every packet that was given to the filter is in one of the first nine, or held back. */
export interface PolicyStatistics {
  /** Packets that passed, away from the command and to it; what was held back, once it passed. */
  readonly passedOut: number;
  readonly passedIn: number;
  /** Packets that the policy dropped; those of flows whose policy threw as well. */
  readonly dropped: number;
  /** Packets that cannot be told which flow they are of: a rewritten one took its place, or is forgotten. */
  readonly conflicts: number;
  /** No IP packets, or cut short. */
  readonly malformed: number;
  /** Later fragments of datagrams whose first was not seen. */
  readonly strayFragments: number;
  /** ICMP errors about a rewritten flow, which would name ends that the command does not know. */
  readonly untranslated: number;
  /** Packets that were to be held back when there was no room. */
  readonly delayFull: number;
  /** Packets that were held back when the filter was closed. */
  readonly delayDropped: number;
  /** Packets that were, or are, held back. */
  readonly delayed: number;
  /** Packets held back now. */
  readonly held: number;
  /** Packets that got other ends. */
  readonly rewritten: number;
  /** Flows that the policy was asked about, times that it threw, and flows that were forgotten. */
  readonly flows: number;
  readonly policyErrors: number;
  readonly evicted: number;
}

type Counts = { -readonly [name in keyof PolicyStatistics]: PolicyStatistics[name] };

/** All zero. */
export function createPolicyStatistics(): Counts {
  return {
    passedOut: 0,
    passedIn: 0,
    dropped: 0,
    conflicts: 0,
    malformed: 0,
    strayFragments: 0,
    untranslated: 0,
    delayFull: 0,
    delayDropped: 0,
    delayed: 0,
    held: 0,
    rewritten: 0,
    flows: 0,
    policyErrors: 0,
    evicted: 0,
  };
}
