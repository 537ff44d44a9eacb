/** The state of a host for a bug report: no packet contents, and no addresses of anybody who talks through it. */

import { readdirSync } from 'node:fs';
import { arch, release, type } from 'node:os';
import type { DebugReport } from './control-protocol.ts';
import type { Host } from './host.ts';

/** Where Linux shows a process its descriptors. */
const DESCRIPTORS = '/proc/self/fd';

export function debugReport(host: Host): DebugReport {
  const { info, log, controlConnections, refusals } = host;
  const descriptors = countDescriptors();
  return {
    host: info,
    adapters: host.adapters.all.map(({ info: adapter, properties, statistics }) => ({
      ...adapter,
      properties,
      statistics,
    })),
    controlConnections,
    refusals: Object.fromEntries(refusals),
    memory: { ...process.memoryUsage() },
    ...(descriptors !== undefined && { descriptors }),
    system: { platform: type(), release: release(), arch: arch() },
    log: log.recent,
  };
}

function countDescriptors(): number | undefined {
  try {
    return readdirSync(DESCRIPTORS).length;
  } catch {
    return undefined;
  }
}
