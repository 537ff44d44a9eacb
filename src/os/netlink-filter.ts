/**
 * A filter in the kernel in front of a netlink socket, so that a process with many adapters is not
 * woken for each change of each interface of the machine.
 *
 * Source: Linux Documentation/networking/filter.rst; linux/filter.h, linux/bpf_common.h.
 */

import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { addressOf } from './address.ts';
import { libc } from './libc.ts';

/** `SOL_SOCKET` and `SO_ATTACH_FILTER` (asm-generic/socket.h). */
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

/** `BPF_LD | BPF_W | BPF_ABS`: loads four bytes at offset k, taken as big-endian. */
const LOAD_WORD = 0x20;
/** `BPF_JMP | BPF_JEQ | BPF_K`: skips `jt` instructions when equal to k, `jf` when not. */
const JUMP_IF_EQUAL = 0x15;
/** `BPF_RET | BPF_K`: keeps the message's first k bytes; 0 drops it. */
const RETURN = 0x06;
const WHOLE_MESSAGE = 0xffffffff;

/** `struct sock_filter`: code, jt, jf, k. */
const INSTRUCTION_BYTES = 8;
const JUMP_FALSE_OFFSET = 3;
const CONSTANT_OFFSET = 4;

/** `struct sock_fprog` on 64-bit Linux: a length, padding, a pointer. */
const PROGRAM_BYTES = 16;
const PROGRAM_POINTER_OFFSET = 8;

/**
 * Lets only datagrams through whose four bytes at `offset` are `value` in host byte order. Returns
 * false when the kernel does not take the filter; everything then still arrives.
 */
export function keepOnly(fd: number, offset: number, value: number): boolean {
  const word = new DataView(new ArrayBuffer(CONSTANT_OFFSET));
  word.setUint32(0, value, HOST_LITTLE_ENDIAN);
  const instructions = assemble([
    [LOAD_WORD, 0, offset],
    [JUMP_IF_EQUAL, 1, word.getUint32(0, false)],
    [RETURN, 0, WHOLE_MESSAGE],
    [RETURN, 0, 0],
  ]);
  const program = new DataView(new ArrayBuffer(PROGRAM_BYTES));
  program.setUint16(0, instructions.byteLength / INSTRUCTION_BYTES, HOST_LITTLE_ENDIAN);
  const address = BigInt(addressOf(instructions));
  program.setBigUint64(PROGRAM_POINTER_OFFSET, address, HOST_LITTLE_ENDIAN);
  const argument = new Uint8Array(program.buffer);
  return libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, argument, PROGRAM_BYTES) === 0;
}

/** Each instruction: code, how many to skip when a comparison fails, constant. */
function assemble(instructions: readonly (readonly [number, number, number])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(instructions.length * INSTRUCTION_BYTES));
  for (const [i, [code, jumpIfFalse, constant]] of instructions.entries()) {
    const at = i * INSTRUCTION_BYTES;
    view.setUint16(at, code, HOST_LITTLE_ENDIAN);
    view.setUint8(at + JUMP_FALSE_OFFSET, jumpIfFalse);
    view.setUint32(at + CONSTANT_OFFSET, constant, HOST_LITTLE_ENDIAN);
  }
  return new Uint8Array(view.buffer);
}
