/** Errors on their way over the control socket, and back into what was thrown. */

import { isTunError, TunError, TunErrorCode } from '../errors.ts';
import { ControlErrorCode, type ControlErrorData } from './control-protocol.ts';

/** The `error` member of an answer. */
export interface ControlError {
  readonly code: number;
  readonly message: string;
  readonly data?: ControlErrorData;
}

/** What was thrown, as it is sent. The stack stays here. */
export function encodeError(error: unknown): ControlError {
  if (isTunError(error)) {
    const { message, code, syscall, errno } = error;
    const details = {
      ...(syscall !== undefined && { syscall }),
      ...(errno !== undefined && { errno }),
    };
    return { code: ControlErrorCode.FAILED, message, data: { type: 'TunError', code, ...details } };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError || error instanceof TypeError) {
    const type = error instanceof RangeError ? 'RangeError' : 'TypeError';
    return { code: ControlErrorCode.INVALID_PARAMS, message, data: { type } };
  }
  return { code: ControlErrorCode.INTERNAL, message, data: { type: 'Error' } };
}

/** What to throw for an `error` that came; something sensible also for one that is none. */
export function decodeError(error: unknown): Error {
  const { code, message, data } = { ...(error as Partial<ControlError>) };
  const text = typeof message === 'string' ? message : 'the host refused and did not say why';
  if (code === ControlErrorCode.REFUSED) return new TunError(TunErrorCode.NO_PRIVILEGE, text);
  if (data?.type === 'RangeError') return new RangeError(text);
  if (data?.type === 'TypeError') return new TypeError(text);
  const known = Object.values(TunErrorCode).find((one) => one === data?.code);
  if (known !== undefined) {
    return new TunError(known, text, { syscall: data?.syscall, errno: data?.errno });
  }
  return new TunError(TunErrorCode.PROTOCOL, text);
}
