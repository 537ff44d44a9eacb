/**
 * Sends ICMP echo requests on Windows and receives the replies, by iphlpapi: it numbers them itself
 * and reports each reply to its own request. Each request holds a thread of libuv's pool until its
 * reply is there, a second at most: for measurements, not for watching.
 *
 * Source: Microsoft Learn, IcmpSendEcho, Icmp6SendEcho2, ICMP_ECHO_REPLY, ICMPV6_ECHO_REPLY; offsets
 * as in 64-bit ipexport.h.
 */

import { parseAddress } from '../wire/address.ts';
import type { FfiLibrary } from './ffi.ts';
import type { EchoSocket, OnReply } from './icmp-socket.ts';
import { INVALID_HANDLE, kernel32, systemLibrary, winErrorName } from './win32.ts';

const TIMEOUT_MS = 1000;

/** `ICMP_ECHO_REPLY`: status, bytes of the data, and where Windows put that in the buffer. */
const REPLY_STATUS = 4;
const REPLY_SIZE = 12;
/** The reply, its options, and `IO_STATUS_BLOCK` with the error message behind the data. */
const REPLY_BYTES = 40;
const REPLY_EXTRA_BYTES = 64;
/** `ICMPV6_ECHO_REPLY`: an address of 26 bytes, packed, then status and round trip; the data follows. */
const REPLY6_STATUS = 28;
const REPLY6_BYTES = 36;

/** `sockaddr_in6` (ws2ipdef.h). */
const SOCKADDR_IN6_BYTES = 28;
const SOCKADDR_IN6_ADDRESS = 8;
const AF_INET6 = 23;
const LITTLE_ENDIAN = true;

const TAIL =
  'void *data, uint16 bytes, void *options, void *reply, uint32 replyBytes, uint32 timeoutMs';
const SEND = `uint32 IcmpSendEcho(intptr_t handle, uint32 destination, ${TAIL})`;
/** Without an event and a routine it returns when the reply is there. */
const SEND6 = `uint32 Icmp6SendEcho2(intptr_t handle, void *event, void *routine, void *context, void *source, void *destination, ${TAIL})`;

type Done = (error: Error | null, replies: number) => void;
interface Native {
  (...args: unknown[]): number;
  /** In a thread of libuv's pool. */
  async(...args: readonly [...unknown[], Done]): void;
}

export class WindowsEcho implements EchoSocket {
  readonly #library: FfiLibrary;
  readonly #family: 4 | 6;
  readonly #onReply: OnReply;
  readonly #handle: number;
  readonly #send: Native;
  readonly #underWay = new Set<Promise<void>>();
  #closed = false;

  /** Opens one; returns the reason when Windows does not let it. */
  static open(family: 4 | 6, onReply: OnReply): WindowsEcho | string {
    const library = systemLibrary('iphlpapi.dll');
    const create = family === 4 ? 'IcmpCreateFile' : 'Icmp6CreateFile';
    const handle = library.func(`intptr_t ${create}()`)() as number;
    if (handle !== INVALID_HANDLE) return new WindowsEcho(library, handle, family, onReply);
    return `${create} failed with ${winErrorName(kernel32().getLastError())}`;
  }

  private constructor(library: FfiLibrary, handle: number, family: 4 | 6, onReply: OnReply) {
    this.#library = library;
    this.#handle = handle;
    this.#family = family;
    this.#onReply = onReply;
    this.#send = library.func(family === 4 ? SEND : SEND6) as unknown as Native;
  }

  send(destination: string, sequence: number, data: Uint8Array): void {
    const address = parseAddress(destination);
    // Windows refers to both until the call is done.
    const request = data.slice();
    const reply = new Uint8Array(REPLY_BYTES + data.length + REPLY_EXTRA_BYTES);
    const where =
      this.#family === 4
        ? [new DataView(address.buffer, address.byteOffset).getUint32(0, LITTLE_ENDIAN)]
        : [null, null, null, socketAddress(), socketAddress(address)];
    const tail = [request, request.length, null, reply, reply.length, TIMEOUT_MS] as const;
    const done = new Promise<void>((resolve) => {
      this.#send.async(this.#handle, ...where, ...tail, (_error, replies) => {
        resolve();
        const found = replies > 0 && !this.#closed ? this.#parse(request, reply) : undefined;
        if (found !== undefined) this.#onReply(sequence, found);
      });
    });
    this.#underWay.add(done);
    void done.then(() => this.#underWay.delete(done));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#underWay);
    this.#library.func('int IcmpCloseHandle(intptr_t handle)')(this.#handle);
  }

  /** The data of a reply; undefined when none came. */
  #parse(data: Uint8Array, reply: Uint8Array): Uint8Array | undefined {
    const view = new DataView(reply.buffer);
    if (this.#family === 6) {
      if (view.getUint32(REPLY6_STATUS, LITTLE_ENDIAN) !== 0) return undefined;
      return reply.subarray(REPLY6_BYTES, REPLY6_BYTES + data.length);
    }
    if (view.getUint32(REPLY_STATUS, LITTLE_ENDIAN) !== 0) return undefined;
    const size = view.getUint16(REPLY_SIZE, LITTLE_ENDIAN);
    // Behind the reply, as long as it has no IP options, which were not asked for.
    return reply.subarray(REPLY_BYTES, REPLY_BYTES + size);
  }
}

/** The unspecified one where no address is given. */
function socketAddress(address?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_IN6_BYTES);
  bytes[0] = AF_INET6;
  if (address !== undefined) bytes.set(address, SOCKADDR_IN6_ADDRESS);
  return bytes;
}
