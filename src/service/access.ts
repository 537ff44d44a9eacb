/** Who may use a socket of the host. */

import { readFileSync } from 'node:fs';
import type { AccessConfig } from './control-protocol.ts';
import type { Peer } from './listener.ts';

/** The superuser, who may all. */
const ROOT = 0;
const FIELD_SEPARATOR = ':';
/** Number of the third field of passwd(5) and group(5), from 0: the user's or group's own. */
const ID_FIELD = 2;
const MAX_ID = 2 ** 32 - 2;

/** An {@link AccessConfig} with numbers in place of names. */
export interface Access {
  readonly users: ReadonlySet<number>;
  readonly groups: ReadonlySet<number>;
  readonly descriptor: boolean;
}

/**
 * Looks the names up in /etc/passwd and /etc/group.
 *
 * @throws TypeError for a name that is not there, or no number of a user or group.
 */
export function resolveAccess(config: AccessConfig = {}): Access {
  return {
    users: new Set(config.users?.map((user) => resolveId('user', user))),
    groups: new Set(config.groups?.map((group) => resolveId('group', group))),
    descriptor: config.descriptor ?? false,
  };
}

/** @throws as {@link resolveAccess}. */
export function resolveId(kind: 'user' | 'group', given: string | number): number {
  if (typeof given === 'number') {
    if (Number.isInteger(given) && given >= 0 && given <= MAX_ID) return given;
    throw new TypeError(`the ${kind} ${given} is no number of a ${kind}; give 0 to ${MAX_ID}`);
  }
  const file = kind === 'user' ? '/etc/passwd' : '/etc/group';
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const fields = line.split(FIELD_SEPARATOR);
    if (fields[0] === given && fields[ID_FIELD]) return Number(fields[ID_FIELD]);
  }
  throw new TypeError(
    `there is no ${kind} "${given}" in ${file}; give the number of one that the system knows from elsewhere`,
  );
}

/**
 * Why this peer may not, in words; undefined when it may. The host's own user and root always may. A peer
 * that the system says nothing of may: a host only listens where that is allowed.
 */
export function refusal(peer: Peer | undefined, access: Access, what: string): string | undefined {
  if (peer === undefined) return undefined;
  const { uid, gid, groups } = peer;
  if (uid === ROOT || uid === process.geteuid?.() || access.users.has(uid)) return undefined;
  if ([gid, ...groups].some((group) => access.groups.has(group))) return undefined;
  return `user ${uid} may not use ${what}; the user ${process.geteuid?.()} that the host runs as may, and root: others take an "access" entry in the host's configuration`;
}
