/** Why a test that uses the kernel's TUN cannot run here, or false. */

import { execFileSync } from 'node:child_process';

export function rootSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root: makes network namespaces and TUN devices';
  try {
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' });
  } catch {
    return 'needs the command "ip" (package iproute2)';
  }
  return false;
}
