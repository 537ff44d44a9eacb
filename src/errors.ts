/**
 * What typetun throws. Wrong arguments are `TypeError` or `RangeError`; everything else that is
 * unexpected is a {@link TunError} with a stable `code`. Expected outcomes (nothing to read yet,
 * queue full) are return values, never exceptions. Match on `code`, never on the message.
 */

/** Every code a {@link TunError} can carry, with the situation it names. */
export const TunErrorCode = {
  /** A written bundle breaks a rule of the format; nothing of it was delivered. */
  BUNDLE_INVALID: 'ERR_TUN_BUNDLE_INVALID',
  /** A packet, address, or header could not be parsed. */
  PACKET_INVALID: 'ERR_TUN_PACKET_INVALID',
  /** The read was cancelled: its handle was closed. */
  CANCELLED: 'ERR_TUN_CANCELLED',
  /** The device handle is closed. */
  HANDLE_CLOSED: 'ERR_TUN_HANDLE_CLOSED',
  /** The adapter halted or shut down under an open handle ("file forced closed"). */
  FORCED_CLOSED: 'ERR_TUN_FORCED_CLOSED',
  /** Opening a device whose adapter is halted or on the way there ("delete pending"). */
  DELETE_PENDING: 'ERR_TUN_DELETE_PENDING',
  /** The host removed the network interface under the adapter. */
  ADAPTER_REMOVED: 'ERR_TUN_ADAPTER_REMOVED',
  /** The control call makes no sense in the adapter's present state. */
  INVALID_STATE: 'ERR_TUN_INVALID_STATE',
  /** No adapter of this process answers to that device name, or no interface has the name. */
  NOT_FOUND: 'ERR_TUN_NOT_FOUND',
  /** The interface, or the descriptor, is no layer 3 TUN device. */
  NOT_TUN: 'ERR_TUN_NOT_TUN',
  /** Another program is attached to the device, and it takes one only. */
  BUSY: 'ERR_TUN_BUSY',
  /** The interface name is in use. */
  NAME_TAKEN: 'ERR_TUN_NAME_TAKEN',
  /** The address, route or MTU was refused by the operating system or did not read back. */
  CONFIGURATION: 'ERR_TUN_CONFIGURATION',
  /** The process lacks the right to create or configure an adapter. */
  NO_PRIVILEGE: 'ERR_TUN_NO_PRIVILEGE',
  /** The operating system's TUN driver is not there (`/dev/net/tun`, `wintun.dll`), or too old. */
  NO_DRIVER: 'ERR_TUN_NO_DRIVER',
  /** The file with the system's driver is not signed by its maker, or was changed since. */
  DRIVER_UNTRUSTED: 'ERR_TUN_DRIVER_UNTRUSTED',
  /** The optional FFI package (koffi) is not installed or does not load here. */
  NO_FFI: 'ERR_TUN_NO_FFI',
  /** This platform or link cannot do what was asked. */
  UNSUPPORTED: 'ERR_TUN_UNSUPPORTED',
  /** An adapter could not be handed from one process to another. */
  HANDOVER: 'ERR_TUN_HANDOVER',
  /** The network namespace could not be opened or entered. */
  NETNS: 'ERR_TUN_NETNS',
  /** A caller's buffer was detached or resized while a read was waiting with it. */
  BUFFER_DETACHED: 'ERR_TUN_BUFFER_DETACHED',
  /** A property request (OID) that is unknown here. */
  OID_NOT_SUPPORTED: 'ERR_TUN_OID_NOT_SUPPORTED',
  /** A property request whose buffer is too short; `bytesNeeded` says how long it must be. */
  OID_TOO_SHORT: 'ERR_TUN_OID_TOO_SHORT',
  /** A property request with data that is refused. */
  OID_INVALID_DATA: 'ERR_TUN_OID_INVALID_DATA',
  /** A helper process ended before it had done its part; the message names the step. */
  HELPER: 'ERR_TUN_HELPER',
  /** A policy module does not load, or has nothing that could be asked. */
  POLICY: 'ERR_TUN_POLICY',
  /** No host answers at the run directory, or its connection ended. */
  NO_HOST: 'ERR_TUN_NO_HOST',
  /** A host runs already at the run directory. */
  HOST_RUNNING: 'ERR_TUN_HOST_RUNNING',
  /** The other side of a socket does not keep to the protocol, or speaks another version of it. */
  PROTOCOL: 'ERR_TUN_PROTOCOL',
  /** A configuration is wrong; the message names file, line and remedy. */
  CONFIG: 'ERR_TUN_CONFIG',
  /** A capture file breaks its format; the message names the offset. */
  CAPTURE_INVALID: 'ERR_TUN_CAPTURE_INVALID',
  /** A system call failed in a way that has no code of its own; see `syscall` and `errno`. */
  SYSCALL: 'ERR_TUN_SYSCALL',
} as const;

export type TunErrorCode = (typeof TunErrorCode)[keyof typeof TunErrorCode];

/** Details that accompany a {@link TunError}. */
export interface TunErrorDetails {
  /** The system call that failed, as its manual page names it. */
  readonly syscall?: string | undefined;
  /** The operating system's error number, positive. */
  readonly errno?: number | undefined;
  /** For `OID_TOO_SHORT`: the buffer length that would do, in bytes. */
  readonly bytesNeeded?: number | undefined;
  /** For `BUNDLE_INVALID`: the index of the offending entry, from 0. */
  readonly packetIndex?: number | undefined;
  /** The error underneath. */
  readonly cause?: unknown;
}

const BRAND = Symbol.for('typetun.TunError');

/** An unexpected failure. `message` names the offending value and what to do about it. */
export class TunError extends Error {
  readonly code: TunErrorCode;
  declare readonly syscall: string | undefined;
  declare readonly errno: number | undefined;
  declare readonly bytesNeeded: number | undefined;
  declare readonly packetIndex: number | undefined;

  constructor(code: TunErrorCode, message: string, details: TunErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TunError';
    this.code = code;
    // Only what there is: Node prints every member of an error that nobody caught.
    if (details.syscall !== undefined) this.syscall = details.syscall;
    if (details.errno !== undefined) this.errno = details.errno;
    if (details.bytesNeeded !== undefined) this.bytesNeeded = details.bytesNeeded;
    if (details.packetIndex !== undefined) this.packetIndex = details.packetIndex;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/**
 * Tells whether a value is a {@link TunError}, also one from another copy of this package, and
 * optionally whether it carries `code`. Never throws; `false` for anything else, null included.
 */
export function isTunError(value: unknown, code?: TunErrorCode): value is TunError {
  try {
    return (
      value instanceof Error &&
      (value as unknown as Record<symbol, unknown>)[BRAND] === true &&
      (code === undefined || (value as TunError).code === code)
    );
  } catch {
    // A proxy may throw at whoever looks.
    return false;
  }
}

/**
 * What a thrown value says of itself, for a person. Never throws, whatever was thrown: also what has no
 * prototype, or fails when it is asked.
 */
export function messageOf(thrown: unknown): string {
  try {
    const message: unknown = thrown instanceof Error ? thrown.message : thrown;
    return String(message);
  } catch {
    return 'something was thrown that does not say what it is';
  }
}
