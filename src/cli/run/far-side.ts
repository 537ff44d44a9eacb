/** What is at the other end of the command's adapter. */

/** Hands packets towards the command: the first `length` bytes of `bytes`, a bundle that is not kept. */
export type SendIn = (bytes: Uint8Array, length: number) => void;

export interface FarSide {
  /** What it is, for the report. */
  readonly description: string;
  /** Servers that the command should ask for names, unless it was told of others. */
  readonly dns?: readonly string[];
  /**
   * Takes what the command sent: a bundle, which may be changed and is not kept. Returns the packets of it
   * that were refused.
   */
  deliver(bytes: Uint8Array, length: number): number;
  /** Begins to hand packets in, until {@link close}. Rejects when it cannot go on. */
  start(sendIn: SendIn): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}
