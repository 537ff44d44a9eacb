/** The TUN interfaces of this machine, whoever made them: what commands without a host look at. Linux. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelLink, type LinkKind, TunError, TunErrorCode } from '../../index.ts';
import { interfaceAddresses } from './addresses.ts';

/** One folder for each interface of the network namespace (Documentation/ABI/testing/sysfs-class-net). */
const INTERFACES = '/sys/class/net';
/** In `tun_flags` (linux/if_tun.h), and in `flags` (linux/if.h). */
const IFF_TUN = 0x0001;
const IFF_PERSIST = 0x0800;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_UP = 0x0001;
/** The original's path, or its last component, or the index alone. */
const DEVICE = /^(?:(?:\\\\\.\\Device\\)?WINTUN)?(0|[1-9][0-9]*)$/i;

/** A TUN interface as the system has it. */
export interface MachineInterface {
  readonly name: string;
  /** The interface index. */
  readonly luidIndex: number;
  readonly device: string;
  readonly link: 'linux';
  readonly mtu: number;
  readonly up: boolean;
  /** Whether the system says that a program has the device open. */
  readonly carrier: boolean;
  readonly addresses: readonly string[];
  readonly persist: boolean;
  readonly multiQueue: boolean;
  /** Who may open it without a right, by number. */
  readonly owner: number | null;
  readonly group: number | null;
}

/**
 * All of them, by name. `folder` is the system's, another one for tests.
 *
 * @throws TunError `UNSUPPORTED` on another system than Linux.
 */
export function machineInterfaces(
  folder: string = INTERFACES,
  system: LinkKind | undefined = kernelLink(),
): MachineInterface[] {
  if (system !== 'linux') throw elsewhere();
  if (!existsSync(folder)) return [];
  let addresses: Map<number, string[]> | undefined;
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const tun = number(folder, name, 'tun_flags');
      if (tun === undefined || (tun & IFF_TUN) === 0) return [];
      addresses ??= interfaceAddresses();
      const luidIndex = number(folder, name, 'ifindex') ?? 0;
      return [
        {
          name,
          luidIndex,
          device: `\\\\.\\Device\\WINTUN${luidIndex}`,
          link: 'linux' as const,
          mtu: number(folder, name, 'mtu') ?? 0,
          up: ((number(folder, name, 'flags') ?? 0) & IFF_UP) !== 0,
          carrier: number(folder, name, 'carrier') === 1,
          addresses: addresses.get(luidIndex) ?? [],
          persist: (tun & IFF_PERSIST) !== 0,
          multiQueue: (tun & IFF_MULTI_QUEUE) !== 0,
          owner: identity(folder, name, 'owner'),
          group: identity(folder, name, 'group'),
        },
      ];
    });
}

/**
 * The one of that name, or device as `\\.\Device\WINTUN7`, `WINTUN7` or `7`.
 *
 * @throws TunError `NOT_FOUND` saying which there are.
 */
export function findInterface(
  reference: string,
  among: readonly MachineInterface[] = machineInterfaces(),
): MachineInterface {
  const index = DEVICE.exec(reference)?.[1];
  const found =
    among.find(({ name }) => name === reference) ??
    among.find(({ luidIndex }) => String(luidIndex) === index);
  if (found !== undefined) return found;
  const names = among.map(({ name }) => name).join(', ');
  throw new TunError(
    TunErrorCode.NOT_FOUND,
    `no TUN interface of this machine is called ${reference}; ${names === '' ? 'there is none' : `there are ${names}`}: make one ("typetun adapter create NAME --persist"), or say where a host is that has it (--host PATH)`,
  );
}

function elsewhere(): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    'without a host this command looks at TUN interfaces of Linux, and this is another system; say where a host is (--host PATH)',
  );
}

/** What the kernel counted of an interface. `out` is what the system sent, as everywhere. */
export function interfaceStatistics(
  name: string,
  folder: string = INTERFACES,
): { readonly out: Direction; readonly in: Direction } {
  const direction = (prefix: 'tx' | 'rx'): Direction => {
    const count = (what: string): number =>
      number(join(folder, name), 'statistics', `${prefix}_${what}`) ?? 0;
    const [packets, octets] = [count('packets'), count('bytes')];
    return { packets, octets, errors: count('errors'), dropped: count('dropped') };
  };
  return { out: direction('tx'), in: direction('rx') };
}

export interface Direction {
  readonly packets: number;
  readonly octets: number;
  readonly errors: number;
  readonly dropped: number;
}

/** The kernel writes -1 of an owner that nobody is. */
function identity(folder: string, name: string, file: string): number | null {
  const id = number(folder, name, file) ?? -1;
  return id < 0 ? null : id;
}

/** Undefined where there is no such file, or it cannot be read: `carrier` of an interface that is down. */
function number(folder: string, name: string, file: string): number | undefined {
  try {
    return Number(readFileSync(join(folder, name, file), 'utf8'));
  } catch {
    return undefined;
  }
}
