/** The control socket of a host: who may use it, and the connections there are. */

import { type Access, refusal } from './access.ts';
import { ControlConnection } from './control-connection.ts';
import { ControlErrorCode, type ControlEvent } from './control-protocol.ts';
import type { Deadlines } from './deadlines.ts';
import type { Incoming } from './listener.ts';
import type { HostLog } from './log.ts';

/** Connections at most. */
const MAX_CONNECTIONS = 128;
/** Peers without a right that are given time to read why; to those beyond it is said, and no time is given. */
const MAX_LINGERING = 64;

/** What the socket needs of its host. */
export interface ControlServerOwner {
  /** Who may use it, at present. */
  access(): Access;
  readonly log: HostLog;
  readonly methods: readonly string[];
  readonly deadlines: Deadlines;
  /** As `ControlOwner.call`. */
  call(method: string, params: unknown): Promise<unknown> | undefined;
  /** Counts a peer that was turned away. */
  refused(reason: string): void;
}

export class ControlServer {
  readonly #owner: ControlServerOwner;
  readonly #connections = new Set<ControlConnection>();
  readonly #lingering = new Set<ControlConnection>();

  constructor(owner: ControlServerOwner) {
    this.#owner = owner;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Takes a connection, or turns it away with the reason. For a {@link Listener}. */
  accept({ peer, socket }: Incoming): (chunk: Uint8Array) => boolean {
    const { log, methods, deadlines } = this.#owner;
    const connection = new ControlConnection(socket, {
      methods,
      deadlines,
      call: (method, params) => this.#owner.call(method, params),
      closed: (one) => {
        this.#connections.delete(one);
        this.#lingering.delete(one);
      },
    });
    const reason = refusal(peer, this.#owner.access(), 'the control socket of this host');
    if (reason !== undefined) {
      this.#owner.refused('access');
      log.warnSparingly(reason, { uid: peer?.uid, pid: peer?.pid });
      this.#turnAway(connection, reason);
    } else if (this.#connections.size >= MAX_CONNECTIONS) {
      this.#owner.refused('too many connections');
      const open = `${MAX_CONNECTIONS} connections are open`;
      this.#turnAway(connection, `${open}, as many as there can be; close one`);
    } else {
      this.#connections.add(connection);
    }
    return (chunk) => connection.take(chunk);
  }

  #turnAway(connection: ControlConnection, reason: string): void {
    this.#lingering.add(connection);
    connection.refuse(ControlErrorCode.REFUSED, reason);
    if (this.#lingering.size > MAX_LINGERING) connection.destroy();
  }

  tell(event: ControlEvent): void {
    for (const connection of this.#connections) connection.tell(event);
  }

  /** Lets those who are connected read what was said, and ends the connections. */
  end(): void {
    for (const connection of this.#connections) connection.end();
  }
}
