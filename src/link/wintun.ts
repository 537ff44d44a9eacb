/** What can be asked and done about Windows' driver besides opening a link on it. */

import type { WintunAdapter, WintunDll, WintunOptions } from './link.ts';
import { requireWindows } from './open.ts';
import type * as Driver from './windows/driver.ts';

/**
 * The version of the Wintun driver that runs, such as `0.14`; undefined while none does, which is so
 * until the first adapter is made.
 *
 * @throws TunError `UNSUPPORTED` on another system; as for an adapter when the DLL cannot be loaded.
 */
export async function wintunDriverVersion(
  options: WintunOptions = {},
): Promise<string | undefined> {
  return (await driver()).driverVersion(options);
}

/**
 * Takes the Wintun driver off this machine; the next adapter installs it again.
 *
 * @throws TunError `INVALID_STATE` while there are adapters, of whatever program; `NO_PRIVILEGE`;
 * otherwise as {@link wintunDriverVersion}.
 */
export async function deleteWintunDriver(options: WintunOptions = {}): Promise<void> {
  (await driver()).deleteDriver(options);
}

/**
 * The Wintun adapters of this machine, of whatever program. One is removed by the program that made it,
 * when it closes it or ends; Wintun lets nobody remove another's.
 *
 * @throws TunError `UNSUPPORTED` on another system.
 */
export async function listWintunAdapters(): Promise<WintunAdapter[]> {
  return (await driver()).listAdapters();
}

/**
 * Looks at the DLL an adapter would load, and loads nothing: where it is and who signed it.
 *
 * @throws TunError `NO_DRIVER`, `DRIVER_UNTRUSTED` as an adapter would; `UNSUPPORTED` on another system.
 */
export async function inspectWintun(options: WintunOptions = {}): Promise<WintunDll> {
  return (await driver()).inspectDll(options);
}

async function driver(): Promise<typeof Driver> {
  requireWindows();
  return import('./windows/driver.ts');
}
