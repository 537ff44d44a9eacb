/** One fact about this machine. */
export interface Finding {
  readonly name: string;
  /** false: something typetun can use is missing; undefined: a remark. */
  readonly ok: boolean | undefined;
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}
