/** What a thread does with a kernel TUN device, or with one over a veth pair, owner or not. */

import { MAX_BUNDLE_PACKETS } from '../../limits.ts';
import { threadWriteRing, type WriteRing } from '../../os/write-ring.ts';
import type { Liveness } from '../../sync/participants.ts';
import type { BundleIndex } from '../../wire/bundle.ts';
import { lengthOf } from '../../wire/view.ts';
import {
  type Engine,
  type GiveResult,
  LINK_CLOSED,
  type LinkCapabilities,
  type LinkUser,
  type Offload,
  type Segmentation,
  TakeResult,
} from '../link.ts';
import { DirectPath } from './direct-path.ts';
import { Parking } from './parking.ts';
import { type FrameDevice, FramePath } from './frame-path.ts';
import { detached, type Path, refuseRest, takenOf } from './path.ts';
import { QueueSet } from './queue-set.ts';
import { SplitPath } from './split-path.ts';
import type { TunMemory } from './tun-memory.ts';
import { setCarrier } from './tun-requests.ts';

/** Bytes read at once when packets are thrown away: some dozens of ordinary packets. */
const SINK_BYTES = 0x40000;

/** Where packets go that nobody wants: one area for all links of the thread. */
let sink: Uint8Array | undefined;

/** Before anybody has joined there is nobody to wake. */
const NOBODY: Liveness = { isAlive: () => false };

/** How packets pass. */
export interface Passage {
  /** What the descriptors are of: the kernel's TUN, or packet sockets of a veth pair. */
  readonly medium: 'tun' | 'veth';
  readonly offload: Offload;
  /** Whether each packet has a virtio-net header in front, which a device can have without offload. */
  readonly headers: boolean;
  /** Whether changes that others make to the device can be seen. */
  readonly events: boolean;
  /** What of its work the kernel leaves to the link. */
  readonly segmentation: readonly Segmentation[];
  readonly engine: Engine;
}

export class TunLink {
  readonly kind: 'linux' | 'veth';
  readonly capabilities: LinkCapabilities;
  readonly #fds: readonly number[];
  readonly #shared: TunMemory;
  readonly #device: QueueDevice;
  readonly #path: Path;
  readonly #discarded = new TakeResult();
  #parking: Parking;
  #queue = 0;
  /** What this thread waits for, where there are several queues. */
  #waits: QueueSet | undefined;

  /**
   * `fds` are the descriptors this thread uses, one for each queue; they stay the caller's.
   *
   * @throws TunError `UNSUPPORTED` when the engine is to be io_uring, and cannot ({@link requireEngine}).
   */
  constructor(fds: readonly number[], shared: TunMemory, passage: Passage) {
    const { medium, offload, segmentation, engine, events } = passage;
    const ring = ringFor(engine);
    this.#fds = fds;
    this.#shared = shared;
    this.#parking = new Parking(fds[0]!, shared, NOBODY);
    this.#device = new QueueDevice(fds[0]!, shared, ring);
    this.kind = medium === 'veth' ? 'veth' : 'linux';
    this.#path = pathFor(passage, this.#device);
    this.capabilities = {
      engine: ring === undefined ? 'syscalls' : 'io_uring',
      offload,
      segmentation,
      carrier: medium === 'tun',
      queues: fds.length,
      events,
    };
  }

  get remainder(): Uint8Array {
    return this.#path.remainder;
  }

  /** The kernel knows all threads of the process, and wakes whoever polls. */
  join({ queue, liveness }: LinkUser): void {
    this.#queue = queue;
    this.#device.fd = this.fd;
    if (this.#fds.length > 1) {
      this.#waits ??= new QueueSet(this.#fds);
      this.waitFor(1 << queue);
    }
    this.#parking = new Parking(this.readiness, this.#shared, liveness);
  }

  waitFor(queues: number): void {
    this.#waits?.change(queues);
  }

  /** The descriptor of this thread's queue. */
  protected get fd(): number {
    return this.#fds[this.#queue]!;
  }

  /** The descriptor that is readable while packets are there that this thread waits for. */
  protected get readiness(): number {
    return this.#waits?.fd ?? this.fd;
  }

  /** Once this thread waits for nothing any more. */
  protected endWaiting(): void {
    this.#waits?.close();
  }

  createBuffer(bytes: number): Uint8Array {
    return this.#path.createBuffer(bytes);
  }

  take(
    bytes: Uint8Array,
    offset: number,
    maxPackets: number,
    result: TakeResult,
    queue: number = this.#queue,
  ): number {
    result.reset();
    if (this.#shared.closed) return LINK_CLOSED;
    const capacity = lengthOf(bytes);
    // A detached view has no bytes at all, and no caller takes into nothing.
    if (capacity === 0 || offset > capacity) throw detached();
    if (queue === this.#queue) return this.#path.take(bytes, offset, maxPackets, result);
    this.#device.fd = this.#fds[queue]!;
    try {
      return this.#path.take(bytes, offset, maxPackets, result);
    } finally {
      this.#device.fd = this.fd;
    }
  }

  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    result.reset();
    if (!this.#shared.closed) return this.#path.give(bytes, index, result);
    refuseRest(index, 0, result);
    return LINK_CLOSED;
  }

  settle(): void {
    // The kernel handled each packet when it was written.
  }

  park(participant: number, words: Int32Array, index: number, timeoutMs: number): void {
    if (!this.#shared.closed) this.#parking.park(participant, words, index, timeoutMs);
  }

  unpark(participant: number): void {
    if (!this.#shared.closed) this.#parking.unpark(participant);
  }

  setMediaConnected(connected: boolean): void {
    // The carrier of a veth is that of its other end, without which nothing passes.
    if (this.capabilities.carrier && !this.#shared.closed) setCarrier(this.fd, connected);
  }

  discardPending(result: TakeResult, queue: number = this.#queue): void {
    const total = this.#discarded;
    total.reset();
    if (this.#shared.closed) {
      result.reset();
      return;
    }
    sink ??= new Uint8Array(SINK_BYTES);
    // Bounded: more than the host's queue holds was sent after this call began.
    const most = this.#shared.hostQueueLength * this.#path.packetsPerRead;
    while (takenOf(total) <= most) {
      this.take(sink, 0, MAX_BUNDLE_PACKETS, result, queue);
      const whole = result.packets + result.remainderPackets;
      if (takenOf(result) + result.remainderPackets === 0) break;
      total.packets += whole;
      total.octets += result.octets + result.remainderOctets;
      total.oversize += result.oversize;
      total.unreadable += result.unreadable;
    }
    result.reset();
    result.packets = total.packets;
    result.octets = total.octets;
    result.oversize = total.oversize;
    result.unreadable = total.unreadable;
  }

  /** Its descriptors ended with the thread; what is left is the number of one of them. */
  bury(participant: number): void {
    this.#parking.forget(participant);
  }

  /** This thread parks no more and wakes nobody. */
  protected closeParking(): void {
    this.#parking.close();
  }
}

/**
 * Whether this thread can do what is asked for; to be called before anything is opened.
 *
 * @throws TunError `UNSUPPORTED` when the engine is to be io_uring, and cannot, with the reason.
 */
export function requireEngine(engine: Engine): void {
  ringFor(engine);
}

function ringFor(engine: Engine): WriteRing | undefined {
  return engine === 'syscalls' ? undefined : threadWriteRing(engine === 'io_uring');
}

function pathFor({ medium, offload, headers, segmentation }: Passage, device: QueueDevice): Path {
  if (medium === 'veth') return new FramePath(device);
  return headers && offload !== 'carry'
    ? new SplitPath(device, segmentation.includes('uso'))
    : new DirectPath(device, offload === 'carry');
}

/** One queue of the device at a time, as the path sees it. */
class QueueDevice implements FrameDevice {
  fd: number;
  readonly ring: WriteRing | undefined;
  readonly #shared: TunMemory;

  constructor(fd: number, shared: TunMemory, ring: WriteRing | undefined) {
    this.fd = fd;
    this.ring = ring;
    this.#shared = shared;
  }

  get mtu(): number {
    return this.#shared.mtu;
  }

  end(): void {
    this.#shared.close();
  }
}
