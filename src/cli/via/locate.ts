/** Where a command works: on the host that runs, or in this process. */

import { basename, dirname } from 'node:path';
import { isTunError, TunError, TunErrorCode } from '../../index.ts';
import type { ControlClient } from '../../service.ts';
import { HOST_VARIABLE, type ViaOptions } from './options.ts';

/** On a host. */
export interface HostVia {
  readonly via: 'host';
  readonly control: ControlClient;
}

/** In this process. */
export interface ProcessVia {
  readonly via: 'process';
  /** Why not on a host, for a person. */
  readonly reason: string;
}

export type Via = HostVia | ProcessVia;

/**
 * Connects to the host that is meant. One that was named (`--host`, TYPETUN_HOST) must be there.
 *
 * Rejects with TunError `NO_HOST` when it is not, `NO_PRIVILEGE` where this user may not connect.
 */
export async function locate(
  { host }: ViaOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Via> {
  if (host === false) return { via: 'process', reason: '--no-host' };
  const { CONTROL_SOCKET, ControlClient } = await import('../../service.ts');
  const named = host ?? (environment[HOST_VARIABLE] || undefined);
  const runDirectory =
    named !== undefined && basename(named) === CONTROL_SOCKET ? dirname(named) : named;
  try {
    return { via: 'host', control: await ControlClient.connect({ runDirectory }) };
  } catch (error) {
    if (isTunError(error, TunErrorCode.NO_HOST)) {
      if (named === undefined) return { via: 'process', reason: 'no host runs' };
      throw unanswered(named, host === undefined);
    }
    throw error;
  }
}

function unanswered(path: string, fromEnvironment: boolean): TunError {
  const said = fromEnvironment ? HOST_VARIABLE : '--host';
  return new TunError(
    TunErrorCode.NO_HOST,
    `no host answers at ${path}, where ${said} says; start one ("typetun serve"), or work without (--no-host)`,
  );
}

/**
 * The host, for what only one can do.
 *
 * @throws TunError `NO_HOST` saying why, and how to get one.
 */
export function requireHost(via: Via, what: string): ControlClient {
  if (via.via === 'host') return via.control;
  throw new TunError(
    TunErrorCode.NO_HOST,
    `${what}, and this is without one (${via.reason}); start one ("typetun serve"), or say where it is (--host PATH)`,
  );
}

/** One line that says where, for a person. */
export function describeVia(via: Via): string {
  return via.via === 'host'
    ? `on the host at ${via.control.runDirectory}`
    : `in this process (${via.reason})`;
}
