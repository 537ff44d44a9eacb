/**
 * Applies a policy to bundles, both ways. Once a flow is known its packets cost no allocation, unless the
 * policy asks to see each.
 *
 * ```
 *  bundle ──► decide: malformed? fragment? error about a flow? known flow? new: ask ──► drop
 *                                                                                  ├──► rewrite, keep
 *                                                                                  └──► DelayLine ──► onDue
 * ```
 */

import { CopyArea } from '../copy.ts';
import { ENTRY_HEADER_BYTES, entryBytes } from '../limits.ts';
import { HOST_LITTLE_ENDIAN, readSizeWord } from '../wire/bundle.ts';
import { FlowFields, FlowPart, readFlow } from '../wire/flow.ts';
import { readdress } from '../wire/readdress.ts';
import { DelayLine, type OnDue } from './delay-line.ts';
import { Flows } from './flows.ts';
import { Direction } from './flow-table.ts';
import { Fragments } from './fragments.ts';
import type { Policy } from './policy.ts';
import { createPolicyStatistics, type PolicyStatistics } from './policy-statistics.ts';
import { DROP, PASS, readPacketVerdict } from './verdict.ts';

/** Flows known at a time, by default. */
const DEFAULT_MAX_FLOWS = 4096;

/** What `new PolicyFilter` takes. */
export interface PolicyFilterOptions {
  /** Bytes of the largest packet: the adapter's MTU. */
  readonly mtu: number;
  /** Flows known at a time; over it the one longest silent is forgotten, and asked about anew. Default 4096. */
  readonly maxFlows?: number;
  /** Gets packets that were held back. When it throws, they and all that are still held back are dropped. */
  readonly onDue: OnDue;
  /** Told what a policy threw, each time. What it throws itself is passed over. */
  readonly onPolicyError?: ((error: unknown) => void) | undefined;
}

export class PolicyFilter {
  readonly #policy: Policy;
  readonly #flows: Flows;
  readonly #fragments = new Fragments();
  readonly #delays: DelayLine;
  readonly #fields = new FlowFields();
  readonly #inner = new FlowFields();
  readonly #counts = createPolicyStatistics();
  readonly #onError: (error: unknown) => void;
  #area: CopyArea | undefined;

  constructor(policy: Policy, options: PolicyFilterOptions) {
    this.#policy = policy;
    this.#onError = (error) => {
      this.#counts.policyErrors++;
      try {
        options.onPolicyError?.(error);
      } catch {
        // It was only told; the packets behind this one are still to be decided about.
      }
    };
    const maxFlows = options.maxFlows ?? DEFAULT_MAX_FLOWS;
    this.#flows = new Flows(policy, maxFlows, this.#fragments, this.#onError);
    this.#delays = new DelayLine(entryBytes(options.mtu), (bytes, length, direction) => {
      const packets = packetsIn(bytes, length);
      try {
        options.onDue(bytes, length, direction);
        this.#countPassed(direction, packets);
      } catch {
        // Who took them is gone.
        this.#counts.delayDropped += packets;
        this.close();
      }
    });
  }

  /** What it did so far. A snapshot. */
  get statistics(): PolicyStatistics {
    const { made: flows, evicted } = this.#flows;
    return { ...this.#counts, flows, evicted, held: this.#delays.held };
  }

  /**
   * Applies the policy to the bundle in the first `length` bytes of `bytes`, as a `Device` gave it or is
   * to take it. What passes is moved to its beginning; returns the bytes of that, 0 for none.
   */
  apply(bytes: Uint8Array, length: number, direction: Direction): number {
    let kept = 0;
    let passed = 0;
    for (let offset = 0; offset < length; ) {
      const size = readSizeWord(bytes, offset, HOST_LITTLE_ENDIAN);
      const entry = entryBytes(size);
      const fate = this.#decide(bytes, offset + ENTRY_HEADER_BYTES, size, direction);
      if (fate === PASS) {
        if (kept !== offset) bytes.copyWithin(kept, offset, offset + entry);
        kept += entry;
        passed++;
      } else if (fate > 0) {
        this.#hold(bytes, offset, entry, direction, fate);
      }
      offset += entry;
    }
    this.#countPassed(direction, passed);
    return kept;
  }

  /** Ends it: what is held back is dropped, and counted. Idempotent. */
  close(): void {
    this.#counts.delayDropped += this.#delays.close();
  }

  /** {@link DROP}, {@link PASS} or ms. Drops are counted here. */
  #decide(bytes: Uint8Array, offset: number, size: number, direction: Direction): number {
    const fields = this.#fields;
    const part = readFlow(bytes, offset, size, fields);
    if (part === FlowPart.MALFORMED) {
      this.#counts.malformed++;
      return DROP;
    }
    if (part === FlowPart.LATER_FRAGMENT) {
      return this.#decideLaterFragment(bytes, offset, size, direction);
    }
    if (fields.inner > 0) {
      const about = this.#toldAbout(bytes, direction);
      if (about >= 0) return this.#decideError(bytes, offset, size, about, direction);
    }
    const flow = this.#flows.flowOf(bytes, fields, direction);
    if (flow < 0) {
      this.#counts.conflicts++;
      return DROP;
    }
    const isFirst = part === FlowPart.FIRST_FRAGMENT;
    // Before a rewrite changes what tells the datagram.
    const place = isFirst ? this.#fragments.note(bytes, fields, direction, flow) : 0;
    if (this.#flows.fate(flow) === DROP) {
      this.#counts.dropped++;
      return DROP;
    }
    const fate = this.#pass(bytes, offset, size, part, flow, direction);
    if (isFirst) this.#fragments.decide(place, fate);
    return fate;
  }

  /** A later fragment goes where its first went, and not before it. */
  #decideLaterFragment(
    bytes: Uint8Array,
    offset: number,
    size: number,
    direction: Direction,
  ): number {
    const place = this.#fragments.find(bytes, this.#fields, direction);
    if (place < 0) {
      this.#counts.strayFragments++;
      return DROP;
    }
    const flow = this.#fragments.flowAt(place);
    const first = this.#fragments.fateAt(place);
    if (first === DROP || this.#flows.fate(flow) === DROP) {
      this.#counts.dropped++;
      return DROP;
    }
    const fate = this.#pass(bytes, offset, size, FlowPart.LATER_FRAGMENT, flow, direction);
    return fate === DROP ? DROP : Math.max(first, fate);
  }

  /**
   * The known flow that an ICMP error tells about, whose packet went the other way; or -1. Errors come
   * from any router on the way, and go to whoever sent what they quote, to nobody else; away from the
   * command only from who was to get it. Any other error is a packet like any.
   */
  #toldAbout(bytes: Uint8Array, direction: Direction): number {
    const { inner, end, version, source, destination, addressBytes } = this.#fields;
    const quoted = this.#inner;
    const part = readFlow(bytes, inner, end - inner, quoted, true);
    if (part === FlowPart.MALFORMED || part === FlowPart.LATER_FRAGMENT) return -1;
    if (quoted.version !== version) return -1;
    if (!isSame(bytes, destination, quoted.source, addressBytes)) return -1;
    const isOut = direction === Direction.OUT;
    if (isOut && !isSame(bytes, source, quoted.destination, addressBytes)) return -1;
    return this.#flows.toldAbout(bytes, quoted, direction);
  }

  #decideError(
    bytes: Uint8Array,
    offset: number,
    size: number,
    flow: number,
    direction: Direction,
  ): number {
    if (this.#flows.fate(flow) === DROP) {
      this.#counts.dropped++;
      return DROP;
    }
    if (this.#flows.ends(flow, direction) === undefined) {
      return this.#pass(bytes, offset, size, FlowPart.WHOLE, flow, direction);
    }
    this.#counts.untranslated++;
    return DROP;
  }

  /** A packet of a flow that is allowed. The policy sees it as the command does. */
  #pass(
    bytes: Uint8Array,
    offset: number,
    size: number,
    part: FlowPart,
    flow: number,
    direction: Direction,
  ): number {
    const fate = this.#flows.fate(flow);
    if (direction === Direction.IN) this.#rewrite(bytes, part, flow, direction);
    if (this.#policy.packet !== undefined) {
      const wanted = this.#ask(bytes, offset, size, flow, direction);
      if (wanted === DROP) {
        this.#counts.dropped++;
        return DROP;
      }
      if (direction === Direction.OUT) this.#rewrite(bytes, part, flow, direction);
      return Math.max(fate, wanted);
    }
    if (direction === Direction.OUT) this.#rewrite(bytes, part, flow, direction);
    return fate;
  }

  #ask(
    bytes: Uint8Array,
    offset: number,
    size: number,
    flow: number,
    direction: Direction,
  ): number {
    try {
      const way = direction === Direction.OUT ? 'out' : 'in';
      const info = this.#flows.info(flow);
      return readPacketVerdict(this.#policy.packet!(bytes, offset, size, info, way));
    } catch (error) {
      this.#onError(error);
      this.#flows.doom(flow);
      return DROP;
    }
  }

  #rewrite(bytes: Uint8Array, part: FlowPart, flow: number, direction: Direction): void {
    const ends = this.#flows.ends(flow, direction);
    if (ends === undefined) return;
    readdress(bytes, this.#fields, part, ends);
    this.#counts.rewritten++;
  }

  #hold(
    bytes: Uint8Array,
    offset: number,
    length: number,
    direction: Direction,
    delayMs: number,
  ): void {
    if (this.#area?.matches(bytes) !== true) this.#area = new CopyArea(bytes);
    if (this.#delays.add(this.#area, offset, length, direction, delayMs)) this.#counts.delayed++;
    else this.#counts.delayFull++;
  }

  #countPassed(direction: Direction, packets: number): void {
    if (direction === Direction.OUT) this.#counts.passedOut += packets;
    else this.#counts.passedIn += packets;
  }
}

/** Whether the `length` bytes at both offsets are the same. */
function isSame(bytes: Uint8Array, one: number, other: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[one + i] !== bytes[other + i]) return false;
  return true;
}

function packetsIn(bytes: Uint8Array, length: number): number {
  let packets = 0;
  for (let offset = 0; offset < length; packets++) {
    offset += entryBytes(readSizeWord(bytes, offset, HOST_LITTLE_ENDIAN));
  }
  return packets;
}
