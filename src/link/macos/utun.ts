/** macOS' utun: making an interface, and the two things that are set of it. Experimental, not verified. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { DarwinErrno, darwin } from '../../os/darwin.ts';
import { AF_SYSTEM, controlId, ctlInfo, ifReq, mtuOf, sockaddrCtl, unitOf } from './structs.ts';

const CONTROL_NAME = 'com.apple.net.utun_control';
const SOCK_DGRAM = 2;
/** `SYSPROTO_CONTROL` (sys/sys_domain.h). */
const SYSPROTO_CONTROL = 2;
/** `_IOWR('N', 3, struct ctl_info)`. */
const CTLIOCGINFO = 0xc0644e03;
/** `UTUN_OPT_IFNAME` (net/if_utun.h). */
const UTUN_OPT_IFNAME = 2;
/** `_IOWR('i', 51, struct ifreq)`, `_IOW('i', 52, struct ifreq)`. */
const SIOCGIFMTU = 0xc0206933;
const SIOCSIFMTU = 0x80206934;
const AF_INET = 2;
/** `F_SETFD` with `FD_CLOEXEC`, `F_SETFL` with `O_NONBLOCK` (fcntl.h of macOS). */
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_SETFL = 4;
const O_NONBLOCK = 4;
/** Bytes of an interface name with its terminating zero (`IFNAMSIZ`). */
const NAME_BYTES = 16;

/** An interface as this process holds it. */
export interface Utun {
  /** Non-blocking; closing it removes the interface. */
  readonly fd: number;
  readonly name: string;
}

/**
 * Makes an interface.
 *
 * @throws TunError `UNSUPPORTED` for a name that macOS does not give, `NAME_TAKEN`, `NO_PRIVILEGE`,
 * `NO_DRIVER`, `SYSCALL`.
 */
export function createUtun(wanted: string | undefined): Utun {
  const unit = unitOf(wanted);
  if (unit === undefined) {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      `the interface name is "${wanted}", but macOS names them utun and a number; leave it out to get a free one`,
    );
  }
  const { socket, errno } = darwin();
  const fd = socket(AF_SYSTEM, SOCK_DGRAM, SYSPROTO_CONTROL);
  if (fd < 0) throw refused('socket', errno(), wanted);
  try {
    connectControl(fd, unit, wanted);
    darwin().fcntl(fd, F_SETFD, FD_CLOEXEC);
    darwin().fcntl(fd, F_SETFL, O_NONBLOCK);
    return { fd, name: nameOf(fd) };
  } catch (error) {
    darwin().close(fd);
    throw error;
  }
}

function connectControl(fd: number, unit: number, wanted: string | undefined): void {
  const { ioctl, connect, errno } = darwin();
  const info = ctlInfo(CONTROL_NAME);
  if (ioctl(fd, CTLIOCGINFO, info) < 0) throw refused('ioctl(CTLIOCGINFO)', errno(), wanted);
  const address = sockaddrCtl(controlId(info), unit);
  if (connect(fd, address, address.length) < 0) throw refused('connect', errno(), wanted);
}

function nameOf(fd: number): string {
  const name = new Uint8Array(NAME_BYTES);
  const bytes = Uint32Array.of(name.length);
  if (darwin().getsockopt(fd, SYSPROTO_CONTROL, UTUN_OPT_IFNAME, name, bytes) < 0) {
    throw refused('getsockopt(UTUN_OPT_IFNAME)', darwin().errno(), undefined);
  }
  return Buffer.from(name).toString('latin1', 0, name.indexOf(0));
}

/** Sets the MTU and reads it back. */
export function setMtu(name: string, mtu: number): number {
  const { socket, ioctl, close, errno } = darwin();
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) throw refused('socket', errno(), name);
  try {
    const request = ifReq(name, mtu);
    if (ioctl(fd, SIOCSIFMTU, request) < 0 || ioctl(fd, SIOCGIFMTU, request) < 0) {
      throw new TunError(
        TunErrorCode.CONFIGURATION,
        `the MTU ${mtu} was refused by macOS: error ${errno()}`,
        { syscall: 'ioctl(SIOCSIFMTU)', errno: errno() },
      );
    }
    return mtuOf(request);
  } finally {
    close(fd);
  }
}

function refused(syscall: string, errno: number, name: string | undefined): TunError {
  const details = { syscall, errno };
  if (errno === DarwinErrno.EPERM) {
    return new TunError(
      TunErrorCode.NO_PRIVILEGE,
      'making a utun interface takes root; use sudo',
      details,
    );
  }
  if (errno === DarwinErrno.EBUSY) {
    const message = `the interface name "${name}" is taken; leave it out to get a free one`;
    return new TunError(TunErrorCode.NAME_TAKEN, message, details);
  }
  const code = errno === DarwinErrno.ENOENT ? TunErrorCode.NO_DRIVER : TunErrorCode.SYSCALL;
  return new TunError(
    code,
    `macOS made no utun interface: ${syscall} failed with error ${errno}`,
    details,
  );
}
