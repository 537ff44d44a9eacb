/**
 * Property requests by OID, byte for byte as an NDIS tool would make them: values in the host's byte
 * order, a buffer that is too short refused with the bytes needed.
 *
 * Source: docs/driver-contract.md, section 6.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { LINK_SPEED_BPS, MAX_PACKET_BYTES, VENDOR_ID } from '../limits.ts';
import { DRIVER_VERSION } from '../version.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { Oid } from './oid.ts';
import { RECEIVE_BUFFER_SPACE, TRANSMIT_BUFFER_SPACE } from './properties.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { MediaState, PowerState } from './state.ts';
import type { AdapterStatistics } from './statistics.ts';

const WORD_BYTES = 4;
const DOUBLE_WORD_BYTES = 8;
/** `NdisMediumIP`: layer 3 (ntddndis.h, NDIS_MEDIUM). */
const NDIS_MEDIUM_IP = 19;
/** `NdisHardwareStatusReady`. */
const HARDWARE_READY = 0;
/** `NdisMediaStateConnected`, `NdisMediaStateDisconnected`. */
const MEDIA_CONNECTED = 0;
const MEDIA_DISCONNECTED = 1;
/** OID_GEN_LINK_SPEED counts in units of 100 bit/s. */
const LINK_SPEED_UNIT = 100;
/** The number a driver names in OID_GEN_DRIVER_VERSION: the NDIS version it follows, 6.30. */
const NDIS_VERSION = 0x061e;
const VENDOR_DESCRIPTION = 'typetun\0';
/** `NdisDeviceStateD0` is 1, D1 2, and so on (ntddndis.h, NDIS_DEVICE_POWER_STATE). */
const POWER_BY_NUMBER: readonly (PowerState | undefined)[] = [
  undefined,
  PowerState.D0,
  PowerState.D1,
  PowerState.D2,
  PowerState.D3,
];

/** What answering a request takes. */
export interface InformationSource {
  readonly shared: SharedAdapter;
  statistics(): AdapterStatistics;
}

/**
 * Answers a query into `buffer` and returns the bytes written.
 *
 * @throws TunError `OID_NOT_SUPPORTED`, `OID_TOO_SHORT` with `bytesNeeded`.
 */
export function queryInformation(
  source: InformationSource,
  oid: number,
  buffer: Uint8Array,
): number {
  const value = answer(source, oid);
  if (value === undefined) throw notSupported(oid);
  const bytes = encode(value);
  if (buffer.byteLength < bytes.byteLength) throw tooShort(oid, buffer, bytes.byteLength);
  buffer.set(bytes);
  return bytes.byteLength;
}

/**
 * Applies a set request. Power is returned, for the caller to set; undefined for all others.
 *
 * @throws TunError `OID_NOT_SUPPORTED`, `OID_TOO_SHORT`, `OID_INVALID_DATA`.
 */
export function setInformation(
  shared: SharedAdapter,
  oid: number,
  data: Uint8Array,
): PowerState | undefined {
  switch (oid) {
    case Oid.GEN_CURRENT_PACKET_FILTER:
      shared.packetFilter = exactWord(oid, data);
      return undefined;
    case Oid.GEN_CURRENT_LOOKAHEAD:
      shared.lookahead = exactWord(oid, data);
      return undefined;
    case Oid.GEN_LINK_PARAMETERS:
      // Accepted and without effect: the link's speed is not ours to change.
      return undefined;
    case Oid.GEN_INTERRUPT_MODERATION:
      throw invalid(oid, 'there are no interrupts to moderate');
    case Oid.PNP_SET_POWER: {
      const power = POWER_BY_NUMBER[exactWord(oid, data)];
      if (power === undefined) throw invalid(oid, 'give 1 (D0) to 4 (D3)');
      return power;
    }
    default:
      throw notSupported(oid);
  }
}

/** A value by its width: words as numbers, 64-bit values as bigint, lists, text. */
type Value = number | bigint | readonly number[] | string;

function answer({ shared, statistics }: InformationSource, oid: number): Value | undefined {
  switch (oid) {
    case Oid.GEN_SUPPORTED_LIST:
      return Object.values(Oid);
    case Oid.GEN_HARDWARE_STATUS:
      return HARDWARE_READY;
    case Oid.GEN_MEDIA_SUPPORTED:
    case Oid.GEN_MEDIA_IN_USE:
      return NDIS_MEDIUM_IP;
    case Oid.GEN_MAXIMUM_LOOKAHEAD:
    case Oid.GEN_MAXIMUM_FRAME_SIZE:
    case Oid.GEN_MAXIMUM_TOTAL_SIZE:
      return MAX_PACKET_BYTES;
    case Oid.GEN_LINK_SPEED:
      return LINK_SPEED_BPS / LINK_SPEED_UNIT;
    case Oid.GEN_TRANSMIT_BUFFER_SPACE:
      return TRANSMIT_BUFFER_SPACE;
    case Oid.GEN_RECEIVE_BUFFER_SPACE:
      return RECEIVE_BUFFER_SPACE;
    case Oid.GEN_VENDOR_ID:
      return VENDOR_ID;
    case Oid.GEN_VENDOR_DESCRIPTION:
      return VENDOR_DESCRIPTION;
    case Oid.GEN_CURRENT_PACKET_FILTER:
      return shared.packetFilter;
    case Oid.GEN_CURRENT_LOOKAHEAD:
      return shared.lookahead;
    case Oid.GEN_DRIVER_VERSION:
      return NDIS_VERSION;
    case Oid.GEN_VENDOR_DRIVER_VERSION:
      return DRIVER_VERSION;
    case Oid.GEN_MEDIA_CONNECT_STATUS:
      return shared.media === MediaState.CONNECTED ? MEDIA_CONNECTED : MEDIA_DISCONNECTED;
    default:
      return count(statistics, oid);
  }
}

function count(statistics: () => AdapterStatistics, oid: number): bigint | undefined {
  switch (oid) {
    case Oid.GEN_XMIT_OK:
      return BigInt(statistics().bundles.packetsRead);
    case Oid.GEN_RCV_OK:
      return BigInt(statistics().bundles.packetsWritten);
    case Oid.GEN_XMIT_ERROR:
      return BigInt(statistics().out.errors);
    case Oid.GEN_RCV_ERROR:
      return BigInt(statistics().in.errors);
    default:
      return undefined;
  }
}

function encode(value: Value): Uint8Array {
  if (typeof value === 'string') return new TextEncoder().encode(value);
  if (typeof value === 'bigint') {
    const bytes = new Uint8Array(DOUBLE_WORD_BYTES);
    new DataView(bytes.buffer).setBigUint64(0, value, HOST_LITTLE_ENDIAN);
    return bytes;
  }
  const words = typeof value === 'number' ? [value] : value;
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** The one word a set request carries. */
function exactWord(oid: number, data: Uint8Array): number {
  if (data.byteLength < WORD_BYTES) throw tooShort(oid, data, WORD_BYTES);
  if (data.byteLength > WORD_BYTES) {
    throw invalid(oid, `the data has ${data.byteLength} bytes; give exactly ${WORD_BYTES}`);
  }
  return new DataView(data.buffer, data.byteOffset).getUint32(0, HOST_LITTLE_ENDIAN);
}

function hex(oid: number): string {
  return `0x${oid.toString(16).padStart(DOUBLE_WORD_BYTES, '0')}`;
}

function notSupported(oid: number): TunError {
  return new TunError(
    TunErrorCode.OID_NOT_SUPPORTED,
    `OID ${hex(oid)} is not supported; OID_GEN_SUPPORTED_LIST (${hex(Oid.GEN_SUPPORTED_LIST)}) lists those that are`,
  );
}

function tooShort(oid: number, buffer: Uint8Array, bytesNeeded: number): TunError {
  return new TunError(
    TunErrorCode.OID_TOO_SHORT,
    `OID ${hex(oid)} takes ${bytesNeeded} bytes; the buffer has ${buffer.byteLength}`,
    { bytesNeeded },
  );
}

function invalid(oid: number, what: string): TunError {
  return new TunError(TunErrorCode.OID_INVALID_DATA, `OID ${hex(oid)} refused: ${what}`);
}
