/**
 * The frames of the device protocol. Pure bytes.
 *
 * ```
 *  0         4      5               8         12        16
 * +---------+------+---------------+---------+---------+------------------------- - -
 * | length  | type | 0    0    0   | tag     | value   | payload, `length` bytes
 * +---------+------+---------------+---------+---------+------------------------- - -
 * ```
 *
 * All numbers are little endian, on every machine; the size words of the bundle in the payload are in the
 * host's order.
 *
 * In words: docs/device-protocol.md.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { MAX_BUNDLE_BYTES } from '../limits.ts';

/** The version spoken here. */
export const DEVICE_PROTOCOL = 1;

export const FRAME_HEADER_BYTES = 16;
const TYPE = 4;
const ZEROS = 5;
const TAG = 8;
const VALUE = 12;

/** `TTUN`, as a little-endian number: the tag of the first frame of each side. */
export const DEVICE_MAGIC = 0x4e555454;

/** What a frame is. Odd: of the client. Even: of the host. */
export const FrameType = {
  HELLO: 1,
  WELCOME: 2,
  READ: 3,
  BUNDLE: 4,
  WRITE: 5,
  WRITTEN: 6,
  FAILED: 8,
  GOODBYE: 10,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Bytes of a HELLO's payload at most. */
export const MAX_HELLO_BYTES = 4096;
/** Bytes of what a host says in JSON, at most. */
const MAX_TEXT_BYTES = 65_536;
/** READs of one client that may wait at once. */
export const MAX_WAITING_READS = 64;

/** Bytes of payload at most, by type of frame: of those that a side takes. */
export type PayloadLimits = Readonly<Partial<Record<number, number>>>;

/** What a host takes. */
export const CLIENT_FRAMES: PayloadLimits = {
  [FrameType.HELLO]: MAX_HELLO_BYTES,
  [FrameType.READ]: 0,
  [FrameType.WRITE]: MAX_BUNDLE_BYTES,
};

/** What a client takes. */
export const HOST_FRAMES: PayloadLimits = {
  [FrameType.WELCOME]: MAX_TEXT_BYTES,
  [FrameType.BUNDLE]: MAX_BUNDLE_BYTES,
  [FrameType.WRITTEN]: 0,
  [FrameType.FAILED]: MAX_TEXT_BYTES,
  [FrameType.GOODBYE]: MAX_TEXT_BYTES,
};

/** What a client says of itself in HELLO. */
export interface Hello {
  readonly role?: 'packets' | 'descriptor';
  /** What it is called in lists of clients. */
  readonly client?: string;
}

/** What a host says of the device in WELCOME. */
export interface Welcome {
  readonly device: string;
  readonly adapter: string;
  readonly mtu: number;
  readonly byteOrder: 'little' | 'big';
  readonly offload: 'split' | 'carry' | 'off';
  readonly maxPackets: number;
  readonly maxPacketBytes: number;
  readonly maxBundleBytes: number;
  readonly maxReads: number;
  readonly host: string;
  /** Of the role `descriptor`: how packets pass through it. */
  readonly descriptor?: { readonly headers: boolean };
}

/** Why something failed: the payload of FAILED and GOODBYE. */
export interface Failure {
  /** A value of `TunErrorCode`. */
  readonly code: string;
  readonly message: string;
}

/** Writes the header of a frame at the start of `frame`. */
export function writeFrameHeader(
  frame: Uint8Array,
  type: FrameType,
  tag: number,
  value: number,
  payloadBytes: number,
): void {
  const view = viewOf(frame);
  view.setUint32(0, payloadBytes, true);
  view.setUint32(TYPE, type, true);
  view.setUint32(TAG, tag, true);
  view.setUint32(VALUE, value, true);
}

/** A whole frame, in memory of its own. */
export function encodeFrame(
  type: FrameType,
  tag: number,
  value: number,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(frame, type, tag, value, payload.length);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** A frame whose payload is JSON. */
export function encodeText(
  type: FrameType,
  tag: number,
  value: number,
  content: Hello | Welcome | Failure,
): Uint8Array {
  return encodeFrame(type, tag, value, new TextEncoder().encode(JSON.stringify(content)));
}

/**
 * The object in a payload.
 *
 * @throws TunError `PROTOCOL` when it is none.
 */
export function decodeText(payload: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
      return content as Readonly<Record<string, unknown>>;
    }
  } catch {
    // Said below.
  }
  throw protocolError('the payload is no JSON object in UTF-8');
}

/** The header of a frame that has arrived. */
export interface FrameHeader {
  readonly type: number;
  readonly tag: number;
  readonly value: number;
  readonly payloadBytes: number;
}

/**
 * Reads the header at `offset`; the caller has checked the room.
 *
 * @throws TunError `PROTOCOL` for a type that is not in `limits`, a payload too long for it, or zeros that are none.
 */
export function readFrameHeader(
  bytes: Uint8Array,
  offset: number,
  limits: PayloadLimits,
): FrameHeader {
  const view = viewOf(bytes);
  const payloadBytes = view.getUint32(offset, true);
  const type = bytes[offset + TYPE]!;
  const most = limits[type];
  if (most === undefined) {
    throw protocolError(`a frame of type ${type} does not belong here; there are ${types(limits)}`);
  }
  if (payloadBytes > most) {
    throw protocolError(
      `a frame of type ${type} says that its payload has ${payloadBytes} bytes; it has at most ${most}`,
    );
  }
  for (let at = offset + ZEROS; at < offset + TAG; at++) {
    if (bytes[at] === 0) continue;
    throw protocolError(`byte ${at - offset} of a frame's header is ${bytes[at]}; it must be zero`);
  }
  const tag = view.getUint32(offset + TAG, true);
  const value = view.getUint32(offset + VALUE, true);
  return { type, tag, value, payloadBytes };
}

/** The peer does not keep to the protocol. */
export function protocolError(what: string): TunError {
  return new TunError(TunErrorCode.PROTOCOL, `${what} (docs/device-protocol.md)`);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function types(limits: PayloadLimits): string {
  return Object.entries(FrameType)
    .filter(([, type]) => limits[type] !== undefined)
    .map(([name, type]) => `${type} (${name})`)
    .join(', ');
}
