/** A secret that a caller shows: `Authorization: Bearer TOKEN`. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { TunError, TunErrorCode } from '../../errors.ts';

/** Shorter ones can be guessed. */
const MIN_LENGTH = 16;
/** What fits a header with room to spare. */
const MAX_LENGTH = 1024;
/** Visible ASCII: all of it can stand in a header. */
const ALLOWED = /^[\x21-\x7e]+$/;
/** Permission bits of the group and of others. */
const OTHERS = 0o077;
const SCHEME = /^Bearer +(\S+)$/i;

export class Token {
  /** Of a fixed length, so that comparing takes the same time whatever is shown. */
  readonly #digest: Buffer;

  constructor(text: string) {
    if (text.length < MIN_LENGTH || text.length > MAX_LENGTH || !ALLOWED.test(text)) {
      throw new RangeError(
        `a token has ${MIN_LENGTH} to ${MAX_LENGTH} visible ASCII characters; make one with: openssl rand -hex 32`,
      );
    }
    this.#digest = digest(text);
  }

  /**
   * The token in a file: all of it but white space around it.
   *
   * @throws TunError `CONFIG` when it cannot be read, others may read it, or it holds no token.
   */
  static read(path: string): Token {
    try {
      const descriptor = openSync(
        path,
        constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK,
      );
      try {
        const { mode, uid } = fstatSync(descriptor);
        const own = process.getuid?.();
        if (own !== undefined && (mode & OTHERS) !== 0)
          throw new Error(`others may read it; chmod 600 ${path}`);
        if (own !== undefined && uid !== own && uid !== 0)
          throw new Error(`it belongs to user ${uid}`);
        return new Token(readFileSync(descriptor, 'utf8').trim());
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new TunError(TunErrorCode.CONFIG, `the token file ${path} is of no use: ${why}`, {
        cause: error,
      });
    }
  }

  /** Whether the header `Authorization` shows this token. Takes as long for a wrong one as for the right one. */
  isShownBy(authorization: string | undefined): boolean {
    const shown = SCHEME.exec(authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(digest(shown), this.#digest);
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
