/** The errors that more than one file of this link throws. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { WinError, winErrorName } from '../../os/win32.ts';

/** What Windows did not want to be set. */
export function configurationError(what: string, syscall: string, errno: number): TunError {
  const details = { syscall, errno };
  if (errno === WinError.ACCESS_DENIED) {
    return new TunError(
      TunErrorCode.NO_PRIVILEGE,
      `${what} was refused (${winErrorName(errno)}); run as administrator`,
      details,
    );
  }
  const remedy =
    errno === WinError.OBJECT_ALREADY_EXISTS || errno === WinError.ALREADY_EXISTS
      ? '; another interface has it: choose another, or take it away there'
      : '';
  return new TunError(
    TunErrorCode.CONFIGURATION,
    `${what} was refused by Windows: ${winErrorName(errno)}${remedy}`,
    details,
  );
}

export function detached(): TunError {
  return new TunError(
    TunErrorCode.BUFFER_DETACHED,
    'the buffer was detached or shrunk (transferred to another thread?) while it was in use; keep it until the call is done',
  );
}
