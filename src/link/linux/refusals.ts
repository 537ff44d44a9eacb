/** Turns what the kernel refused into an error that says what was wanted and what to do. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { MIN_MTU_IPV6 } from '../../limits.ts';
import { Errno, errnoName } from '../../os/libc.ts';
import type { Message } from '../../os/netlink-reader.ts';
import { NetlinkRefusal } from '../../os/netlink-refusal.ts';
import type { NetlinkSocket } from '../../os/netlink-socket.ts';

/** What is the matter, and the remedy, when a system has IPv6 switched off. */
export const IPV6_DISABLED =
  'IPv6 is disabled (sysctl net.ipv6.conf.default.disable_ipv6, which new interfaces start with); enable it ("sysctl -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0"), or leave IPv6 out';

/** What is being done, and what may be said about it. */
export interface Intent {
  /** Completes "... was refused": `the address 10.7.0.1/24`. */
  readonly what: string;
  /** Whether it is about IPv6, which a system may have switched off. */
  readonly ipv6?: boolean;
  /** Remedies by error number. */
  readonly remedies?: Readonly<Record<number, string>>;
  /** Error numbers that mean it is as it should be already. */
  readonly harmless?: readonly number[];
}

/**
 * Sends a request and returns its answer; empty when it was refused with a harmless error.
 *
 * @throws TunError `NO_PRIVILEGE`, `ADAPTER_REMOVED`, or `CONFIGURATION` naming `intent.what`.
 */
export function ask(socket: NetlinkSocket, request: Uint8Array, intent: Intent): Message[] {
  try {
    return socket.request(request);
  } catch (error) {
    if (!(error instanceof NetlinkRefusal) || error.errno === undefined) throw error;
    if (intent.harmless?.includes(error.errno)) return [];
    throw explained(error, error.errno, intent);
  }
}

/** The interface with this index is gone. */
export function removed(index: number, cause?: unknown): TunError {
  return new TunError(
    TunErrorCode.ADAPTER_REMOVED,
    `the network interface with index ${index} is gone; did another program remove it or move it to another namespace?`,
    { cause },
  );
}

function explained(refusal: NetlinkRefusal, errno: number, intent: Intent): TunError {
  const { what } = intent;
  const details = { syscall: 'netlink', errno, cause: refusal };
  if (errno === Errno.EPERM) {
    return new TunError(
      TunErrorCode.NO_PRIVILEGE,
      `${what} was refused: configuring a network interface takes CAP_NET_ADMIN in its namespace; run as root or grant it ("setcap cap_net_admin+ep")`,
      details,
    );
  }
  const remedy = intent.remedies?.[errno] ?? (intent.ipv6 ? ipv6Remedy(errno) : undefined);
  if (errno === Errno.ENODEV && remedy === undefined) {
    return new TunError(
      TunErrorCode.ADAPTER_REMOVED,
      `${what} was refused: the network interface is gone; did another program remove it?`,
      details,
    );
  }
  const reason = refusal.kernelText === '' ? '' : ` ("${refusal.kernelText}")`;
  return new TunError(
    TunErrorCode.CONFIGURATION,
    `${what} was refused with ${errnoName(errno)}${reason}; ${remedy ?? 'see "dmesg" and what "ip addr" and "ip route" show'}`,
    details,
  );
}

/** Why IPv6 is refused. The kernel's own texts, if any, name neither the setting nor the remedy. */
function ipv6Remedy(errno: number): string | undefined {
  if (errno === Errno.EACCES) return IPV6_DISABLED;
  if (errno === Errno.EOPNOTSUPP || errno === Errno.EAFNOSUPPORT) {
    return 'this kernel runs without IPv6 (boot option ipv6.disable=1, or no ipv6 module), or the MTU is too small for it; leave IPv6 out';
  }
  if (errno === Errno.EINVAL || errno === Errno.ENOBUFS) {
    return `is the MTU below ${MIN_MTU_IPV6}, the least that IPv6 takes?`;
  }
  return undefined;
}
