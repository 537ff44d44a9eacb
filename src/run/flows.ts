/** The flows that a policy was asked about, and what it answered. */

import { copyOf } from '../copy.ts';
import { formatAddress } from '../index.ts';
import type { FlowFields } from '../wire/flow.ts';
import {
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from '../wire/ip.ts';
import type { Ends } from '../wire/readdress.ts';
import { Direction, FlowTable } from './flow-table.ts';
import type { Fragments } from './fragments.ts';
import type { Flow, Policy } from './policy.ts';
import { DROP, PASS, type ReadVerdict, readFlowVerdict } from './verdict.ts';

/** Other ends for the packets of a flow, by direction. */
type EndsByDirection = readonly [out: Ends, into: Ends];

const DROPPED: ReadVerdict = { fate: DROP, ends: undefined };
const ALLOWED: ReadVerdict = { fate: PASS, ends: undefined };
const UNKNOWN = -1;

export class Flows {
  /** Flows made. */
  made = 0;
  readonly #policy: Policy;
  readonly #table: FlowTable;
  readonly #fragments: Fragments;
  readonly #onError: (error: unknown) => void;
  readonly #fates: Float64Array;
  readonly #ends: (EndsByDirection | undefined)[];
  readonly #infos: (Flow | undefined)[];
  /** Keys of the answers to rewritten flows that had to give way; made for the first of them. */
  #gone: FlowTable | undefined;

  /** `fragments` is told when a flow's number gets another meaning; `onError` what the policy throws. */
  constructor(
    policy: Policy,
    capacity: number,
    fragments: Fragments,
    onError: (error: unknown) => void,
  ) {
    this.#policy = policy;
    this.#table = new FlowTable(capacity);
    this.#fragments = fragments;
    this.#onError = onError;
    this.#fates = new Float64Array(capacity);
    this.#ends = new Array<EndsByDirection | undefined>(capacity).fill(undefined);
    this.#infos = new Array<Flow | undefined>(capacity).fill(undefined);
  }

  /** Flows that had to give way. */
  get evicted(): number {
    return this.#table.evicted;
  }

  /** `DROP`, `PASS`, or the ms that its packets are held back. */
  fate(flow: number): number {
    return this.#fates[flow]!;
  }

  /** The ends that its packets of this direction get; undefined when they keep theirs. */
  ends(flow: number, direction: Direction): Ends | undefined {
    return this.#ends[flow]?.[direction];
  }

  /** As the policy saw it. */
  info(flow: number): Flow {
    return this.#infos[flow]!;
  }

  /** Drops the rest of a flow. */
  doom(flow: number): void {
    this.#fates[flow] = DROP;
  }

  /**
   * The flow of a packet, which the policy is asked about when it is new; -1 when it is in another's way,
   * or answers a rewritten flow that is forgotten: it cannot be given the ends that belong to it.
   */
  flowOf(bytes: Uint8Array, fields: FlowFields, direction: Direction): number {
    const table = this.#table;
    table.read(bytes, fields, direction);
    const flow = table.find();
    if (flow < 0) {
      if (this.#answersForgotten(bytes, fields, direction)) return UNKNOWN;
      return this.#make(bytes, fields, direction);
    }
    if (this.#isInTheWay(flow, direction)) return UNKNOWN;
    table.touch(flow);
    return flow;
  }

  /** The flow of a packet that an error in the direction `errors` tells about, if it is known; else -1. */
  toldAbout(bytes: Uint8Array, fields: FlowFields, errors: Direction): number {
    this.#table.read(bytes, fields, errors === Direction.OUT ? Direction.IN : Direction.OUT);
    const flow = this.#table.find();
    // It went the other way, and is quoted as it was seen where the error comes from.
    return flow < 0 || this.#isInTheWay(flow, errors) ? UNKNOWN : flow;
  }

  /** Of a rewritten flow each key is for packets of one direction. */
  #isInTheWay(flow: number, direction: Direction): boolean {
    if (this.#ends[flow] === undefined) return false;
    return this.#table.foundFarKey !== (direction === Direction.IN);
  }

  #answersForgotten(bytes: Uint8Array, fields: FlowFields, direction: Direction): boolean {
    const gone = this.#gone;
    if (gone === undefined) return false;
    gone.read(bytes, fields, direction);
    const flow = gone.find();
    if (flow < 0 || gone.foundFarKey !== (direction === Direction.IN)) return false;
    gone.touch(flow);
    return true;
  }

  #forget(flow: number): void {
    this.#fragments.forget(flow);
    if (this.#ends[flow] === undefined) return;
    this.#gone ??= new FlowTable(this.#table.capacity);
    this.#gone.copyKey(this.#table, flow, this.info(flow).direction === 'out');
  }

  #make(bytes: Uint8Array, fields: FlowFields, direction: Direction): number {
    const info = describe(bytes, fields, direction);
    const { fate, ends } = this.#ask(info);
    const table = this.#table;
    if (table.oldest >= 0) this.#forget(table.oldest);
    const flow = table.add();
    this.made++;
    this.#fates[flow] = fate;
    this.#infos[flow] = info;
    this.#ends[flow] = undefined;
    const isFar = direction === Direction.IN && ends !== undefined;
    table.setKey(flow, isFar);
    if (ends === undefined) return flow;
    const { source, destination, addressBytes, sourcePort, destinationPort } = fields;
    const back: Ends = {
      source: copyOf(bytes, destination, addressBytes),
      sourcePort: destinationPort,
      destination: copyOf(bytes, source, addressBytes),
      destinationPort: sourcePort,
    };
    if (isFar) {
      table.readEnds(ends.destination, ends.destinationPort, ends.source, ends.sourcePort);
    } else {
      table.readEnds(ends.source, ends.sourcePort, ends.destination, ends.destinationPort);
    }
    const other = table.find();
    // These are the ends that it has.
    if (other === flow) return flow;
    this.#ends[flow] = isFar ? [back, ends] : [ends, back];
    // Another flow has these ends already: which of the two an answer belongs to nobody could tell.
    if (other >= 0) this.doom(flow);
    else table.setKey(flow, !isFar);
    return flow;
  }

  #ask(info: Flow): ReadVerdict {
    if (this.#policy.flow === undefined) return ALLOWED;
    try {
      return readFlowVerdict(this.#policy.flow(info), info);
    } catch (error) {
      this.#onError(error);
      return DROPPED;
    }
  }
}

function describe(bytes: Uint8Array, fields: FlowFields, direction: Direction): Flow {
  const { version, protocol, source, destination, sourcePort, destinationPort } = fields;
  return {
    version,
    protocol: nameOf(version, protocol),
    source: formatAddress(bytes, source, version),
    sourcePort,
    destination: formatAddress(bytes, destination, version),
    destinationPort,
    direction: direction === Direction.OUT ? 'out' : 'in',
  };
}

function nameOf(version: 4 | 6, protocol: number): Flow['protocol'] {
  if (protocol === IP_PROTOCOL_TCP) return 'tcp';
  if (protocol === IP_PROTOCOL_UDP) return 'udp';
  return protocol === (version === 4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6) ? 'icmp' : protocol;
}
