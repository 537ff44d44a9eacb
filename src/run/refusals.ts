/**
 * Why there is no new namespace, in words with the remedy: from what unshare(1) complained and from what
 * the system says about itself.
 *
 * Source: unshare(2), user_namespaces(7); Documentation/admin-guide/sysctl/user.rst of Linux; Ubuntu's
 * security notes on unprivileged user namespaces; Debian's kernel.unprivileged_userns_clone.
 */

import { readFileSync } from 'node:fs';

/** Settings that forbid user namespaces, as far as this system has them. */
export interface NamespaceSettings {
  /** Of Debian's and older Ubuntu's kernels: 0 forbids. */
  readonly unprivilegedClone: string | undefined;
  /** Of Ubuntu from 23.10 on: 1 leaves a namespace without any rights in it. */
  readonly apparmorRestricts: string | undefined;
  /** user.max_user_namespaces. */
  readonly mostUserNamespaces: string | undefined;
  readonly mostNetworkNamespaces: string | undefined;
  /** 2 when a seccomp filter is in force (proc(5), Seccomp), as containers have it. */
  readonly seccomp: string | undefined;
}

/** C library's words for error numbers, in the locale C: all that unshare(1) says of one. */
const NOT_PERMITTED = /not permitted/i;
const DENIED = /permission denied/i;
const NO_SPACE = /no space left|too many users/i;
const INVALID = /invalid argument/i;
const NOT_IMPLEMENTED = /not implemented/i;
const BAD_OPTION = /unrecognized option|invalid option|unknown option/i;

/** Reads them. */
export function namespaceSettings(): NamespaceSettings {
  return {
    unprivilegedClone: read('/proc/sys/kernel/unprivileged_userns_clone'),
    apparmorRestricts: read('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    mostUserNamespaces: read('/proc/sys/user/max_user_namespaces'),
    mostNetworkNamespaces: read('/proc/sys/user/max_net_namespaces'),
    seccomp: /^Seccomp:\s*(\d)/m.exec(read('/proc/self/status') ?? '')?.[1],
  };
}

/** Says what `complaint`, the standard error of unshare(1), means here, and what to do about it. */
export function explainRefusal(complaint: string, settings: NamespaceSettings): string {
  const said = complaint.trim().split('\n')[0] ?? '';
  const quoted = said === '' ? 'it ended without a word' : `"${said}"`;
  return `${quoted}; ${remedyFor(said, settings)}`;
}

function remedyFor(said: string, settings: NamespaceSettings): string {
  if (NOT_PERMITTED.test(said) || DENIED.test(said)) return notPermitted(settings);
  if (NO_SPACE.test(said)) return exhausted(settings);
  if (INVALID.test(said)) {
    return 'this kernel is built without user or network namespaces (CONFIG_USER_NS, CONFIG_NET_NS), or this process runs in a chroot; run as root on another kernel, or outside the chroot';
  }
  if (NOT_IMPLEMENTED.test(said)) return 'this kernel, or its sandbox, has no namespaces at all';
  if (BAD_OPTION.test(said)) return 'install util-linux 2.23 or later, or a busybox with unshare';
  return 'see unshare(1), and "typetun doctor"';
}

/** EPERM and EACCES: the system's policy. */
function notPermitted(settings: NamespaceSettings): string {
  if (settings.apparmorRestricts === '1') {
    return 'AppArmor takes all rights from user namespaces here (sysctl kernel.apparmor_restrict_unprivileged_userns=0 ends that, or a profile for node that allows "userns")';
  }
  if (settings.unprivilegedClone === '0') {
    return 'only root may make user namespaces here (sysctl kernel.unprivileged_userns_clone=1 changes that)';
  }
  if (settings.seccomp !== undefined && settings.seccomp !== '0') {
    return "a seccomp filter is in force, as in a container: start it with --security-opt seccomp=unconfined, or a profile that allows unshare and mount (Docker's default does not)";
  }
  return 'a security module (SELinux, AppArmor) or the container this runs in forbids it, or this process runs in a chroot';
}

/** ENOSPC, and EUSERS of older kernels: a limit. */
function exhausted(settings: NamespaceSettings): string {
  if (settings.mostUserNamespaces === '0') {
    return 'user namespaces are switched off (sysctl user.max_user_namespaces=15000 switches them on)';
  }
  if (settings.mostNetworkNamespaces === '0') {
    return 'network namespaces are switched off (sysctl user.max_net_namespaces=15000 switches them on)';
  }
  return `a limit is reached: of user namespaces ${settings.mostUserNamespaces ?? 'unknown'} are allowed, of network namespaces ${settings.mostNetworkNamespaces ?? 'unknown'}, each at most 32 deep; raise user.max_user_namespaces and user.max_net_namespaces, or end what holds them ("lsns -t user")`;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
