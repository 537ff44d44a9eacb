/**
 * Filters in the kernel in front of a socket: a few instructions for each message, of the classic BPF.
 *
 * Source: Linux Documentation/networking/filter.rst; linux/filter.h, linux/bpf_common.h.
 */

import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { addressOf } from './address.ts';
import { libc } from './libc.ts';

/** `SOL_SOCKET` and `SO_ATTACH_FILTER` (asm-generic/socket.h). */
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

/** Codes of instructions. */
export const Bpf = {
  /** `BPF_LD | BPF_W | BPF_ABS`: loads four bytes at offset k, taken as big-endian, or what {@link Ancillary} names. */
  LOAD_WORD: 0x20,
  /** `BPF_JMP | BPF_JEQ | BPF_K`: goes on when equal to k, and else behind so many instructions. */
  JUMP_UNLESS_EQUAL: 0x15,
  /** `BPF_RET | BPF_K`: keeps the message's first k bytes; 0 drops it. */
  RETURN: 0x06,
} as const;

/** `SKF_AD_OFF` and what is behind it: offsets of a load that stand for what the kernel knows of a packet. */
export const Ancillary = {
  /** The Ethernet protocol, in host order. */
  PROTOCOL: 0xffff_f000,
  /** `PACKET_*` of linux/if_packet.h. */
  PACKET_TYPE: 0xffff_f004,
  /** 1 when there is a VLAN tag, which is not in the packet's bytes. */
  VLAN_TAG_PRESENT: 0xffff_f030,
} as const;

/** What {@link Bpf.RETURN} keeps of a message that is to be kept whole. */
export const WHOLE_MESSAGE = 0xffff_ffff;

/** One instruction: code, how many to skip when a comparison fails, constant. */
export type Instruction = readonly [code: number, jumpIfFalse: number, constant: number];

/** `struct sock_filter`: code, jt, jf, k. */
const INSTRUCTION_BYTES = 8;
const JUMP_FALSE_OFFSET = 3;
const CONSTANT_OFFSET = 4;

/** `struct sock_fprog` on 64-bit Linux: a length, padding, a pointer. */
const PROGRAM_BYTES = 16;
const PROGRAM_POINTER_OFFSET = 8;

/** Puts the filter in front of the socket. Returns false when the kernel does not take it: see `errno`. */
export function attachFilter(fd: number, filter: readonly Instruction[]): boolean {
  const instructions = assemble(filter);
  const program = new DataView(new ArrayBuffer(PROGRAM_BYTES));
  program.setUint16(0, filter.length, HOST_LITTLE_ENDIAN);
  const address = BigInt(addressOf(instructions));
  program.setBigUint64(PROGRAM_POINTER_OFFSET, address, HOST_LITTLE_ENDIAN);
  const argument = new Uint8Array(program.buffer);
  return libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, argument, PROGRAM_BYTES) === 0;
}

function assemble(instructions: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(instructions.length * INSTRUCTION_BYTES));
  for (const [i, [code, jumpIfFalse, constant]] of instructions.entries()) {
    const at = i * INSTRUCTION_BYTES;
    view.setUint16(at, code, HOST_LITTLE_ENDIAN);
    view.setUint8(at + JUMP_FALSE_OFFSET, jumpIfFalse);
    view.setUint32(at + CONSTANT_OFFSET, constant, HOST_LITTLE_ENDIAN);
  }
  return new Uint8Array(view.buffer);
}
