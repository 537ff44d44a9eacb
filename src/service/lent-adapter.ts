/**
 * An adapter whose TUN descriptor a client has: it moves packets itself, and the host keeps control.
 *
 * What stops the packets of somebody who has the descriptor: detaching the queue ends what he can read, and
 * purges it; but `write` goes on to work until the interface is down. Going down costs the interface its routes and IPv6
 * addresses, so that going up again sets them anew: by an adapter that is attached for that moment.
 */

import { closeSync } from 'node:fs';
import { TunError, TunErrorCode } from '../errors.ts';
import {
  Adapter,
  type AdapterChange,
  type AdapterProperties,
  AdapterState,
  type AdapterStatistics,
  MediaState,
  PowerState,
  type SettablePower,
} from '../index.ts';
import {
  attachQueue,
  detachQueue,
  duplicateDescriptor,
  setTunCarrier,
  tunFlags,
} from '../os/tun-queue.ts';
import { openOptions } from './adapter-source.ts';
import type { AdapterConfig, InterfaceStatistics } from './control-protocol.ts';
import {
  type InterfaceReference,
  readInterfaceStatistics,
  setInterfaceUp,
  watchRemoval,
} from './interface.ts';

/** What a host needs of an adapter, whoever moves its packets. */
export type Backing = Pick<
  Adapter,
  | 'name'
  | 'luidIndex'
  | 'deviceName'
  | 'state'
  | 'power'
  | 'media'
  | 'mtu'
  | 'addresses'
  | 'properties'
  | 'statistics'
  | 'pause'
  | 'restart'
  | 'setPower'
  | 'configure'
  | 'close'
>;

/** Told of changes, as the events of an adapter. */
export interface LentEvents {
  state(state: AdapterState, previous: AdapterState): void;
  power(power: PowerState): void;
  /** Somebody has removed the interface. */
  removed(): void;
}

/** Addresses that the system makes itself. */
const LINK_LOCAL = 'fe80:';

export class LentAdapter implements Backing {
  readonly name: string;
  readonly luidIndex: number;
  readonly deviceName: string;
  readonly media: MediaState = MediaState.CONNECTED;
  readonly properties: AdapterProperties;
  /** The adapter's own, as they were when it was lent. */
  readonly statistics: AdapterStatistics;
  /** Of the TUN, the same open file as the client's. */
  readonly fd: number;
  /** Whether packets have virtio-net headers. */
  readonly headers: boolean;
  #config: AdapterConfig;
  readonly #interface: InterfaceReference;
  readonly #events: LentEvents;
  #state: AdapterState;
  #power: PowerState;
  #mtu: number;
  #addresses: readonly string[];
  #passes: boolean;
  #open = true;
  readonly #endWatch: () => Promise<void>;

  /**
   * Takes the adapter's device out of its hands: it is closed, and the device stays with its first queue.
   *
   * Rejects with TunError `UNSUPPORTED` for an adapter in process, or one whose queue cannot be detached; it goes on then.
   */
  static async lend(
    adapter: Adapter,
    config: AdapterConfig,
    events: LentEvents,
  ): Promise<LentAdapter> {
    const loan = adapter.handOver();
    let lent: LentAdapter;
    try {
      if (!tunFlags(loan.fds[0]!).multiQueue) throw notDetachable(adapter.name);
      lent = LentAdapter.#of(adapter, duplicateDescriptor(loan.fds[0]!), config, events);
      loan.keepDevice();
      // To those who watch it is the same adapter, and goes on.
      adapter.removeAllListeners();
      await adapter.close();
    } finally {
      loan.release();
    }
    if (lent.#passes) setTunCarrier(lent.fd, true);
    else lent.#shut();
    return lent;
  }

  /** Takes `fd` over, also when it fails. */
  static #of(adapter: Adapter, fd: number, config: AdapterConfig, events: LentEvents): LentAdapter {
    try {
      return new LentAdapter(adapter, fd, config, events);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  private constructor(adapter: Adapter, fd: number, config: AdapterConfig, events: LentEvents) {
    this.name = adapter.name;
    this.luidIndex = adapter.luidIndex;
    this.deviceName = adapter.deviceName;
    this.properties = adapter.properties;
    this.statistics = adapter.statistics;
    this.fd = fd;
    this.headers = tunFlags(fd).headers;
    this.#config = config;
    this.#interface = { index: adapter.luidIndex, netns: config.netns };
    this.#events = events;
    this.#state = adapter.state;
    this.#power = adapter.power;
    this.#mtu = adapter.mtu;
    this.#addresses = adapter.addresses;
    this.#passes = this.#accepts();
    this.#endWatch = watchRemoval(this.#interface, () => events.removed());
  }

  get state(): AdapterState {
    return this.#state;
  }

  get power(): PowerState {
    return this.#power;
  }

  get mtu(): number {
    return this.#mtu;
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** What the kernel counted, since the interface was made. */
  get interfaceStatistics(): InterfaceStatistics {
    return readInterfaceStatistics(this.#interface);
  }

  async pause(): Promise<void> {
    await this.#change(AdapterState.PAUSED, this.#power);
  }

  async restart(): Promise<void> {
    await this.#change(AdapterState.RUNNING, this.#power);
  }

  async setPower(power: SettablePower): Promise<void> {
    const known: readonly string[] = [PowerState.D0, PowerState.D1, PowerState.D2, PowerState.D3];
    if (!known.includes(power)) {
      throw new TypeError(`power is "${String(power)}"; give 'D0', 'D1', 'D2' or 'D3'`);
    }
    await this.#change(this.#state, power);
  }

  /** Rejects with TunError `INVALID_STATE` while no packet passes: the interface is down then. */
  async configure(change: AdapterChange): Promise<void> {
    if (!this.#passes) {
      throw new TunError(
        TunErrorCode.INVALID_STATE,
        `"${this.name}" is lent and stopped, and its interface down; restart it, then change it`,
      );
    }
    await this.#attached(async (adapter) => {
      await adapter.configure(change);
      this.#mtu = adapter.mtu;
      this.#addresses = adapter.addresses;
      this.#config = { ...this.#config, ...change };
    });
  }

  /**
   * Takes the device back, for an adapter with queues of its own: the client's is detached for good. To be
   * called once the client is gone; the descriptor that it may still have is of a detached queue.
   *
   * Rejects as `Adapter.open`.
   */
  async takeBack(): Promise<Adapter> {
    await this.#endWatch();
    this.#shut();
    const adapter = await this.#openAnother(this.#config);
    if (this.#state === AdapterState.PAUSED) await adapter.pause();
    if (this.#power !== PowerState.D0) await adapter.setPower(this.#power as SettablePower);
    this.#release();
    return adapter;
  }

  /** Stops the client's packets and lets go of the device. Safe to call twice. */
  async close(): Promise<void> {
    if (!this.#open) return;
    try {
      this.#shut();
    } catch {
      // The interface is gone, and nothing passes.
    }
    this.#release();
    this.#moveTo(AdapterState.HALTED);
    await this.#endWatch();
  }

  #accepts(): boolean {
    return this.#state === AdapterState.RUNNING && this.#power === PowerState.D0;
  }

  async #change(state: AdapterState, power: PowerState): Promise<void> {
    const before = this.#power;
    this.#moveTo(state);
    this.#power = power;
    if (power !== before) this.#events.power(power);
    const passes = this.#accepts();
    if (passes === this.#passes) return;
    this.#passes = passes;
    if (!passes) this.#shut();
    else await this.#attached(async () => undefined);
  }

  #moveTo(state: AdapterState): void {
    const before = this.#state;
    this.#state = state;
    if (state !== before) this.#events.state(state, before);
  }

  /** No packet passes either way when it returns. */
  #shut(): void {
    setInterfaceUp(this.#interface, false);
    detachQueue(this.fd);
  }

  /** Sets the interface up, with addresses and routes, and lets packets pass to the client again. */
  async #attached(use: (adapter: Adapter) => Promise<void>): Promise<void> {
    const adapter = await this.#openAnother({ ...this.#config, queues: 1 });
    try {
      await use(adapter);
      // Before the other one goes: the last to go would take the offload with it.
      attachQueue(this.fd);
    } finally {
      await adapter.close();
    }
    setTunCarrier(this.fd, true);
  }

  /** An adapter on queues of its own, with all that going down has cost the interface. */
  #openAnother(config: AdapterConfig): Promise<Adapter> {
    const addresses = this.#addresses.filter((address) => !address.startsWith(LINK_LOCAL));
    return Adapter.open(this.name, { ...openOptions(config), addresses, mtu: this.#mtu });
  }

  #release(): void {
    this.#open = false;
    closeSync(this.fd);
  }
}

function notDetachable(name: string): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    `"${name}" was made without several queues, so that its descriptor could not be taken back; make it anew, with "descriptor" in its access entry`,
  );
}
