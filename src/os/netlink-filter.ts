/**
 * A filter in the kernel in front of a netlink socket, so that a process with many adapters is not
 * woken for each change of each interface of the machine.
 */

import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { attachFilter, Bpf, WHOLE_MESSAGE } from './socket-filter.ts';

const WORD_BYTES = 4;

/**
 * Lets only datagrams through whose four bytes at `offset` are `value` in host byte order. Returns
 * false when the kernel does not take the filter; everything then still arrives.
 */
export function keepOnly(fd: number, offset: number, value: number): boolean {
  const word = new DataView(new ArrayBuffer(WORD_BYTES));
  word.setUint32(0, value, HOST_LITTLE_ENDIAN);
  return attachFilter(fd, [
    [Bpf.LOAD_WORD, 0, offset],
    [Bpf.JUMP_UNLESS_EQUAL, 1, word.getUint32(0, false)],
    [Bpf.RETURN, 0, WHOLE_MESSAGE],
    [Bpf.RETURN, 0, 0],
  ]);
}
