/** What a host says of itself. */

import { kernelLink, VERSION } from '../index.ts';
import type { AdapterSet } from './adapter-set.ts';
import { CONTROL_PROTOCOL, type HostInfo } from './control-protocol.ts';

const MS_PER_SECOND = 1000;

/** What only the host knows. */
export interface HostParts {
  readonly adapters: AdapterSet;
  readonly runDirectory: string;
  readonly config: string | undefined;
  /** In ms since 1970. */
  readonly startedAt: number;
}

export function hostInfo({ adapters, runDirectory, config, startedAt }: HostParts): HostInfo {
  const uid = process.getuid?.();
  const link = kernelLink();
  return {
    version: VERSION,
    protocol: CONTROL_PROTOCOL,
    pid: process.pid,
    ...(uid !== undefined && { uid }),
    runDirectory,
    config: config ?? null,
    startedAt: new Date(startedAt).toISOString(),
    uptimeSeconds: (Date.now() - startedAt) / MS_PER_SECOND,
    ...(link !== undefined && { kernelLink: link }),
    node: process.version,
    adapters: adapters.size,
    clients: adapters.all.reduce((sum, { clients }) => sum + clients.length, 0),
  };
}
