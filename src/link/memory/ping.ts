/** Echo requests that the in-memory host sends itself, and the replies it waits for. */

import { MAX_PACKET_BYTES } from '../../limits.ts';
import { parseAddress } from '../../wire/address.ts';
import { readUint16, writeUint16 } from '../../wire/uint16.ts';
import type { Clock, ClockTimer } from './clock.ts';
import type { MemoryDevice } from './device.ts';
import { ipHeaderBytes, type ReceivedPacket } from './headers.ts';
import {
  type EchoReplies,
  familyOf,
  ICMP_ECHO_ID,
  ICMP_HEADER_BYTES,
  sealIcmp,
  writeEchoRequest,
} from './icmp.ts';
import { checkKnown } from './known-names.ts';
import type { Transmitter } from './transmitter.ts';

export interface PingOptions {
  /** Bytes of data behind the ICMP header. Default 56, as ping(8). */
  readonly payloadBytes?: number | undefined;
  /** Milliseconds to wait for the reply, on the host's clock. Default 1000. */
  readonly timeoutMs?: number | undefined;
}

export interface PingResult {
  /** Whether a reply came in time. */
  readonly received: boolean;
  /** Microseconds from request to reply on the host's clock; 0 when none came. */
  readonly rttUs: number;
  /** Whether the reply carried exactly the data of the request. */
  readonly intact: boolean;
}

const OPTION_NAMES = [
  'payloadBytes',
  'timeoutMs',
] as const satisfies readonly (keyof PingOptions)[];

const DEFAULT_PAYLOAD_BYTES = 56;
const DEFAULT_TIMEOUT_MS = 1000;
const US_PER_MS = 1000;
const SEQUENCE_BITS = 16;
const UINT16_BYTES = 2;
const BYTE_MASK = 0xff;

const NOT_RECEIVED: PingResult = { received: false, rttUs: 0, intact: false };

interface PendingPing {
  readonly sentAt: number;
  readonly payloadBytes: number;
  readonly timer: ClockTimer;
  readonly resolve: (result: PingResult) => void;
}

export class Pings implements EchoReplies {
  readonly #transmitter: Transmitter;
  readonly #clock: Clock;
  /** By identifier and sequence number together, 32 bits. */
  readonly #pending = new Map<number, PendingPing>();
  #next = 0;

  constructor(transmitter: Transmitter, clock: Clock) {
    this.#transmitter = transmitter;
    this.#clock = clock;
  }

  /** See `MemoryHost.ping`. */
  send(
    device: MemoryDevice | undefined,
    destination: string,
    options: PingOptions,
  ): Promise<PingResult> {
    checkKnown('host.ping', options, OPTION_NAMES);
    const { payloadBytes = DEFAULT_PAYLOAD_BYTES, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const to = parseAddress(destination);
    const length = ipHeaderBytes(to.length) + ICMP_HEADER_BYTES + checkPayload(payloadBytes);
    checkTimeout(timeoutMs);
    const from = device?.addressing.sourceFor(to);
    if (from === undefined) {
      this.#transmitter.countUnroutable();
      return Promise.resolve(NOT_RECEIVED);
    }
    if (!this.#transmitter.fits(length)) return Promise.resolve(NOT_RECEIVED);
    const key = this.#next++ | 0;
    const { buffer } = this.#transmitter;
    const at = writeEchoRequest(buffer, ICMP_HEADER_BYTES + payloadBytes, from, to);
    writeUint16(buffer, at + ICMP_ECHO_ID, key >>> SEQUENCE_BITS);
    writeUint16(buffer, at + ICMP_ECHO_ID + UINT16_BYTES, key);
    for (let i = 0; i < payloadBytes; i++) buffer[at + ICMP_HEADER_BYTES + i] = pattern(key, i);
    sealIcmp(buffer, at, ICMP_HEADER_BYTES + payloadBytes, familyOf(to));
    return this.#await(key, payloadBytes, timeoutMs, length);
  }

  /** Handles an echo reply; returns whether one was waited for. */
  reply(packet: ReceivedPacket): boolean {
    const at = packet.payload + ICMP_ECHO_ID;
    const key =
      (readUint16(packet.bytes, at) << SEQUENCE_BITS) | readUint16(packet.bytes, at + UINT16_BYTES);
    const ping = this.#pending.get(key);
    if (ping === undefined) return false;
    const rttUs = (this.#clock.now() - ping.sentAt) * US_PER_MS;
    this.#settle(key, ping, { received: true, rttUs, intact: isIntact(packet, key, ping) });
    return true;
  }

  /** The device is gone: no reply will come any more. */
  clear(): void {
    for (const [key, ping] of this.#pending) this.#settle(key, ping, NOT_RECEIVED);
  }

  #await(
    key: number,
    payloadBytes: number,
    timeoutMs: number,
    length: number,
  ): Promise<PingResult> {
    return new Promise((resolve) => {
      const sentAt = this.#clock.now();
      const timer = this.#clock.setTimer(
        sentAt + timeoutMs,
        () => {
          this.#pending.delete(key);
          resolve(NOT_RECEIVED);
        },
        true,
      );
      this.#pending.set(key, { sentAt, payloadBytes, timer, resolve });
      if (!this.#transmitter.send(length)) {
        this.#settle(key, this.#pending.get(key)!, NOT_RECEIVED);
      }
    });
  }

  #settle(key: number, ping: PendingPing, result: PingResult): void {
    ping.timer.cancel();
    this.#pending.delete(key);
    ping.resolve(result);
  }
}

/** Byte `index` of the data of request `key`: differs between neighbours and between requests. */
function pattern(key: number, index: number): number {
  return (key + index) & BYTE_MASK;
}

function isIntact(packet: ReceivedPacket, key: number, ping: PendingPing): boolean {
  if (packet.payloadBytes - ICMP_HEADER_BYTES !== ping.payloadBytes) return false;
  const data = packet.payload + ICMP_HEADER_BYTES;
  for (let i = 0; i < ping.payloadBytes; i++) {
    if (packet.bytes[data + i] !== pattern(key, i)) return false;
  }
  return true;
}

function checkPayload(payloadBytes: number): number {
  if (Number.isInteger(payloadBytes) && payloadBytes >= 0 && payloadBytes <= MAX_PACKET_BYTES) {
    return payloadBytes;
  }
  throw new RangeError(
    `payloadBytes is ${payloadBytes}; give a whole number from 0 to what the MTU leaves for data`,
  );
}

function checkTimeout(timeoutMs: number): void {
  if (timeoutMs >= 0 && Number.isFinite(timeoutMs)) return;
  throw new RangeError(`timeoutMs is ${timeoutMs}; give milliseconds, 0 or more`);
}
