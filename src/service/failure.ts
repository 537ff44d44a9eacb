/** Errors in the frames of the device protocol, and back. */

import { isTunError, TunError, TunErrorCode } from '../errors.ts';
import type { Failure } from './device-protocol.ts';

/** What was thrown, as FAILED and GOODBYE say it. */
export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const code = isTunError(error) ? error.code : TunErrorCode.SYSCALL;
  return { code, message };
}

/** What to throw for a failure that came. */
export function errorOf({ code, message }: Readonly<Record<string, unknown>>): TunError {
  const known = Object.values(TunErrorCode).find((one) => one === code);
  const text = typeof message === 'string' ? message : 'the host did not say why';
  return new TunError(known ?? TunErrorCode.PROTOCOL, text);
}
