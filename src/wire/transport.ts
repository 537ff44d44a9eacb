/**
 * Where fields lie in the headers of TCP (RFC 9293, section 3.1) and UDP (RFC 768), counted from the
 * header's start.
 */

export const MIN_TCP_BYTES = 20;
export const TCP_SEQUENCE = 4;
export const TCP_ACKNOWLEDGMENT = 8;
/** High half: header length in words. Low half: reserved, and AE (RFC 9768). */
export const TCP_DATA_OFFSET = 12;
export const TCP_FLAGS = 13;
export const TCP_WINDOW = 14;
export const TCP_CHECKSUM = 16;
export const TCP_URGENT = 18;

export const TcpFlag = { FIN: 0x01, PSH: 0x08, ACK: 0x10, CWR: 0x80 } as const;

export const UDP_HEADER_BYTES = 8;
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;

const WORD_BYTES = 4;
const NIBBLE = 4;

/** Bytes of the TCP header at `offset`, options included, as it says itself. */
export function tcpHeaderBytes(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + TCP_DATA_OFFSET]! >>> NIBBLE) * WORD_BYTES;
}
