/**
 * ICMPv6 echo by the Linux kernel's own socket, through the stand-in that makes system calls: Wine 8
 * has no `Icmp6CreateFile`.
 */

import { ffi } from '#dist/os/ffi.js';
import type { EchoSocket, OpenEcho } from '#dist/os/icmp-socket.js';
import { parseAddress } from '#dist/wire/address.js';

const SEQUENCE_BYTES = 2;

type Native = (...args: unknown[]) => number;

export function linuxEcho(dll: string): OpenEcho {
  const library = ffi().load(dll);
  const open = library.func('int TestEcho6Open(void *address)') as Native;
  const send = library.func(
    'int TestEcho6Send(int fd, uint32 sequence, void *data, uint32 size)',
  ) as Native;
  const receive = library.func('int TestEcho6Receive(int fd, void *reply)') as Native;
  const close = library.func('void TestEcho6Close(int fd)') as Native;
  return (_family, onReply): EchoSocket => {
    const reply = new Uint8Array(65_536);
    let fd = -1;
    let running = true;
    const look = (): void => {
      if (!running) return;
      const size = fd < 0 ? 0 : receive(fd, reply);
      if (size > 0) {
        onReply((reply[0]! << 8) | reply[1]!, reply.subarray(SEQUENCE_BYTES, size));
      }
      setImmediate(look);
    };
    setImmediate(look);
    return {
      send: (destination, sequence, data) => {
        if (fd < 0) fd = open(parseAddress(destination));
        send(fd, sequence, data, data.length);
      },
      close: () => {
        running = false;
        if (fd >= 0) close(fd);
        return Promise.resolve();
      },
    };
  };
}
