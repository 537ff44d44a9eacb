/**
 * Every limit and default: value, unit, source, reason. Derived values are expressions. Section
 * numbers refer to `docs/driver-contract.md`.
 */

// ---- Set by the specification: programs written for the original rely on them (section 1) ----

/** Entries and packets start on multiples of this many bytes within a bundle. */
export const BUNDLE_ALIGNMENT = 16;

/** Bytes of one entry's header: a 4-byte size word and 12 bytes of padding. */
export const ENTRY_HEADER_BYTES = 16;

/** Bytes of the size word at the start of an entry header. */
export const SIZE_WORD_BYTES = 4;

/** Packets in one bundle, at most. */
export const MAX_BUNDLE_PACKETS = 256;

/** Bytes of one entry (header and packet), at most. */
export const MAX_ENTRY_BYTES = 0xf000;

/** Bytes of one packet, IP header included, at most: 61,424. */
export const MAX_PACKET_BYTES: number = MAX_ENTRY_BYTES - ENTRY_HEADER_BYTES;

/** Bytes of one bundle, at most. */
export const MAX_BUNDLE_BYTES: number = MAX_BUNDLE_PACKETS * MAX_ENTRY_BYTES;

/** A read buffer shorter than this is refused, so that any one packet fits. */
export const MIN_READ_BUFFER_BYTES: number = MAX_ENTRY_BYTES;

/** A write shorter than this holds not even one entry header and is refused. */
export const MIN_WRITE_BYTES: number = ENTRY_HEADER_BYTES;

/** Bytes of the smallest IPv4 packet: a header without options (RFC 791, section 3.1). */
export const MIN_IPV4_BYTES = 20;

/** Bytes of the smallest IPv6 packet: the fixed header (RFC 8200, section 3). */
export const MIN_IPV6_BYTES = 40;

/** The packet queue's bound, in packets (section 5). */
export const MAX_QUEUED_PACKETS = 1000;

/** Link speed reported both ways, in bits per second: 100 Gbit/s (section 6). */
export const LINK_SPEED_BPS = 100_000_000_000;

/** Vendor id reported by the adapter (section 6). */
export const VENDOR_ID = 0xffffff00;

// ---- Set by the Internet's specifications ----

/** Smallest MTU an IPv4 link may have here: every host must take 576 bytes (RFC 791, section 3.2). */
export const MIN_MTU = 576;

/** Smallest MTU of a link that carries IPv6 (RFC 8200, section 5). */
export const MIN_MTU_IPV6 = 1280;

/** Largest MTU: a larger packet would not fit an entry. */
export const MAX_MTU: number = MAX_PACKET_BYTES;

/** Bytes in an IPv4 address. */
export const IPV4_ADDRESS_BYTES = 4;

/** Bytes in an IPv6 address. */
export const IPV6_ADDRESS_BYTES = 16;

// ---- Set by wintun.dll (its README, "WintunStartSession") ----

/** Least and most bytes of a session's ring; a power of two. */
export const MIN_RING_BYTES = 0x20000;
export const MAX_RING_BYTES = 0x4000000;

// ---- Our own choices ----

/** MTU when none is asked for: what an Ethernet path carries without fragmenting. */
export const DEFAULT_MTU = 1500;

/**
 * Packets the host's own queue in front of the adapter holds, when not set. Linux gives a TUN 500
 * (drivers/net/tun.c, TUN_READQ_SIZE), which one burst of a TCP window overruns; 1000 matches ours.
 */
export const DEFAULT_HOST_QUEUE_LENGTH = 1000;

/**
 * Packets one super-packet is to stand for at most: a quarter of a bundle. 61,424 bytes make 44 of
 * 1448 bytes of payload.
 */
export const MAX_SUPER_PACKET_SEGMENTS = 64;

/** Largest host queue length accepted: the kernel allocates a pointer for each place at once. */
export const MAX_HOST_QUEUE_LENGTH = 1_000_000;

/** First LUID index of an in-process adapter: above every interface index (section 2). */
export const FIRST_MEMORY_LUID_INDEX: number = 2 ** 31;

/** Longest interface name on Linux, in bytes: IFNAMSIZ less its terminating zero. */
export const MAX_INTERFACE_NAME_BYTES = 15;

/** A blocking system call never lasts longer than this, in ms, so that exit and terminate never hang. */
export const MAX_BLOCK_MS = 100;

/**
 * Bundles handled in one event-loop turn before other work gets its chance. Four full bundles of
 * 1500 bytes are about 1 ms of copying and system calls.
 */
export const MAX_BUNDLES_PER_TURN = 4;

/** Threads that may take part in one adapter; each has a counter block of its own. */
export const MAX_PARTICIPANTS = 64;

/**
 * Most hardware queues of one adapter. The kernel's own limit is 256 (linux/if_tun.h); each takes 61 MB
 * of address space for its packet queue here, of which only what is used takes memory.
 */
export const MAX_QUEUES = 16;

/** Smallest `queueBytes`: one packet of the largest size must fit. */
export const MIN_QUEUE_BYTES: number = MAX_ENTRY_BYTES;

/** Largest `queueBytes`: every place taken by a packet of the largest size. */
export const MAX_QUEUE_BYTES: number = MAX_QUEUED_PACKETS * MAX_ENTRY_BYTES;

/**
 * Bytes of the array buffer behind any view that is read into or written out of, at most: offsets within it
 * are 32-bit numbers to the loops that copy (copy.ts) and to the rings (os/write-ring.ts).
 */
export const MAX_BUFFER_BYTES: number = 2 ** 32 - 1;

/** Rounds a byte count up to the bundle's alignment. Exact up to 2^31. */
export function align16(bytes: number): number {
  return (bytes + (BUNDLE_ALIGNMENT - 1)) & ~(BUNDLE_ALIGNMENT - 1);
}

/** Bytes an entry with a packet of `packetBytes` takes in a bundle or in the queue. */
export function entryBytes(packetBytes: number): number {
  return align16(ENTRY_HEADER_BYTES + packetBytes);
}
