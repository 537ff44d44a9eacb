/** One fact about this machine. */
export interface Finding {
  readonly name: string;
  /** false: something typetun can use is missing; undefined: a remark. */
  readonly ok: boolean | undefined;
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

const SEE_ABOVE = 'see what is marked "no" above';

/** What is missing, from a message of ours: it says what is wrong, then, behind a semicolon, what to do. */
export function missing(name: string, message: string, code?: string): Finding {
  const [what = '', ...remedy] = message.split('; ');
  const detail = code === undefined ? what : `${what} [${code}]`;
  return { name, ok: false, detail, remedy: remedy.join('; ') || SEE_ABOVE };
}
