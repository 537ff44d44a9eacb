/**
 * The parts of an in-memory host, put together:
 *
 * ```
 *   ping, UDP, send ──► Transmitter ──► FaultLine (send) ────► device.sendQueue ──► Link.take
 *        ▲   answers ───────┘
 *   ICMP, UDP ◄──────── Receiver ◄───── FaultLine (receive) ◄─ device.receiveQueue ◄ Link.give
 * ```
 *
 * All of it runs on one thread: within the user's calls to the host, within `give`, from the timer
 * of the scheduler, and within `wait`.
 */

import { TunError, TunErrorCode } from '../../errors.ts';
import { MAX_ENTRY_BYTES } from '../../limits.ts';
import type { LinkConfig } from '../link.ts';
import type { Clock } from './clock.ts';
import { MemoryDevice } from './device.ts';
import { DeviceWord } from './device-memory.ts';
import { checkDirections, faultPlan, type HostFaults } from './fault-options.ts';
import { FaultLine } from './faults.ts';
import { Icmp } from './icmp.ts';
import type { HostProcessing } from './memory-link.ts';
import { releaseName, takeName } from './names.ts';
import { Pings } from './ping.ts';
import { Random } from './random.ts';
import { Receiver } from './receiver.ts';
import { Scheduler } from './scheduler.ts';
import { createReceiveStatistics, type HostStatistics } from './statistics.ts';
import { Transmitter } from './transmitter.ts';
import { Udp } from './udp.ts';

/** Random streams: the directions do not influence each other. */
const SEND_STREAM = 1;
const RECEIVE_STREAM = 2;

export class HostStack implements HostProcessing {
  readonly transmitter: Transmitter;
  readonly receiver: Receiver;
  readonly pings: Pings;
  readonly udp: Udp;
  readonly #scheduler: Scheduler;
  readonly #sendLine: FaultLine;
  readonly #receiveLine: FaultLine;
  readonly #received = createReceiveStatistics();
  /** One entry taken from the receive queue. */
  readonly #incoming = new Uint8Array(MAX_ENTRY_BYTES);
  readonly #taken = { packets: 0, octets: 0 };
  #processing = false;
  #device: MemoryDevice | undefined;

  constructor(seed: number, clock: Clock, faults: HostFaults) {
    checkDirections(faults);
    this.#scheduler = new Scheduler(clock);
    this.#sendLine = new FaultLine(
      faultPlan(faults.send ?? {}, 'send'),
      new Random(seed, SEND_STREAM),
      this.#scheduler,
      (bytes, offset, length) => this.transmitter.arrive(bytes, offset, length),
    );
    this.#receiveLine = new FaultLine(
      faultPlan(faults.receive ?? {}, 'receive'),
      new Random(seed, RECEIVE_STREAM),
      this.#scheduler,
      (bytes, offset, length) => this.receiver.receive(bytes, offset, length),
    );
    const device = (): MemoryDevice | undefined => this.#device;
    this.transmitter = new Transmitter(this.#sendLine);
    this.pings = new Pings(this.transmitter, clock);
    const icmp = new Icmp(this.transmitter, this.pings, this.#received);
    this.udp = new Udp(this.transmitter, this.#received, device, (packet) =>
      icmp.sendPortUnreachable(packet),
    );
    this.receiver = new Receiver(this.#received, device, icmp, this.udp);
  }

  /** The device an adapter has open on this host now. */
  get device(): MemoryDevice | undefined {
    return this.#device;
  }

  get statistics(): HostStatistics {
    return {
      sent: { ...this.transmitter.statistics },
      received: { ...this.#received },
      faults: {
        send: { ...this.#sendLine.statistics },
        receive: { ...this.#receiveLine.statistics },
      },
    };
  }

  setFaults(faults: HostFaults): void {
    checkDirections(faults);
    const send = faults.send === undefined ? undefined : faultPlan(faults.send, 'send');
    const receive = faults.receive === undefined ? undefined : faultPlan(faults.receive, 'receive');
    if (send !== undefined) this.#sendLine.plan = send;
    if (receive !== undefined) this.#receiveLine.plan = receive;
  }

  /** Makes the host's device. */
  attach(config: LinkConfig, receiveQueueLength: number): MemoryDevice {
    if (this.#device !== undefined) {
      throw new TunError(
        TunErrorCode.INVALID_STATE,
        `this MemoryHost has its one device "${this.#device.name}" already; close that adapter first, or make another MemoryHost`,
      );
    }
    if (config.offload === 'carry') {
      throw new TunError(
        TunErrorCode.UNSUPPORTED,
        "the in-process link makes no super-packets, so there is nothing to carry; leave offload out, or say 'off'",
      );
    }
    const { persist, owner, group } = config;
    if (persist === true || owner !== undefined || group !== undefined) {
      throw new TunError(
        TunErrorCode.UNSUPPORTED,
        'a device of the in-process link is gone with its adapter and known in this process alone; leave persist, owner and group out',
      );
    }
    if (config.netns !== undefined) {
      throw new TunError(
        TunErrorCode.UNSUPPORTED,
        `the in-process link knows no network namespaces, so netns "${config.netns}" cannot be entered; leave netns out`,
      );
    }
    const name = takeName(config.name);
    try {
      this.#use(new MemoryDevice(name, config, receiveQueueLength));
    } catch (error) {
      releaseName(name);
      throw error;
    }
    return this.#device!;
  }

  process(): void {
    if (this.#processing) return;
    this.#processing = true;
    try {
      this.#received.refused += this.#device?.memory.reset(DeviceWord.REFUSED) ?? 0;
      while (this.#takeIncoming()) {
        this.#receiveLine.offer(this.#incoming, 0, this.#taken.octets);
      }
    } finally {
      this.#processing = false;
    }
  }

  delayMs(): number {
    return this.#scheduler.delayMs();
  }

  pump(): void {
    this.#scheduler.pump();
  }

  #takeIncoming(): boolean {
    const memory = this.#device?.memory;
    return memory !== undefined && memory.takeReceived(this.#incoming, this.#taken) > 0;
  }

  #use(device: MemoryDevice): void {
    this.#device = device;
    this.transmitter.device = device;
    device.onGone = () => {
      releaseName(device.name);
      this.#device = undefined;
      this.transmitter.device = undefined;
      this.#sendLine.clear();
      this.#receiveLine.clear();
      this.pings.clear();
    };
  }
}
