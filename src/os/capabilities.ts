/**
 * What this process may do, as the kernel says it.
 *
 * Source: capabilities(7), proc(5); numbers from linux/capability.h.
 */

import { readFileSync } from 'node:fs';

/** Numbers of capabilities. */
export const Capability = { NET_ADMIN: 12, SYS_ADMIN: 21 } as const;
export type Capability = (typeof Capability)[keyof typeof Capability];

/** Whether the capability is effective in the namespace this process is in; undefined where none can tell. */
export function hasCapability(capability: Capability): boolean | undefined {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(processStatus())?.[1];
  if (effective === undefined) return undefined;
  return ((BigInt(`0x${effective}`) >> BigInt(capability)) & 1n) === 1n;
}

function processStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return '';
  }
}
