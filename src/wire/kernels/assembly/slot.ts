// Packets under construction.

import { NEXT, SLOT_BYTES, SLOT_COUNT, SLOTS } from '../layout';
import { ENTRY_HEADER } from './packet';

/** In place of a packet or a slot. */
export const NONE: u32 = 0xffffffff;
export const SLOTS_IN_ALL: u32 = SLOT_COUNT;

// Of each slot: what its packet is made of so far. A slot with no packets is free; one that is
// finished waits for its write.
export class Slot {
  packets: u32;
  finished: u32;
  first: u32;
  last: u32;
  version: u32;
  protocol: u32;
  start: u32;
  header: u32;
  /** Payload bytes of its first packet, and of all. */
  size: u32;
  payload: u32;
  sequence: u32;
}

/** Slot records lie behind the table of `next`. */
const SLOT_RECORDS: u32 = NEXT + 0x400;
const SLOT_RECORD_BYTES: u32 = 64;

export function record(slot: u32): Slot {
  return changetype<Slot>(<usize>(SLOT_RECORDS + slot * SLOT_RECORD_BYTES));
}

/** The packet under construction in a slot. */
export function built(slot: u32): u32 {
  return SLOTS + slot * SLOT_BYTES + ENTRY_HEADER;
}
