/** What this machine and this user allow, one fact at a time. Nothing is changed for good. */

import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Adapter, isTunError, kernelLink, TunErrorCode } from '../../index.ts';
import { ffi } from '../../os/ffi.ts';
import { watchSystemSleep } from '../../os/system-sleep.ts';
import { threadWriteRing } from '../../os/write-ring.ts';
import { describeError } from '../errors.ts';
import { type Finding, missing } from './finding.ts';
import { macosFindings } from './macos.ts';
import { persistentInterfaces } from './persistent.ts';
import { unprivilegedLink } from './rootless.ts';
import { windowsFindings } from './windows.ts';

const TUN_DEVICE = '/dev/net/tun';
/** Capabilities (linux/capability.h), as bits of CapEff in /proc/self/status. */
const CAP_NET_ADMIN = 1n << 12n;
const CAP_NET_RAW = 1n << 13n;
/** A bus answers in a few ms; one that does not is as good as none to adapters too. */
const BUS_WAIT_MS = 2000;
/** The oldest Node the package runs on (package.json, engines). */
const OLDEST_NODE = [20, 19] as const;

/** Makes all checks, in the order a reader wants them. */
export async function findings(): Promise<Finding[]> {
  const kernel = kernelLink();
  if (kernel === 'windows' || kernel === 'macos') {
    const own = kernel === 'windows' ? await windowsFindings() : macosFindings();
    return [node(), ffiPackage(), ...own, await ownLink(`link-${kernel}`), await memoryLink()];
  }
  return [
    node(),
    ffiPackage(),
    tunDevice(),
    netAdmin(),
    persistentInterfaces(),
    ioUring(),
    ipv6(),
    pingGroups(),
    userNamespaces(),
    reversePath(),
    await systemSleep(),
    await ownLink('link-linux'),
    await unprivilegedLink('rootless'),
    await unprivilegedLink('veth'),
    await memoryLink(),
  ];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const detail = `${process.version} on ${process.arch}`;
  const wanted = OLDEST_NODE.join('.');
  return ok
    ? { name: 'node', ok, detail }
    : { name: 'node', ok, detail, remedy: `install Node.js ${wanted} or later` };
}

function ffiPackage(): Finding {
  try {
    ffi();
    return { name: 'ffi', ok: true, detail: 'the package koffi loads' };
  } catch (error) {
    const detail = describeError(error);
    return { name: 'ffi', ok: false, detail, remedy: 'npm install koffi' };
  }
}

function ioUring(): Finding {
  const name = 'io-uring';
  try {
    threadWriteRing(true);
    return { name, ok: true, detail: 'the packets of a bundle are written with one system call' };
  } catch (error) {
    // Slower, and nothing else: no fault.
    return { name, ok: undefined, detail: describeError(error) };
  }
}

function tunDevice(): Finding {
  const name = 'tun-device';
  try {
    closeSync(openSync(TUN_DEVICE, 'r+'));
    return { name, ok: true, detail: `${TUN_DEVICE} opens` };
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return {
      name,
      ok: false,
      detail: absent ? `${TUN_DEVICE} does not exist` : `${TUN_DEVICE} may not be opened`,
      remedy: absent
        ? 'modprobe tun; in a container, --device /dev/net/tun'
        : `run as root, or let users open it: chmod 0666 ${TUN_DEVICE} (as many systems have it; making a device still takes CAP_NET_ADMIN)`,
    };
  }
}

function netAdmin(): Finding {
  const name = 'net-admin';
  const ok = hasCapability(CAP_NET_ADMIN);
  if (ok === undefined) return { name, ok, detail: 'this system has no capabilities' };
  return ok
    ? { name, ok, detail: 'CAP_NET_ADMIN is effective' }
    : {
        name,
        ok,
        detail: 'CAP_NET_ADMIN is not effective',
        remedy:
          'run as root, or setcap cap_net_admin+ep on a copy of the node binary that only you may run: whoever runs it has the right',
      };
}

/** Undefined on a system without capabilities. */
function hasCapability(bit: bigint): boolean | undefined {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  return effective === undefined ? undefined : (BigInt(`0x${effective}`) & bit) !== 0n;
}

function ipv6(): Finding {
  const name = 'ipv6';
  const off = read('/proc/sys/net/ipv6/conf/default/disable_ipv6') !== '0';
  return off
    ? {
        name,
        ok: false,
        detail: 'IPv6 is disabled for new interfaces',
        remedy: 'sysctl net.ipv6.conf.default.disable_ipv6=0',
      }
    : { name, ok: true, detail: 'IPv6 is enabled for new interfaces' };
}

function pingGroups(): Finding {
  const name = 'ping';
  if (hasCapability(CAP_NET_RAW)) {
    return { name, ok: true, detail: 'CAP_NET_RAW is effective: ICMP sockets may be opened' };
  }
  const range = read('/proc/sys/net/ipv4/ping_group_range')?.split(/\s+/).map(Number) ?? [1, 0];
  const [from = 1, to = 0] = range;
  const group = process.getgid?.() ?? -1;
  const ok = group >= from && group <= to;
  // The kernel's default, "1 0", is a range with nothing in it.
  const allowed = from > to ? 'nobody' : `groups ${from} to ${to} alone`;
  return {
    name,
    ok: ok || undefined,
    detail: ok
      ? `group ${group} may open ICMP sockets without privileges`
      : `ICMP sockets take CAP_NET_RAW: ping_group_range lets ${allowed} open them without`,
    ...(ok ? {} : { remedy: `sysctl net.ipv4.ping_group_range="0 2147483647"` }),
  };
}

function userNamespaces(): Finding {
  const most = Number(read('/proc/sys/user/max_user_namespaces') ?? 0);
  return {
    name: 'user-namespaces',
    ok: undefined,
    detail:
      most > 0
        ? `up to ${most} user namespaces, in which commands run without privileges`
        : 'no user namespaces',
    ...(most > 0 ? {} : { remedy: 'sysctl user.max_user_namespaces=15000' }),
  };
}

function reversePath(): Finding {
  const filter = Math.max(
    Number(read('/proc/sys/net/ipv4/conf/all/rp_filter') ?? 0),
    Number(read('/proc/sys/net/ipv4/conf/default/rp_filter') ?? 0),
  );
  const words = ['off', 'strict', 'loose'][filter] ?? String(filter);
  return {
    name: 'rp-filter',
    ok: undefined,
    detail: `reverse path filtering of new interfaces is ${words}`,
    ...(words === 'strict'
      ? { remedy: 'if packets vanish: sysctl net.ipv4.conf.all.rp_filter=2' }
      : {}),
  };
}

async function systemSleep(): Promise<Finding> {
  using watch = watchSystemSleep(() => undefined);
  // Of the two only the timer keeps the process until the answer is there.
  const waited = new AbortController();
  const { signal } = waited;
  const heard = await Promise.race([watch.available, sleep(BUS_WAIT_MS, false, { signal })]);
  waited.abort();
  return {
    name: 'system-sleep',
    ok: heard || undefined,
    detail: heard
      ? 'logind tells when the machine sleeps: adapters lower their power'
      : 'no logind on the system bus: adapters do not notice when the machine sleeps',
  };
}

/** The proof: an adapter on the kernel's link, made and removed. */
async function ownLink(name: string): Promise<Finding> {
  try {
    const adapter = await Adapter.create();
    const detail = `an adapter was made (${adapter.name}) and removed`;
    await adapter.close();
    return { name, ok: true, detail };
  } catch (error) {
    const detail = describeError(error);
    if (isTunError(error, TunErrorCode.UNSUPPORTED)) return { name, ok: undefined, detail };
    return isTunError(error) ? missing(name, error.message, error.code) : missing(name, detail);
  }
}

async function memoryLink(): Promise<Finding> {
  await using adapter = await Adapter.create({ link: 'memory' });
  return {
    name: 'link-memory',
    ok: adapter.state === 'Running',
    detail: 'the in-process link works, without privileges',
  };
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}
