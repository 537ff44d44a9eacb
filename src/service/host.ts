/** The driver host: it owns adapters, and gives other processes their devices and a socket to control it by. */

import { holdLoop, releaseLoop } from '../keep-alive.ts';
import { type AdapterChange, kernelLink, VERSION } from '../index.ts';
import { TunError, TunErrorCode } from '../errors.ts';
import { type Access, resolveAccess } from './access.ts';
import { AdapterSet } from './adapter-set.ts';
import { type HostMethod, type HostMethods, hostMethods } from './control-methods.ts';
import {
  type AccessConfig,
  type AdapterConfig,
  type AdapterInfo,
  CONTROL_PROTOCOL,
  CONTROL_SOCKET,
  type Control,
  type ControlArguments,
  type ControlEvent,
  type ControlMethod,
  type ControlResult,
  type HostInfo,
  type ReloadResult,
} from './control-protocol.ts';
import { ControlServer } from './control-server.ts';
import { HostedAdapter, type HostServices } from './hosted-adapter.ts';
import { type Listener, listenAt } from './listener.ts';
import { HostLog, type LogSink } from './log.ts';
import { defaultRunDirectory } from './run-directory.ts';
import { RunFolder } from './run-folder.ts';

/** How a host is started. */
export interface HostOptions {
  /** Where its sockets are. Default: `defaultRunDirectory()`. */
  readonly runDirectory?: string | undefined;
  /** Where lines of its log go. Default: nowhere. */
  readonly log?: LogSink | undefined;
}

const MS_PER_SECOND = 1000;

export class Host implements Control, AsyncDisposable {
  readonly adapters: AdapterSet = new AdapterSet();
  readonly log: HostLog;
  /** Peers that were turned away, by reason. */
  readonly refusals: Map<string, number> = new Map();
  readonly #folder: RunFolder;
  readonly #control: ControlServer;
  readonly #methods: HostMethods;
  readonly #listeners = new Set<(event: ControlEvent) => void>();
  readonly #startedAt = Date.now();
  #listener: Listener | undefined;
  #access: Access = resolveAccess();
  #clientIds = 0;
  /** The last change of adapters: they happen one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  /**
   * Starts a host: when it resolves the control socket is there. It keeps the event loop alive until it is stopped.
   *
   * Rejects with TunError `HOST_RUNNING`; `CONFIG` naming what is wrong; or what an adapter of the configuration
   * was refused for. Nothing is left then.
   */
  static async start(options: HostOptions = {}): Promise<Host> {
    const folder = RunFolder.open(options.runDirectory ?? defaultRunDirectory());
    const host = new Host(folder, new HostLog(options.log ?? (() => undefined)));
    holdLoop();
    try {
      folder.sweep(host.log);
      host.#listen();
    } catch (error) {
      await host.stop();
      throw error;
    }
    host.log.info('host started', { runDirectory: folder.path, pid: process.pid });
    return host;
  }

  private constructor(folder: RunFolder, log: HostLog) {
    this.#folder = folder;
    this.log = log;
    this.#methods = hostMethods(this);
    this.#control = new ControlServer({
      log,
      methods: Object.keys(this.#methods),
      access: () => this.#access,
      call: (method, params) => this.#dispatch(method, params),
      refused: (reason) => this.#refused(reason),
    });
  }

  get runDirectory(): string {
    return this.#folder.path;
  }

  get controlConnections(): number {
    return this.#control.size;
  }

  get info(): HostInfo {
    const uid = process.getuid?.();
    const link = kernelLink();
    const clients = this.adapters.all.reduce((sum, adapter) => sum + adapter.clients.length, 0);
    return {
      version: VERSION,
      protocol: CONTROL_PROTOCOL,
      pid: process.pid,
      ...(uid !== undefined && { uid }),
      runDirectory: this.runDirectory,
      config: null,
      startedAt: new Date(this.#startedAt).toISOString(),
      uptimeSeconds: (Date.now() - this.#startedAt) / MS_PER_SECOND,
      ...(link !== undefined && { kernelLink: link }),
      node: process.version,
      adapters: this.adapters.size,
      clients,
    };
  }

  async call<M extends ControlMethod>(
    method: M,
    ...[params]: ControlArguments<M>
  ): Promise<ControlResult<M>> {
    const result = this.#dispatch(method, params ?? {});
    if (result !== undefined) return (await result) as ControlResult<M>;
    throw new TunError(TunErrorCode.UNSUPPORTED, `"${method}" is for connections; use subscribe()`);
  }

  subscribe(listener: (event: ControlEvent) => void): Promise<() => void> {
    this.#listeners.add(listener);
    return Promise.resolve(() => {
      this.#listeners.delete(listener);
    });
  }

  /** Makes an adapter, or adopts the persistent one of that name. Rejects as `Adapter.create`, or with `NAME_TAKEN`. */
  create(config: AdapterConfig, origin: AdapterInfo['origin'] = 'control'): Promise<HostedAdapter> {
    return this.#inTurn(async () => {
      if (this.adapters.has(config.name)) {
        throw new TunError(
          TunErrorCode.NAME_TAKEN,
          `this host has an adapter "${config.name}"; remove it, or choose another name`,
        );
      }
      const hosted = await HostedAdapter.open(config, origin, this.#services());
      this.adapters.add(hosted);
      this.#emit({ event: 'adapter.added', adapter: hosted.name, info: hosted.info });
      return hosted;
    });
  }

  /** Changes an adapter. Rejects as `adapter.configure`. */
  change(hosted: HostedAdapter, change: AdapterChange & { access?: AccessConfig }): Promise<void> {
    return this.#inTurn(() => hosted.change(change));
  }

  /** Removes an adapter and its interface. */
  remove(hosted: HostedAdapter): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.adapters.delete(hosted)) return;
      await hosted.remove();
    });
  }

  /** Reads the configuration again. */
  reload(): Promise<ReloadResult> {
    const message = 'this host was started without a configuration; there is nothing to read again';
    return Promise.reject(new TunError(TunErrorCode.CONFIG, message));
  }

  /** Closes all adapters, telling their clients, and all sockets. Persistent interfaces stay. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.log.info('host stops');
    this.#emit({ event: 'host.stopping' });
    await this.#listener?.close();
    await this.#last.catch(() => undefined);
    const why = new TunError(TunErrorCode.NO_HOST, 'the host ends');
    await Promise.all(this.adapters.all.map((adapter) => adapter.close(why)));
    this.#control.end();
    this.#folder.close();
    releaseLoop();
  }

  #listen(): void {
    const path = this.#folder.place(CONTROL_SOCKET);
    this.#listener = listenAt(path, (incoming) => this.#control.accept(incoming));
  }

  #services(): HostServices {
    return {
      folder: this.#folder,
      log: this.log,
      version: VERSION,
      nextClientId: () => ++this.#clientIds,
      emit: (event) => this.#emit(event),
      refused: (reason) => this.#refused(reason),
      lost: (adapter) => {
        this.adapters.delete(adapter);
        const message = `the interface of "${adapter.name}" was removed`;
        this.log.error(message, { adapter: adapter.name });
        void adapter.close(new TunError(TunErrorCode.ADAPTER_REMOVED, message));
      },
    };
  }

  #dispatch(method: string, params: unknown): Promise<unknown> | undefined {
    const methods: Partial<Record<string, (params: never) => unknown>> = this.#methods;
    const handler = Object.hasOwn(methods, method) ? methods[method as HostMethod] : undefined;
    return handler && Promise.resolve().then(() => handler(params as never));
  }

  #emit(event: ControlEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
    this.#control.tell(event);
  }

  #refused(reason: string): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  }

  /** Changes of adapters happen one after the other. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(change, change);
    this.#last = turn;
    turn.catch(() => undefined);
    return turn;
  }
}
