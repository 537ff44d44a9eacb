/** Where the socket of a device is. */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { ControlClient } from './control-client.ts';
import { knownRunDirectories } from './run-directory.ts';

const DEVICE = /^(?:(?:\\\\\.\\Device\\)?WINTUN)?(0|[1-9][0-9]*)$/i;

/**
 * The path of the socket of a device: of `\\.\Device\WINTUN7`, `WINTUN7` or `7`, in the run directory, by default the
 * first known one that has it; of the name of an adapter, which the host is asked for. A path is what it is.
 *
 * Rejects with TunError `NO_HOST`, `NOT_FOUND`, `NO_PRIVILEGE`.
 */
export async function locateDevice(
  device: string,
  runDirectory: string | undefined,
): Promise<string> {
  if (device.includes('/')) return device;
  const index = DEVICE.exec(device)?.[1];
  if (index !== undefined) {
    const folders = runDirectory === undefined ? knownRunDirectories() : [runDirectory];
    const paths = folders.map((folder) => join(folder, `WINTUN${index}`));
    return paths.find((path) => lstatSync(path, { throwIfNoEntry: false })) ?? paths[0]!;
  }
  await using control = await ControlClient.connect({ runDirectory });
  const { socket } = await control.call('adapter.show', { adapter: device });
  return socket;
}
