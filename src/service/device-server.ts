/** The socket of one device: who may have it, and the clients that do. */

import { TunError, TunErrorCode } from '../errors.ts';
import type { Device } from '../index.ts';
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_PACKETS, MAX_PACKET_BYTES } from '../limits.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { type Access, refusal } from './access.ts';
import type { ClientInfo } from './control-protocol.ts';
import type { Deadlines } from './deadlines.ts';
import { DeviceConnection, type Opened } from './device-connection.ts';
import { type Hello, MAX_WAITING_READS, type Welcome } from './device-protocol.ts';
import type { Backing } from './lent-adapter.ts';
import type { Incoming } from './listener.ts';
import type { HostLog } from './log.ts';

/** Clients of one device at most; each may hold a bundle in memory, and one on its way in. */
const MAX_CLIENTS = 64;
/** Connections that may be there without having said hello. */
const MAX_STRANGERS = 64;
/** Peers without a right that are given time to read why; to those beyond it is said, and no time is given. */
const MAX_LINGERING = 64;

/** What a device's socket needs of its host. */
export interface DeviceOwner {
  readonly adapter: Backing;
  /** `WINTUN7` */
  readonly device: string;
  readonly access: Access;
  readonly log: HostLog;
  readonly version: string;
  readonly deadlines: Deadlines;
  nextClientId(): number;
  connected(client: ClientInfo): void;
  disconnected(client: ClientInfo): void;
  /** Counts a peer that was turned away. */
  refused(reason: string): void;
  /** Opens a handle. Rejects with TunError why it cannot. */
  openDevice(): Promise<Device>;
  /** Lends the descriptor. Rejects with TunError why it cannot. */
  lend(connection: DeviceConnection): Promise<Opened>;
  /** The client with the descriptor is gone. */
  takeBack(): void;
}

export class DeviceServer {
  readonly #owner: DeviceOwner;
  readonly #connections = new Set<DeviceConnection>();
  readonly #clients = new Set<DeviceConnection>();
  /** Those without a right to the device: none of them takes the place of one that has it. */
  readonly #lingering = new Set<DeviceConnection>();

  constructor(owner: DeviceOwner) {
    this.#owner = owner;
  }

  /** The clients that have the device. */
  get clients(): ClientInfo[] {
    return [...this.#clients].map((connection) => connection.info);
  }

  /** Takes a connection, or turns it away with the reason. For a {@link Listener}. */
  accept(incoming: Incoming): (chunk: Uint8Array) => boolean {
    const { log, device, adapter, access, deadlines } = this.#owner;
    const connection = new DeviceConnection(this.#owner.nextClientId(), incoming, {
      deadlines,
      open: (client, hello) => this.#open(client, hello),
      closed: (client, opened, why) => this.#closed(client, opened, why),
    });
    this.#connections.add(connection);
    const { peer } = incoming;
    const reason = refusal(peer, access, `the device ${device} of "${adapter.name}"`);
    if (reason !== undefined) {
      this.#owner.refused('access');
      log.warnSparingly(reason, { adapter: adapter.name, uid: peer?.uid, pid: peer?.pid });
      this.#lingering.add(connection);
      connection.end(new TunError(TunErrorCode.NO_PRIVILEGE, reason));
      if (this.#lingering.size > MAX_LINGERING) connection.destroy();
    } else if (this.#strangers > MAX_STRANGERS) {
      this.#owner.refused('too many connections');
      connection.destroy();
    }
    return (chunk) => connection.take(chunk);
  }

  /** Ends the connections that `access` does not allow any more. */
  recheck(): void {
    const { access, device, adapter } = this.#owner;
    for (const connection of this.#connections) {
      const reason = refusal(connection.peer, access, `the device ${device} of "${adapter.name}"`);
      if (reason !== undefined) connection.end(new TunError(TunErrorCode.NO_PRIVILEGE, reason));
    }
  }

  /** Ends all connections, each told why. */
  end(error: unknown): void {
    for (const connection of this.#connections) connection.end(error);
  }

  get #strangers(): number {
    return this.#connections.size - this.#clients.size - this.#lingering.size;
  }

  async #open(connection: DeviceConnection, hello: Hello): Promise<Opened> {
    if (this.#clients.size >= MAX_CLIENTS) {
      this.#owner.refused('too many clients');
      throw this.#busy(`${MAX_CLIENTS} clients have it, as many as there can be; end one`);
    }
    if ([...this.#clients].some(({ info }) => info.role === 'descriptor')) {
      throw this.#busy('a client has its descriptor, and reads and writes alone until it is done');
    }
    const lends = hello.role === 'descriptor';
    if (lends && this.#clients.size > 0) {
      const { size } = this.#clients;
      throw this.#busy(`${size} clients have it, and its descriptor goes to one that is alone`);
    }
    // From now on, so that nobody comes between.
    this.#clients.add(connection);
    try {
      const opened = lends ? await this.#owner.lend(connection) : await this.#openDevice();
      const { log, adapter } = this.#owner;
      const { id, name, role, uid, pid } = connection.info;
      log.info('client connected', { adapter: adapter.name, client: id, name, role, uid, pid });
      this.#owner.connected(connection.info);
      return opened;
    } catch (error) {
      this.#clients.delete(connection);
      throw error;
    }
  }

  async #openDevice(): Promise<Opened> {
    const device = (await this.#owner.openDevice()).unref();
    return { welcome: welcomeOf(this.#owner), device };
  }

  #busy(why: string): TunError {
    return new TunError(TunErrorCode.BUSY, `the device ${this.#owner.device} is busy: ${why}`);
  }

  #closed(connection: DeviceConnection, opened: Opened | undefined, why: string): void {
    this.#connections.delete(connection);
    this.#clients.delete(connection);
    this.#lingering.delete(connection);
    const { log, adapter } = this.#owner;
    const { id, name, uid, pid } = connection.info;
    const fields = { adapter: adapter.name, client: id, name, uid, pid };
    if (opened === undefined) {
      log.debug(`connection ended: ${why}`, fields);
      return;
    }
    log.info(`client gone: ${why}`, fields);
    if (opened.device === undefined) this.#owner.takeBack();
    this.#owner.disconnected(connection.info);
  }
}

/** What a client is told of the device. */
export function welcomeOf({ adapter, device, version }: DeviceOwner): Welcome {
  return {
    device,
    adapter: adapter.name,
    mtu: adapter.mtu,
    byteOrder: HOST_LITTLE_ENDIAN ? 'little' : 'big',
    offload: adapter.properties.offload,
    maxPackets: MAX_BUNDLE_PACKETS,
    maxPacketBytes: MAX_PACKET_BYTES,
    maxBundleBytes: MAX_BUNDLE_BYTES,
    maxReads: MAX_WAITING_READS,
    host: version,
  };
}
