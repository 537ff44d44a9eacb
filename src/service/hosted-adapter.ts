/** One adapter of the host, with the socket of its device. */

import { TunError, TunErrorCode } from '../errors.ts';
import type { Adapter, AdapterChange, AdapterProperties, SettablePower } from '../index.ts';
import { type Access, resolveAccess } from './access.ts';
import { sourceAdapter } from './adapter-source.ts';
import type {
  AccessConfig,
  AdapterConfig,
  AdapterInfo,
  ClientInfo,
  ControlEvent,
  StatisticsEntry,
} from './control-protocol.ts';
import type { DeviceConnection, Opened } from './device-connection.ts';
import { type DeviceOwner, DeviceServer } from './device-server.ts';
import { removeInterface } from './interface.ts';
import { type Listener, listenAt } from './listener.ts';
import type { HostLog } from './log.ts';
import type { RunFolder } from './run-folder.ts';

/** What an adapter needs of the host. */
export interface HostServices {
  readonly folder: RunFolder;
  readonly log: HostLog;
  readonly version: string;
  nextClientId(): number;
  emit(event: ControlEvent): void;
  /** Counts a peer that was turned away. */
  refused(reason: string): void;
  /** The interface was removed by others. */
  lost(adapter: HostedAdapter): void;
}

export class HostedAdapter implements DeviceOwner {
  readonly adapter: Adapter;
  /** `WINTUN7`: the index is that of the device as long as it is there. */
  readonly device: string;
  readonly origin: AdapterInfo['origin'];
  readonly log: HostLog;
  readonly version: string;
  readonly #services: HostServices;
  readonly #server: DeviceServer;
  readonly #listener: Listener;
  readonly #socket: string;
  #config: AdapterConfig;
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
      const hosted = new HostedAdapter(adapter, config, access, origin, services);
      const { name, luidIndex } = adapter;
      services.log.info(adopted ? 'adapter adopted' : 'adapter made', { adapter: name, luidIndex });
      return hosted;
    } catch (error) {
      await adapter.close();
      throw error;
    }
  }

  private constructor(
    adapter: Adapter,
    config: AdapterConfig,
    access: Access,
    origin: AdapterInfo['origin'],
    services: HostServices,
  ) {
    this.adapter = adapter;
    this.device = `WINTUN${adapter.luidIndex}`;
    this.origin = origin;
    this.log = services.log;
    this.version = services.version;
    this.#services = services;
    this.#config = config;
    this.#access = access;
    this.#server = new DeviceServer(this);
    this.#socket = services.folder.place(this.device);
    this.#listener = listenAt(this.#socket, (incoming) => this.#server.accept(incoming));
    this.#tell();
  }

  /** As it was made, with what was changed since. */
  get config(): AdapterConfig {
    return this.#config;
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
      luidIndex: adapter.luidIndex,
      device: adapter.deviceName,
      link: this.properties.link,
      state: adapter.state,
      power: adapter.power,
      media: adapter.media,
      mtu: adapter.mtu,
      addresses: adapter.addresses,
      socket: this.#socket,
      ...{ routes, persist, access, origin: this.origin },
      lent: false,
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
    };
  }

  async pause(): Promise<void> {
    await this.adapter.pause();
  }

  async restart(): Promise<void> {
    await this.adapter.restart();
  }

  async setPower(power: SettablePower): Promise<void> {
    await this.adapter.setPower(power);
  }

  /** Changes what is given. Rejects as `adapter.configure` does; what comes after what failed is not changed. */
  async change({ access, ...change }: AdapterChange & { access?: AccessConfig }): Promise<void> {
    const resolved = access === undefined ? undefined : resolveAccess(access);
    if (Object.keys(change).length > 0) await this.adapter.configure(change);
    this.#config = { ...this.#config, ...change, ...(access !== undefined && { access }) };
    if (resolved !== undefined) {
      this.#access = resolved;
      this.#server.recheck();
    }
    this.#services.emit({ event: 'adapter.changed', adapter: this.name, info: this.info });
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
    await this.close();
    if (persist && link !== 'memory') removeInterface({ index, netns });
  }

  nextClientId(): number {
    return this.#services.nextClientId();
  }

  connected(client: ClientInfo): void {
    this.#services.emit({ event: 'client.connected', ...this.#reference(), client });
  }

  disconnected(client: ClientInfo): void {
    this.#services.emit({ event: 'client.disconnected', ...this.#reference(), client });
  }

  refused(reason: string): void {
    this.#services.refused(reason);
  }

  lend(_connection: DeviceConnection): Opened {
    throw new TunError(TunErrorCode.UNSUPPORTED, 'this host does not hand descriptors out yet');
  }

  async #close(why: TunError): Promise<void> {
    await this.#listener.close();
    this.#server.end(why);
    await this.adapter.close();
    this.#services.emit({ event: 'adapter.removed', ...this.#reference() });
  }

  #reference(): { readonly adapter: string; readonly device: string } {
    return { adapter: this.name, device: this.device };
  }

  /** Passes on what the adapter tells. */
  #tell(): void {
    const { log } = this;
    const emit = (event: ControlEvent): void => this.#services.emit(event);
    this.adapter.on('state', (state, previous) => {
      log.debug(`state ${state}`, { adapter: this.name });
      emit({ event: 'state', ...this.#reference(), state, previous });
    });
    this.adapter.on('media', (media) => emit({ event: 'media', ...this.#reference(), media }));
    this.adapter.on('power', (power) => emit({ event: 'power', ...this.#reference(), power }));
    this.adapter.on('link', (change) => {
      log.info(`the interface changed: ${change.type}`, { adapter: this.name });
      emit({ event: 'link', ...this.#reference(), change });
      if (change.type === 'removed') this.#services.lost(this);
    });
  }
}

function closedError(name: string): TunError {
  return new TunError(TunErrorCode.FORCED_CLOSED, `the adapter "${name}" was closed by its host`);
}
