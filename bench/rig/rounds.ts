/** Measures several candidates in turn, again and again, so that the machine's moods meet all alike. */

/** One thing to do in every round. */
export interface Turn {
  readonly title: string;
  run(): Promise<void>;
}

/**
 * Runs every turn once a round, each round beginning with another one: what comes behind a candidate
 * that heats the machine, or leaves it work, is not always the same.
 */
export async function inRounds(
  rounds: number,
  turns: readonly Turn[],
  say: (text: string) => void,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < turns.length; i++) {
      const turn = turns[(i + round) % turns.length]!;
      say(`round ${round + 1} of ${rounds}: ${turn.title}`);
      await turn.run();
    }
  }
}
