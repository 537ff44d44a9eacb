/** One adapter of the host, with the socket of its device. */

import { TunError, TunErrorCode } from '../errors.ts';
import {
  Adapter,
  type AdapterChange,
  type AdapterProperties,
  type Device,
  type SettablePower,
} from '../index.ts';
import { type Access, resolveAccess } from './access.ts';
import { type Sourced, sourceAdapter } from './adapter-source.ts';
import type {
  AccessConfig,
  AdapterConfig,
  AdapterInfo,
  ClientInfo,
  StatisticsEntry,
} from './control-protocol.ts';
import type { Deadlines } from './deadlines.ts';
import type { DeviceConnection, Opened } from './device-connection.ts';
import { type DeviceOwner, DeviceServer, welcomeOf } from './device-server.ts';
import type { HostServices } from './host-services.ts';
import { removeInterface } from './interface.ts';
import { lendTo } from './lending.ts';
import { type Backing, LentAdapter, type LentEvents } from './lent-adapter.ts';
import type { Listener } from './listener.ts';
import type { HostLog } from './log.ts';
import { type EventReference, lentEvents, relayEvents } from './relay.ts';
import { Turns } from './turns.ts';

/** In front of a device's name, as the original has it. */
const DEVICE_PATH = '\\\\.\\Device\\';

export class HostedAdapter implements DeviceOwner {
  /** Of the device's name, as long as it is there: that of the interface, but for one that is taken. */
  readonly index: number;
  /** `WINTUN7` */
  readonly device: string;
  /** Whether its interface was there before the host made it. */
  readonly adopted: boolean;
  readonly log: HostLog;
  readonly version: string;
  readonly deadlines: Deadlines;
  readonly #services: HostServices;
  readonly #server: DeviceServer;
  #listener: Listener | undefined;
  readonly #socket: string;
  #adapter: Adapter | LentAdapter;
  #config: AdapterConfig;
  /** Of what is done to the adapter. */
  readonly #turns = new Turns();
  #origin: AdapterInfo['origin'];
  #access: Access;
  #closing: Promise<void> | undefined;

  /**
   * Makes or adopts the adapter and publishes its device. Rejects as `Adapter.create` does, or with TypeError
   * for a user or group that is not known; nothing is left then.
   */
  static async open(
    config: AdapterConfig,
    origin: AdapterInfo['origin'],
    services: HostServices,
  ): Promise<HostedAdapter> {
    const access = resolveAccess(config.access);
    const { adapter, adopted } = await sourceAdapter(config);
    try {
      const hosted = new HostedAdapter({ adapter, adopted }, config, access, origin, services);
      await hosted.#publish();
      const { name, luidIndex } = adapter;
      services.log.info(adopted ? 'adapter adopted' : 'adapter made', { adapter: name, luidIndex });
      return hosted;
    } catch (error) {
      await adapter.close();
      throw error;
    }
  }

  private constructor(
    { adapter, adopted }: Sourced,
    config: AdapterConfig,
    access: Access,
    origin: AdapterInfo['origin'],
    services: HostServices,
  ) {
    this.#adapter = adapter;
    this.index = services.indexFor(adapter.luidIndex);
    this.device = `WINTUN${this.index}`;
    this.#origin = origin;
    this.adopted = adopted;
    this.log = services.log;
    this.version = services.version;
    this.deadlines = services.deadlines;
    this.#services = services;
    this.#config = config;
    this.#access = access;
    this.#server = new DeviceServer(this);
    this.#socket = services.stage.pathOf(this.device);
    this.#relay(adapter);
  }

  /** At present: it is another one while the descriptor is lent, and after it. */
  get adapter(): Backing {
    return this.#adapter;
  }

  /** As it was made, with what was changed since. */
  get config(): AdapterConfig {
    return this.#config;
  }

  get origin(): AdapterInfo['origin'] {
    return this.#origin;
  }

  /** The configuration has it now. */
  claim(): void {
    this.#origin = 'config';
  }

  get name(): string {
    return this.adapter.name;
  }

  get access(): Access {
    return this.#access;
  }

  get clients(): ClientInfo[] {
    return this.#server.clients;
  }

  get info(): AdapterInfo {
    const { adapter, clients } = this;
    const { routes = [], persist = false, access = {} } = this.#config;
    return {
      name: adapter.name,
      luidIndex: this.index,
      device: `${DEVICE_PATH}${this.device}`,
      link: this.properties.link,
      state: adapter.state,
      power: adapter.power,
      media: adapter.media,
      mtu: adapter.mtu,
      addresses: adapter.addresses,
      socket: this.#socket,
      ...{ routes, persist, access, origin: this.origin },
      lent: this.#adapter instanceof LentAdapter,
      clients,
    };
  }

  get properties(): AdapterProperties {
    return this.adapter.properties;
  }

  get statistics(): StatisticsEntry {
    return {
      adapter: this.name,
      device: this.device,
      time: performance.timeOrigin + performance.now(),
      statistics: this.adapter.statistics,
      ...(this.#adapter instanceof LentAdapter && {
        interface: this.#adapter.interfaceStatistics,
      }),
    };
  }

  pause(): Promise<void> {
    return this.#turns.take(() => this.#adapter.pause());
  }

  restart(): Promise<void> {
    return this.#turns.take(() => this.#adapter.restart());
  }

  setPower(power: SettablePower): Promise<void> {
    return this.#turns.take(() => this.#adapter.setPower(power));
  }

  /** Changes what is given. Rejects as `adapter.configure` does; what comes after what failed is not changed. */
  change({ access, ...change }: AdapterChange & { access?: AccessConfig }): Promise<void> {
    return this.#turns.take(async () => {
      const resolved = access === undefined ? undefined : resolveAccess(access);
      if (Object.keys(change).length > 0) await this.#adapter.configure(change);
      this.#config = { ...this.#config, ...change, ...(access !== undefined && { access }) };
      if (resolved !== undefined) {
        this.#access = resolved;
        this.#server.recheck();
      }
      this.#services.emit({ event: 'adapter.changed', adapter: this.name, info: this.info });
    });
  }

  /** Halts the adapter, telling its clients why; a persistent interface stays. Safe to call twice. */
  close(why: TunError = closedError(this.name)): Promise<void> {
    this.#closing ??= this.#close(why);
    return this.#closing;
  }

  /** Halts the adapter and removes its interface. */
  async remove(): Promise<void> {
    const { persist = false, netns, link } = this.#config;
    const index = this.adapter.luidIndex;
    const lent = this.#adapter instanceof LentAdapter;
    await this.close();
    if ((persist || lent) && link !== 'memory') removeInterface({ index, netns });
  }

  nextClientId(): number {
    return this.#services.nextClientId();
  }

  connected(client: ClientInfo): void {
    this.#services.emit({ event: 'client.connected', ...this.#reference, client });
  }

  disconnected(client: ClientInfo): void {
    this.#services.emit({ event: 'client.disconnected', ...this.#reference, client });
  }

  refused(reason: string): void {
    this.#services.refused(reason);
  }

  openDevice(): Promise<Device> {
    return this.#turns.take(() => {
      if (this.#adapter instanceof Adapter) return Promise.resolve(this.#adapter.openDevice());
      const message = `the descriptor of ${this.device} is lent; it is taken back when that client is done`;
      return Promise.reject(new TunError(TunErrorCode.BUSY, message));
    });
  }

  lend(connection: DeviceConnection): Promise<Opened> {
    return this.#turns.take(async () => {
      const adapter = this.#adapter;
      if (!(adapter instanceof Adapter)) throw closedError(this.name);
      const events = this.#lentEvents();
      const { config, access } = this;
      const welcome = welcomeOf(this);
      const { lent, opened } = await lendTo({
        ...{ adapter, config, access, connection, welcome, events },
      });
      this.#adapter = lent;
      return opened;
    });
  }

  takeBack(): void {
    this.#turns
      .take(async () => {
        if (!(this.#adapter instanceof LentAdapter) || this.#closing !== undefined) return;
        this.#adapter = await this.#adapter.takeBack();
        this.#relay(this.#adapter);
      })
      .catch((error: unknown) => {
        this.log.error((error as Error).message, { adapter: this.name });
        this.#services.lost(this);
      });
  }

  async #publish(): Promise<void> {
    const { stage } = this.#services;
    this.#listener = await stage.listen(this.device, (incoming) => this.#server.accept(incoming));
  }

  async #close(why: TunError): Promise<void> {
    await this.#listener?.close();
    this.#server.end(why);
    await this.#turns.take(() => this.#adapter.close());
    this.#services.emit({ event: 'adapter.removed', ...this.#reference });
  }

  get #reference(): EventReference {
    return { adapter: this.name, device: this.device };
  }

  #lentEvents(): LentEvents {
    return lentEvents(
      this.#reference,
      (event) => this.#services.emit(event),
      () => this.#services.lost(this),
    );
  }

  #relay(adapter: Adapter): void {
    relayEvents(
      adapter,
      this.#reference,
      (event) => this.#services.emit(event),
      () => this.#services.lost(this),
    );
  }
}

function closedError(name: string): TunError {
  return new TunError(TunErrorCode.FORCED_CLOSED, `the adapter "${name}" was closed by its host`);
}
