/**
 * A new adapter has no IP interface at once: Windows makes one for each family when it comes to it, and
 * for IPv6 none at all where that is disabled.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { TunError, TunErrorCode } from '../../errors.ts';
import type { IpHelper } from '../../os/ip-helper.ts';
import { WinError } from '../../os/win32.ts';
import { Family, interfaceRow } from './ip-rows.ts';
import { configurationError } from './refusals.ts';

/** How long the first family is waited for, how much longer the other, and how often they are looked for. */
const PATIENCE_MS = 10_000;
const SECOND_FAMILY_MS = 1000;
const LOOK_EVERY_MS = 10;

/**
 * Resolves to the families the interface has, IPv4 first, once both are there or one has been there
 * alone for a second.
 *
 * @throws TunError `CONFIGURATION` when there is none after ten seconds.
 */
export async function waitForRows(helper: IpHelper, luid: bigint): Promise<readonly Family[]> {
  let deadline = performance.now() + PATIENCE_MS;
  let before = 0;
  for (;;) {
    const families = [Family.IPV4, Family.IPV6].filter((family) => exists(helper, luid, family));
    if (families.length > 1) return families;
    if (families.length > before) deadline = performance.now() + SECOND_FAMILY_MS;
    before = families.length;
    if (performance.now() >= deadline) {
      if (families.length > 0) return families;
      throw new TunError(
        TunErrorCode.CONFIGURATION,
        `Windows made no IP interface for the adapter within ${PATIENCE_MS} ms; is the TCP/IP protocol bound to it?`,
      );
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function exists(helper: IpHelper, luid: bigint, family: Family): boolean {
  const errno = helper.call('getIpInterface', interfaceRow(luid, family));
  if (errno === WinError.SUCCESS) return true;
  if (errno === WinError.NOT_FOUND || errno === WinError.FILE_NOT_FOUND) return false;
  throw configurationError('reading the interface', 'GetIpInterfaceEntry', errno);
}
