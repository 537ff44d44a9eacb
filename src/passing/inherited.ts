/**
 * Descriptors that whoever started this process passed to it, as systemd does.
 *
 * Source: sd_listen_fds(3): from 3 on, as many as LISTEN_FDS says, if LISTEN_PID is this process.
 */

import { TunError, TunErrorCode } from '../errors.ts';

/** The first of them. */
const FIRST = 3;
/** Names are separated by colons; a descriptor without one is called so. */
const SEPARATOR = ':';
const UNNAMED = 'unknown';
/** More than a process can have open. */
const MAX_COUNT = 2 ** 20;
const WHOLE_NUMBER = /^(0|[1-9][0-9]*)$/;

/** A descriptor that was passed. */
export interface InheritedDescriptor {
  readonly fd: number;
  /** `FileDescriptorName=` of systemd; `unknown` when it has none. */
  readonly name: string;
}

/**
 * The descriptors that systemd, or another service manager, passed to this process: for `Adapter.fromFd`. Empty when
 * there are none, or they were meant for another process (LISTEN_PID). They stay open and whoever calls
 * has to see that they are closed; each call returns the same.
 *
 * @throws TunError `HANDOVER` when LISTEN_FDS is no number, or its names are more or fewer.
 */
export function inheritedDescriptors(): InheritedDescriptor[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = process.env;
  if (pid !== String(process.pid) || count === undefined) return [];
  if (!WHOLE_NUMBER.test(count) || Number(count) > MAX_COUNT) {
    throw wrong(`LISTEN_FDS is "${count}", and no number of descriptors`);
  }
  const list = names === undefined || names === '' ? [] : names.split(SEPARATOR);
  if (list.length > 0 && list.length !== Number(count)) {
    throw wrong(`LISTEN_FDNAMES has ${list.length} names for ${count} descriptors`);
  }
  return Array.from({ length: Number(count) }, (_, i) => ({
    fd: FIRST + i,
    name: list[i] || UNNAMED,
  }));
}

function wrong(what: string): TunError {
  return new TunError(
    TunErrorCode.HANDOVER,
    `${what}; whoever started this process set it (sd_listen_fds(3))`,
  );
}
