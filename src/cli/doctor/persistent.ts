/** Which persistent TUN interfaces this user may open: what `Adapter.open` is for. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from './finding.ts';

/** One folder for each interface of the network namespace. */
const INTERFACES = '/sys/class/net';
/** `IFF_TUN` and `IFF_PERSIST` in `tun_flags`, which only TUN and TAP interfaces have. */
const TUN = 0x0001;
const PERSIST = 0x0800;

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
  const mine = all.filter(
    (one) =>
      user === 0 ||
      number(folder, one, 'owner') === user ||
      groups.includes(number(folder, one, 'group')),
  );
  if (mine.length > 0) {
    return { name, ok: undefined, detail: `this user may open ${mine.join(', ')} by name` };
  }
  const others = all.length === 0 ? 'there are none' : `${all.join(', ')} belong to others`;
  const detail = `no persistent interface that this user may open: ${others}`;
  if (user === 0) return { name, ok: undefined, detail };
  const remedy = `as root: ip tuntap add NAME mode tun user ${user}; then Adapter.open('NAME')`;
  return { name, ok: undefined, detail, remedy };
}

function isPersistent(folder: string, one: string): boolean {
  const wanted = TUN | PERSIST;
  return (number(folder, one, 'tun_flags') & wanted) === wanted;
}

/** -1 where there is none, as the kernel writes it of an owner that nobody is. */
function number(folder: string, one: string, file: string): number {
  try {
    return Number(readFileSync(join(folder, one, file), 'utf8'));
  } catch {
    return file === 'tun_flags' ? 0 : -1;
  }
}
