/**
 * UDP of the in-memory host: bound ports, and an echo service on port 7 (RFC 862).
 *
 * ```
 *  0               2               4               6               8
 * +---------------+---------------+---------------+---------------+------
 * | source port   | dest. port    | length        | checksum      | data
 * +---------------+---------------+---------------+---------------+------
 * ```
 *
 * Source: RFC 768. Over IPv4 a checksum of 0 means that there is none; over IPv6 it is an error
 * (RFC 8200, section 8.1).
 */

import { TunError, TunErrorCode } from '../../errors.ts';
import { formatAddress, parseAddress } from '../../wire/address.ts';
import { checksum } from '../../wire/checksum.ts';
import { IP_PROTOCOL_UDP, pseudoHeaderSum } from '../../wire/ip.ts';
import { readUint16, writeUint16 } from '../../wire/uint16.ts';
import type { MemoryDevice } from './device.ts';
import { ipHeaderBytes, type ReceivedPacket, writeIpHeader } from './headers.ts';
import { tell } from './listeners.ts';
import type { Counting, ReceiveStatistics } from './statistics.ts';
import { PACKET, type Transmitter } from './transmitter.ts';

/** The port of the echo service (RFC 862). */
export const UDP_ECHO_PORT = 7;

const HEADER_BYTES = 8;
const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const LENGTH = 4;
const CHECKSUM = 6;
/** What a checksum that comes out as 0 is sent as (RFC 768). */
const ZERO_CHECKSUM = 0xffff;

const MAX_PORT = 0xffff;
/** First of the ports that are handed out (RFC 6335, section 6: dynamic ports). */
const FIRST_DYNAMIC_PORT = 49_152;

/** A datagram for a bound port. All of it is the listener's to keep. */
export interface UdpMessage {
  readonly data: Uint8Array;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  /** The host's address it was sent to. */
  readonly destinationAddress: string;
}

/** A bound UDP port of a {@link MemoryHost}. */
export interface UdpSocket {
  readonly port: number;
  /**
   * Sends a copy of `data` from this port. Returns whether it left; false when it has no route or
   * exceeds the MTU (counted in the host's statistics).
   *
   * @throws TypeError for a wrong address, RangeError for a wrong port.
   */
  send(data: Uint8Array, address: string, port: number): boolean;
  /** Gives the port back. Idempotent. */
  close(): void;
}

export class Udp {
  readonly #transmitter: Transmitter;
  readonly #statistics: Counting<ReceiveStatistics>;
  readonly #device: () => MemoryDevice | undefined;
  readonly #unreachable: (packet: ReceivedPacket) => void;
  readonly #listeners = new Map<number, (message: UdpMessage) => void>();
  #nextDynamic = FIRST_DYNAMIC_PORT;

  /** `unreachable` answers a datagram for a port that nobody listens on. */
  constructor(
    transmitter: Transmitter,
    statistics: Counting<ReceiveStatistics>,
    device: () => MemoryDevice | undefined,
    unreachable: (packet: ReceivedPacket) => void,
  ) {
    this.#transmitter = transmitter;
    this.#statistics = statistics;
    this.#device = device;
    this.#unreachable = unreachable;
  }

  /** See `MemoryHost.bindUdp`. */
  bind(wanted: number, listener: (message: UdpMessage) => void): UdpSocket {
    const port = wanted === 0 ? this.#freePort() : checkPort(wanted);
    if (this.#listeners.has(port)) {
      throw new TunError(
        TunErrorCode.INVALID_STATE,
        `UDP port ${port} of this host is bound already; close the other socket, or bind port 0 for a free one`,
      );
    }
    this.#listeners.set(port, listener);
    return {
      port,
      send: (data, address, remotePort) => this.#send(port, data, address, checkPort(remotePort)),
      close: () => {
        if (this.#listeners.get(port) === listener) this.#listeners.delete(port);
      },
    };
  }

  receive(packet: ReceivedPacket): void {
    const { bytes, payload, payloadBytes } = packet;
    const length = payloadBytes < HEADER_BYTES ? 0 : readUint16(bytes, payload + LENGTH);
    if (length < HEADER_BYTES || length > payloadBytes) {
      this.#statistics.malformed++;
      return;
    }
    if (!hasRightChecksum(packet, length)) {
      this.#statistics.badChecksum++;
      return;
    }
    const port = readUint16(bytes, payload + DESTINATION_PORT);
    const listener = this.#listeners.get(port);
    if (listener !== undefined) {
      this.#statistics.udpDatagrams++;
      tell(listener, toMessage(packet, length));
    } else if (port === UDP_ECHO_PORT) {
      this.#echo(packet);
    } else {
      this.#statistics.udpUnreachable++;
      this.#unreachable(packet);
    }
  }

  #echo(packet: ReceivedPacket): void {
    const { bytes, payload } = packet;
    const remote = readUint16(bytes, payload + SOURCE_PORT);
    // Two echo services would play ping-pong for ever; port 0 means that no answer is wanted.
    if (remote === UDP_ECHO_PORT || remote === 0) {
      this.#statistics.udpEchoesIgnored++;
      return;
    }
    this.#statistics.udpEchoes++;
    packet.turnRound();
    writeUint16(bytes, payload + SOURCE_PORT, UDP_ECHO_PORT);
    writeUint16(bytes, payload + DESTINATION_PORT, remote);
    this.#transmitter.sendEntry(bytes, packet.offset - PACKET, packet.length);
  }

  #send(port: number, data: Uint8Array, address: string, remotePort: number): boolean {
    const to = parseAddress(address);
    const from = this.#device()?.addressing.sourceFor(to);
    const length = HEADER_BYTES + data.length;
    const total = ipHeaderBytes(to.length) + length;
    if (from === undefined) {
      this.#transmitter.countUnroutable();
      return false;
    }
    if (!this.#transmitter.fits(total)) return false;
    const { buffer } = this.#transmitter;
    const at = writeIpHeader(buffer, PACKET, IP_PROTOCOL_UDP, length, from, to);
    writeUint16(buffer, at + SOURCE_PORT, port);
    writeUint16(buffer, at + DESTINATION_PORT, remotePort);
    writeUint16(buffer, at + LENGTH, length);
    writeUint16(buffer, at + CHECKSUM, 0);
    buffer.set(data, at + HEADER_BYTES);
    const pseudo = pseudoHeaderSum(buffer, PACKET, IP_PROTOCOL_UDP, length);
    writeUint16(buffer, at + CHECKSUM, checksum(buffer, at, length, pseudo) || ZERO_CHECKSUM);
    return this.#transmitter.send(total);
  }

  #freePort(): number {
    for (let tries = FIRST_DYNAMIC_PORT; tries <= MAX_PORT; tries++) {
      const port = this.#nextDynamic;
      this.#nextDynamic = port === MAX_PORT ? FIRST_DYNAMIC_PORT : port + 1;
      if (!this.#listeners.has(port)) return port;
    }
    throw new TunError(
      TunErrorCode.INVALID_STATE,
      `all UDP ports from ${FIRST_DYNAMIC_PORT} on of this host are bound; close some sockets`,
    );
  }
}

function hasRightChecksum(packet: ReceivedPacket, length: number): boolean {
  const { bytes, payload } = packet;
  if (readUint16(bytes, payload + CHECKSUM) === 0) return packet.family === 4;
  const pseudo = pseudoHeaderSum(bytes, packet.offset, IP_PROTOCOL_UDP, length);
  return checksum(bytes, payload, length, pseudo) === 0;
}

function toMessage(packet: ReceivedPacket, length: number): UdpMessage {
  const { bytes, payload, family } = packet;
  return {
    data: bytes.slice(payload + HEADER_BYTES, payload + length),
    sourceAddress: formatAddress(bytes, packet.source, family),
    sourcePort: readUint16(bytes, payload + SOURCE_PORT),
    destinationAddress: formatAddress(bytes, packet.destination, family),
  };
}

function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= MAX_PORT) return port;
  throw new RangeError(`port ${port} is no UDP port; give a whole number from 1 to ${MAX_PORT}`);
}
