/**
 * What an in-memory host counts. Every packet that it was given or made ends in exactly one of the
 * counters of its direction, so that they add up; the comment of each group says how.
 */

/**
 * One direction's faults.
 * `offered + duplicated = lost + overflow + cleared + passed + (still on the way)`.
 */
export interface FaultStatistics {
  /** Packets that started on their way. */
  readonly offered: number;
  /** Vanished by `loss`. */
  readonly lost: number;
  /** Second copies made by `duplicate`. */
  readonly duplicated: number;
  /** Packets with a bit flipped by `corrupt`. */
  readonly corrupted: number;
  /** Packets held back by `reorder`. */
  readonly reordered: number;
  /** Packets that had to wait for their time. */
  readonly delayed: number;
  /** Vanished because too many were waiting for their time. */
  readonly overflow: number;
  /** Still on the way when the device went, and gone with it. */
  readonly cleared: number;
  /** Packets that came out at the other end, copies included. */
  readonly passed: number;
}

/**
 * What the host's own stack did with what it wanted to send.
 * `attempts = packets + noRoute + tooBig + down + invalid`.
 */
export interface SendStatistics {
  /** Packets that left for the adapter; faults and a full queue may still have stopped them. */
  readonly packets: number;
  /** Their bytes, IP headers included. */
  readonly octets: number;
  /** Refused: no address's prefix and no route leads there, or it is the host's own address. */
  readonly noRoute: number;
  /** Refused: longer than the MTU. This host does not fragment. */
  readonly tooBig: number;
  /** Refused: no device, or it is down. */
  readonly down: number;
  /** Refused: not an IPv4 or IPv6 packet. */
  readonly invalid: number;
  /** Dropped at the tail of the full queue in front of the adapter (the link's `hostDrops`). */
  readonly queueFull: number;
}

/**
 * What became of packets that reached the host. `packets` is the sum of all others but `octets` and
 * `refused`; a refused packet never reached it.
 */
export interface ReceiveStatistics {
  readonly packets: number;
  /** Their bytes, IP headers included. */
  readonly octets: number;
  /** Refused at the door (`Link.give`): the device is down, its queue full, or it is not IP. */
  readonly refused: number;
  /** Dropped: a header is cut short or its lengths contradict each other. */
  readonly malformed: number;
  /** Dropped: the checksum of IPv4, ICMP, ICMPv6 or UDP is wrong, or missing in UDP over IPv6. */
  readonly badChecksum: number;
  /** Dropped: a fragment. This host does not reassemble. */
  readonly fragments: number;
  /** Dropped: the source is a multicast, broadcast or unspecified address. */
  readonly badSource: number;
  /** Dropped: addressed to somebody else, multicast and broadcast included. */
  readonly notMine: number;
  /** Dropped: neither ICMP of the right family nor UDP (TCP, extension headers, ...). */
  readonly unknownProtocol: number;
  /** ICMP echo requests, which were answered. */
  readonly echoRequests: number;
  /** ICMP echo replies to a ping that was waiting. */
  readonly echoReplies: number;
  /** ICMP echo replies nobody waited for: late, doubled or made up. */
  readonly unexpectedReplies: number;
  /** ICMP messages that report an error (unreachable, time exceeded, ...). */
  readonly icmpErrors: number;
  /** Other ICMP messages, which were ignored. */
  readonly icmpIgnored: number;
  /** UDP datagrams for a bound port. */
  readonly udpDatagrams: number;
  /** UDP datagrams for the echo service, which were answered. */
  readonly udpEchoes: number;
  /** UDP datagrams that the echo service did not answer: they came from an echo port. */
  readonly udpEchoesIgnored: number;
  /** UDP datagrams for a port nobody listens on, answered by "port unreachable". */
  readonly udpUnreachable: number;
}

/** A snapshot: it does not change any more. */
export interface HostStatistics {
  readonly sent: SendStatistics;
  readonly received: ReceiveStatistics;
  readonly faults: { readonly send: FaultStatistics; readonly receive: FaultStatistics };
}

/** The same, to count in. */
export type Counting<T> = { -readonly [K in keyof T]: T[K] };

export function createFaultStatistics(): Counting<FaultStatistics> {
  return {
    offered: 0,
    lost: 0,
    duplicated: 0,
    corrupted: 0,
    reordered: 0,
    delayed: 0,
    overflow: 0,
    cleared: 0,
    passed: 0,
  };
}

export function createSendStatistics(): Counting<SendStatistics> {
  return { packets: 0, octets: 0, noRoute: 0, tooBig: 0, down: 0, invalid: 0, queueFull: 0 };
}

export function createReceiveStatistics(): Counting<ReceiveStatistics> {
  return {
    packets: 0,
    octets: 0,
    refused: 0,
    malformed: 0,
    badChecksum: 0,
    fragments: 0,
    badSource: 0,
    notMine: 0,
    unknownProtocol: 0,
    echoRequests: 0,
    echoReplies: 0,
    unexpectedReplies: 0,
    icmpErrors: 0,
    icmpIgnored: 0,
    udpDatagrams: 0,
    udpEchoes: 0,
    udpEchoesIgnored: 0,
    udpUnreachable: 0,
  };
}
