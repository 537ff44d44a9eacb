/**
 * Where the packets of an adapter are looked at. Adapters belong to other processes: what all of them share is
 * their network interface. (A driver host that has the adapter will be asked first, here.)
 */

import { readdirSync, readFileSync } from 'node:fs';
import { captureInterface } from '../../index.ts';

/** Opens a capture of the adapter of that interface name. */
export const openCapture: typeof captureInterface = captureInterface;

const INTERFACES = '/sys/class/net';
/** The forms of a device's name, whose number is the interface index: `\\.\Device\WINTUN7`, `WINTUN7`, `7`. */
const DEVICE = /^(?:\\\\\.\\Device\\)?(?:WINTUN)?(\d{1,10})$/i;

/** The interface that a name means: an interface of that name, or that of the device. */
export function interfaceOf(name: string): string {
  const index = DEVICE.exec(name)?.[1];
  if (index === undefined) return name;
  try {
    const names = readdirSync(INTERFACES);
    if (names.includes(name)) return name;
    return names.find((one) => indexOf(one) === Number(index)) ?? name;
  } catch {
    return name;
  }
}

function indexOf(name: string): number {
  try {
    return Number(readFileSync(`${INTERFACES}/${name}/ifindex`, 'latin1'));
  } catch {
    return -1;
  }
}
