/** The shells whose completion can be printed. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What completion scripts call for the names of adapters; not for people. */
export const ADAPTERS_COMMAND = 'complete-adapters';
