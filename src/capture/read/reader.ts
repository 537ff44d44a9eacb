/** Reads capture files, pcapng and the older pcap, from a path or from whatever gives their bytes. */

import { createReadStream } from 'node:fs';
import { TunError, TunErrorCode } from '../../errors.ts';
import { BlockType } from '../pcapng-format.ts';
import { broken, Chunks } from './chunks.ts';
import type { CapturedPacket, PacketParser } from './packet.ts';
import { PcapParser, pcapByteOrder } from './pcap-parser.ts';
import { PcapngParser } from './pcapng-parser.ts';

/** Bytes by which the formats are told apart. */
const MAGIC_BYTES = 4;

/**
 * The packets of a capture file, one by one, as they are read: `source` is a path, or bytes that come piece by
 * piece, such as standard input.
 *
 * Throws TunError `CAPTURE_INVALID` at the first thing that is wrong, naming the offset; what came before was good.
 * `NOT_FOUND` or `SYSCALL` when the file cannot be read.
 */
export async function* readCapture(
  source: string | AsyncIterable<Uint8Array>,
): AsyncGenerator<CapturedPacket, void, undefined> {
  const chunks = new Chunks();
  let parser: PacketParser | undefined;
  for await (const chunk of typeof source === 'string' ? contents(source) : source) {
    chunks.push(chunk);
    if (parser === undefined) {
      if (chunks.length < MAGIC_BYTES) continue;
      parser = parserOf(chunks);
    }
    for (let packet = parser.next(); packet !== undefined; packet = parser.next()) yield packet;
  }
  if (parser === undefined) throw broken(0, `the file ends after ${chunks.length} bytes`);
  if (chunks.length === 0) return;
  throw broken(chunks.offset, `the file ends in the middle: ${chunks.length} bytes are left`);
}

function parserOf(chunks: Chunks): PacketParser {
  if (chunks.uint32(0, true) === BlockType.SECTION) return new PcapngParser(chunks);
  const order = pcapByteOrder(chunks);
  if (order !== undefined) return new PcapParser(chunks, order);
  const magic = chunks
    .uint32(0, false)
    .toString(16)
    .padStart(2 * MAGIC_BYTES, '0');
  throw broken(0, `it begins with 0x${magic}; a pcapng or pcap file is wanted`);
}

async function* contents(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* createReadStream(path) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    const { message, code, syscall, errno } = cause as NodeJS.ErrnoException;
    throw new TunError(
      code === 'ENOENT' ? TunErrorCode.NOT_FOUND : TunErrorCode.SYSCALL,
      `the capture file ${path} cannot be read: ${message}`,
      { cause, syscall, errno: errno === undefined ? undefined : Math.abs(errno) },
    );
  }
}
