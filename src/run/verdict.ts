/** Reads what a policy answers. */

import { types } from 'node:util';
import { parseAddress } from '../index.ts';
import type { Ends } from '../wire/readdress.ts';
import {
  type Flow,
  type FlowVerdict,
  MAX_DELAY_MS,
  type PacketVerdict,
  type Rewrite,
} from './policy.ts';

/** What becomes of a packet, as a number: dropped, passed on, or held back for that many ms. */
export const DROP = -1;
export const PASS = 0;

const MAX_PORT = 0xffff;

/** A flow's verdict, read. */
export interface ReadVerdict {
  /** {@link DROP}, {@link PASS}, or ms. */
  readonly fate: number;
  /** The ends that packets of the flow's own direction get; undefined when they stay. */
  readonly ends: Ends | undefined;
}

/** @throws TypeError or RangeError when it is no verdict, or one that does not fit the flow. */
export function readFlowVerdict(verdict: FlowVerdict, flow: Flow): ReadVerdict {
  if (verdict === 'allow') return { fate: PASS, ends: undefined };
  if (verdict === 'drop') return { fate: DROP, ends: undefined };
  if (typeof verdict !== 'object' || verdict === null) throw notAVerdict(verdict);
  const { delayMs, rewrite } = verdict;
  if (delayMs === undefined && rewrite === undefined) throw notAVerdict(verdict);
  return {
    fate: delayMs === undefined ? PASS : readDelay(delayMs),
    ends: rewrite === undefined ? undefined : endsOf(rewrite, flow),
  };
}

/** @throws TypeError or RangeError when it is no verdict. */
export function readPacketVerdict(verdict: PacketVerdict): number {
  if (verdict === 'allow') return PASS;
  if (verdict === 'drop') return DROP;
  if (typeof verdict !== 'object' || verdict === null) throw notAVerdict(verdict);
  const { delayMs } = verdict;
  if (delayMs === undefined) throw notAVerdict(verdict);
  return readDelay(delayMs);
}

function readDelay(delayMs: number): number {
  if (typeof delayMs === 'number' && delayMs >= 0 && delayMs <= MAX_DELAY_MS) return delayMs;
  throw new RangeError(`delayMs is ${String(delayMs)}; give a number from 0 to ${MAX_DELAY_MS}`);
}

function endsOf(rewrite: Rewrite, flow: Flow): Ends {
  const hasPorts = flow.protocol === 'tcp' || flow.protocol === 'udp';
  return {
    source: readAddress(rewrite.source ?? flow.source, flow),
    sourcePort: readPort(rewrite.sourcePort, flow.sourcePort, hasPorts),
    destination: readAddress(rewrite.destination ?? flow.destination, flow),
    destinationPort: readPort(rewrite.destinationPort, flow.destinationPort, hasPorts),
  };
}

function readAddress(text: string, flow: Flow): Uint8Array {
  const address = parseAddress(text);
  if (address.length === parseAddress(flow.source).length) return address;
  throw new TypeError(`${text} is no address of IPv${flow.version}, which the flow is of`);
}

function readPort(port: number | undefined, present: number, hasPorts: boolean): number {
  if (port === undefined) return present;
  if (!hasPorts) throw new TypeError('only TCP and UDP have ports that can be rewritten');
  if (Number.isInteger(port) && port > 0 && port <= MAX_PORT) return port;
  throw new RangeError(
    `the port ${String(port)} is none; give a whole number from 1 to ${MAX_PORT}`,
  );
}

function notAVerdict(verdict: unknown): TypeError {
  let shown = 'something';
  if (types.isPromise(verdict)) {
    shown = 'a promise';
    // Nobody waits for it, and its rejection is not to end the process: it is counted here already.
    void Promise.prototype.then.call(verdict, undefined, () => undefined);
  } else {
    try {
      shown = JSON.stringify(verdict) ?? String(verdict);
    } catch {
      // It does not let itself be shown.
    }
  }
  return new TypeError(
    `a policy answered ${shown}; answer 'allow', 'drop', { delayMs }, or for a flow { rewrite }`,
  );
}
