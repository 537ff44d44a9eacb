/** What `typetun run` says by itself: on standard error, since standard output is the command's. */

let isListening = false;

/** Writes a line. That nobody reads it, or that the disk is full, changes nothing of the command's status. */
export function say(line: string): void {
  const { stderr } = process;
  if (!isListening) stderr.on('error', () => undefined);
  isListening = true;
  try {
    stderr.write(`${line}\n`);
  } catch {
    // A file is written at once, and may fail at once.
  }
}
