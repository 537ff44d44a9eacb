/** Which persistent TUN interfaces this user may open: what `Adapter.open` is for. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from './finding.ts';

/** One folder for each interface of the network namespace. */
const INTERFACES = '/sys/class/net';
/** `IFF_TUN` and `IFF_PERSIST` in `tun_flags`, which only TUN and TAP interfaces have. */
const TUN = 0x0001;
const PERSIST = 0x0800;
/** As the kernel writes an owner, or a group, that is not set. */
const NOBODY = -1;

/**
 * A remark, whether there are any or not. `folder` and `user` are what the system has and who asks,
 * other ones for tests.
 */
export function persistentInterfaces(
  folder: string = INTERFACES,
  user: number = process.geteuid?.() ?? -1,
  groups: readonly number[] = process.getgroups?.() ?? [],
): Finding {
  const name = 'persistent-tun';
  const all = existsSync(folder)
    ? readdirSync(folder).filter((one) => isPersistent(folder, one))
    : [];
  const owned = (one: string): Owners => ({
    owner: number(folder, one, 'owner'),
    group: number(folder, one, 'group'),
  });
  const mine = all.filter((one) => user === 0 || opens(owned(one), user, groups));
  if (mine.length > 0) {
    const open = all.filter((one) => isNobodys(owned(one)));
    const warning =
      open.length === 0
        ? ''
        : `; whoever may open /dev/net/tun may open ${open.join(', ')}, which has no owner and no group`;
    return {
      name,
      ok: undefined,
      detail: `this user may open ${mine.join(', ')} by name${warning}`,
    };
  }
  const others = all.length === 0 ? 'there are none' : `${all.join(', ')} belong to others`;
  const detail = `no persistent interface that this user may open: ${others}`;
  if (user === 0) return { name, ok: undefined, detail };
  const remedy = `as root: ip tuntap add NAME mode tun user ${user}; then Adapter.open('NAME')`;
  return { name, ok: undefined, detail, remedy };
}

/** Whose an interface is: numbers, {@link NOBODY} for what is not set. */
interface Owners {
  readonly owner: number;
  readonly group: number;
}

/** The kernel asks for all that is set, and for nothing of an interface without (`tun_not_capable` of drivers/net/tun.c). */
function opens({ owner, group }: Owners, user: number, groups: readonly number[]): boolean {
  return (owner === NOBODY || owner === user) && (group === NOBODY || groups.includes(group));
}

function isNobodys({ owner, group }: Owners): boolean {
  return owner === NOBODY && group === NOBODY;
}

function isPersistent(folder: string, one: string): boolean {
  const wanted = TUN | PERSIST;
  return (number(folder, one, 'tun_flags') & wanted) === wanted;
}

/** {@link NOBODY}, or no flags, where there is no such file. */
function number(folder: string, one: string, file: string): number {
  try {
    return Number(readFileSync(join(folder, one, file), 'utf8'));
  } catch {
    return file === 'tun_flags' ? 0 : NOBODY;
  }
}
