/**
 * What the two sides of a hand-over say to each other. Pure bytes.
 *
 * ```
 *  0                8           12
 * +----------------+-----------+- - - - - - - - - - -+
 * | "typetun1"     | length    | JSON, `length` bytes |
 * +----------------+-----------+- - - - - - - - - - -+
 * ```
 *
 * The length is big-endian. The sender's `offer` comes with the descriptors; the receiver answers `ready` once
 * it has an adapter on them, or `refuse`; after `ready` the sender lets go of its own, and says `go`.
 */

import { checkHandedOver, type HandedOver } from '../adapter/handed-over.ts';
import { TunError, TunErrorCode } from '../errors.ts';

export const HEADER_BYTES = 12;

const MAGIC = 'typetun1';
const LENGTH_OFFSET = 8;
/** A description of one adapter takes some hundred bytes. */
const MAX_BODY_BYTES = 0x10000;
const CONTROL_CHARACTERS = /\p{Cc}/gu;

export type PassingMessage =
  | { readonly type: 'offer'; readonly adapter: HandedOver }
  | { readonly type: 'ready' }
  | { readonly type: 'go' }
  | { readonly type: 'refuse'; readonly why: string };

export function encodeMessage(message: PassingMessage): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  bytes.set(new TextEncoder().encode(MAGIC));
  new DataView(bytes.buffer).setUint32(LENGTH_OFFSET, body.length);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/**
 * Bytes of the body behind a header of {@link HEADER_BYTES}.
 *
 * @throws TunError `HANDOVER` when it is none.
 */
export function bodyBytes(header: Uint8Array): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const length = view.getUint32(LENGTH_OFFSET);
  const magic = Array.from(MAGIC, (letter) => letter.charCodeAt(0));
  if (!magic.every((byte, i) => header[i] === byte)) {
    throw strange('it does not begin as a message of this version of typetun');
  }
  if (length === 0 || length > MAX_BODY_BYTES) throw strange(`it has ${length} bytes`);
  return length;
}

/** @throws TunError `HANDOVER` when it is no message, or one that describes no adapter. */
export function decodeBody(body: Uint8Array): PassingMessage {
  const message = parse(body);
  switch (message?.['type']) {
    case 'ready':
    case 'go':
      return { type: message['type'] };
    case 'refuse':
      return { type: 'refuse', why: checkReason(message['why']) };
    case 'offer':
      return { type: 'offer', adapter: checkAdapter(message['adapter']) };
    default:
      throw strange('it is of no kind there is');
  }
}

function parse(body: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null;
  } catch (cause) {
    throw strange('it is no JSON', cause);
  }
}

/** A reason to show: in one line, and without what a terminal would obey. */
function checkReason(why: unknown): string {
  if (typeof why !== 'string') throw strange(`its reason is ${why === null ? 'null' : typeof why}`);
  return why.replace(CONTROL_CHARACTERS, ' ');
}

function checkAdapter(value: unknown): HandedOver {
  try {
    return checkHandedOver(value as HandedOver);
  } catch (cause) {
    throw strange(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function strange(what: string, cause?: unknown): TunError {
  return new TunError(
    TunErrorCode.HANDOVER,
    `what the peer sent cannot be used: ${what}; is it a typetun, and at the right end?`,
    { cause },
  );
}
