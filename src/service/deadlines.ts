/** How long a peer may take for what it began, in ms. */

export interface Deadlines {
  /** From connecting to a device until its HELLO is complete. */
  readonly helloMs: number;
  /** From the first byte of a frame to its last. */
  readonly frameMs: number;
  /** From the first byte of a request to the control socket to its end. */
  readonly requestMs: number;
  /** From being turned away to having read why. */
  readonly lingerMs: number;
}

/** As docs/device-protocol.md and docs/control-protocol.md say. */
export const DEADLINES: Deadlines = {
  helloMs: 5000,
  frameMs: 30_000,
  requestMs: 10_000,
  lingerMs: 1000,
};
