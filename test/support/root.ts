/** Why a test that uses the kernel's TUN, and the system's own tools, cannot run here, or false. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Commands that tests measure against, and the Debian packages that bring them. */
const PACKAGES = {
  ip: 'iproute2',
  ping: 'iputils-ping',
  iperf3: 'iperf3',
  curl: 'curl',
  zsh: 'zsh',
  fish: 'fish',
  man: 'man-db',
  script: 'bsdutils',
  python3: 'python3',
  tcpdump: 'tcpdump',
  tshark: 'tshark',
  capinfos: 'wireshark-common',
} as const;

export type Tool = keyof typeof PACKAGES;

/**
 * For `skip` of a test in network namespaces. `tools` are the commands it starts besides `ip`: one
 * that is missing would leave it waiting for a program that never began.
 */
export function rootSkip(...tools: readonly Tool[]): string | false {
  if (process.getuid?.() !== 0) return 'needs root: makes network namespaces and TUN devices';
  return toolSkip('ip', ...tools);
}

/** Why a test that starts these commands cannot run here, or false. */
export function toolSkip(...tools: readonly Tool[]): string | false {
  const missing = tools.find((tool) => !isInstalled(tool));
  if (missing === undefined) return false;
  return `needs the command "${missing}" (package ${PACKAGES[missing]})`;
}

function isInstalled(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
