/** What a policy is: a module, or an object, that says what may pass. */

import { messageOf } from '../errors.ts';
import { TunError, TunErrorCode } from '../index.ts';

/** A flow, as its first packet shows it. */
export interface Flow {
  readonly version: 4 | 6;
  /** `tcp`, `udp`, `icmp` (of either family), or the protocol's number. */
  readonly protocol: 'tcp' | 'udp' | 'icmp' | number;
  readonly source: string;
  /** Of TCP and UDP; of an ICMP echo both ports are its identifier; else 0. */
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  /** `out`: the command began it; `in`: the far side did. */
  readonly direction: 'out' | 'in';
}

/** Other ends for a flow. What is left out stays. Ports only of TCP and UDP. */
export interface Rewrite {
  readonly source?: string;
  readonly sourcePort?: number;
  readonly destination?: string;
  readonly destinationPort?: number;
}

/**
 * What becomes of a flow, in both directions:
 * - `allow`, `drop`;
 * - `delayMs`: each of its packets is held back for that long, up to 60,000;
 * - `rewrite`: the packets of the flow's direction get other ends, and those that answer get the
 *   original ones back; checksums are mended.
 */
export type FlowVerdict =
  | 'allow'
  | 'drop'
  | { readonly delayMs?: number; readonly rewrite?: Rewrite };

/** What becomes of a packet. */
export type PacketVerdict = 'allow' | 'drop' | { readonly delayMs: number };

/**
 * Asked by `PolicyFilter`. What throws, or answers with anything else, has its flow dropped and counted.
 *
 * An ICMP error about an allowed flow passes with it, and `flow` is not asked: one that goes to the address
 * that the quoted packet came from and, away from the command, comes from the one it went to. Any other is of
 * a flow of its own. Whether the quoted packet was ever sent is not known, and what else the error carries
 * not looked at: with the flow's other end the command can so exchange up to a packetful by ICMP, whatever
 * the flow's protocol. A policy for which that is too much looks at each with `packet`.
 */
export interface Policy {
  /** Called once for each new flow; without it every flow is allowed. */
  flow?(flow: Flow): FlowVerdict;
  /**
   * Called for every packet of a flow that is allowed, as the command sees it: `size` bytes at `offset`
   * of `bytes`, valid until it returns. It may change them in place, but not their number; checksums are
   * then its own to mend (`checksum` of typetun). Among them are ICMP errors about the flow, and the later
   * fragments of a datagram, which have no ports: those are only asked about when the first one passed,
   * and are held back at least as long.
   */
  packet?(
    bytes: Uint8Array,
    offset: number,
    size: number,
    flow: Flow,
    direction: 'out' | 'in',
  ): PacketVerdict;
}

/** Longest delay, in ms: what waits longer no protocol waits for. */
export const MAX_DELAY_MS = 60_000;

const TYPESCRIPT = /\.[mc]?ts$/;
const JAVASCRIPT = /\.[mc]?js$/;

/**
 * Loads a policy: a module that exports `flow`, `packet`, or both.
 *
 * @param url Of the module. TypeScript where this Node strips types.
 * @throws TunError `POLICY` when it does not load, exports neither, or is of a kind that cannot be loaded.
 */
export async function loadPolicy(url: URL): Promise<Policy> {
  const path = url.pathname;
  if (TYPESCRIPT.test(path) && !stripsTypes()) {
    throw policyError(
      `${path} is TypeScript, and Node ${process.version} strips no types; compile it and give the .js, or run Node 22.18 or later`,
    );
  }
  if (!TYPESCRIPT.test(path) && !JAVASCRIPT.test(path)) {
    throw policyError(`${path} is no module; give a file that ends in .js, .mjs or .ts`);
  }
  let module: Partial<Record<string, unknown>>;
  try {
    module = (await import(url.href)) as Partial<Record<string, unknown>>;
  } catch (cause) {
    throw policyError(`the policy ${path} does not load: ${messageOf(cause)}`, cause);
  }
  const { flow, packet } = module;
  for (const [name, member] of Object.entries({ flow, packet })) {
    if (member !== undefined && typeof member !== 'function') {
      throw policyError(
        `the policy ${path} exports "${name}" as ${typeof member}; make it a function`,
      );
    }
  }
  if (flow === undefined && packet === undefined) {
    throw policyError(
      `the policy ${path} exports neither "flow" nor "packet"; export a function of that name`,
    );
  }
  return {
    ...(flow !== undefined && { flow }),
    ...(packet !== undefined && { packet }),
  } as Policy;
}

/** Whether this Node runs TypeScript by itself. */
function stripsTypes(): boolean {
  const { typescript } = process.features as { readonly typescript?: unknown };
  return typescript !== undefined && typescript !== false;
}

function policyError(message: string, cause?: unknown): TunError {
  return new TunError(TunErrorCode.POLICY, message, { cause });
}
