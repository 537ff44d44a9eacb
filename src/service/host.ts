/** The driver host: it owns adapters, and gives other processes their devices and a socket to control it by. */

import { TunError, TunErrorCode } from '../errors.ts';
import { type InheritedDescriptor, VERSION } from '../index.ts';
import { holdLoop, releaseLoop } from '../keep-alive.ts';
import { type Access, resolveAccess } from './access.ts';
import { AdapterSet } from './adapter-set.ts';
import { applyPlan } from './apply-plan.ts';
import { checkAdapterConfig, readConfig } from './config.ts';
import { type HostMethod, type HostMethods, hostMethods } from './control-methods.ts';
import {
  type AdapterConfig,
  type AdapterInfo,
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
import { DEADLINES, type Deadlines } from './deadlines.ts';
import { hostInfo } from './host-info.ts';
import type { HostServices } from './host-services.ts';
import { HostedAdapter } from './hosted-adapter.ts';
import { type Listener, listenOn, type OnConnection } from './listener.ts';
import { HostLog, type LogSink } from './log.ts';
import { type PlannedChange, planReload } from './reload.ts';
import { defaultRunDirectory } from './run-directory.ts';
import { openStage, type Stage } from './stage.ts';
import { readState, writeState } from './state-file.ts';
import { Turns } from './turns.ts';

/** How a host is started. */
export interface HostOptions {
  /** Where its sockets are. Default: `defaultRunDirectory()`. */
  readonly runDirectory?: string | undefined;
  /** Path of its configuration: JSON, as schema/typetun.config.schema.json says. Default: none. */
  readonly config?: string | undefined;
  /** Descriptors of the service manager: one named `control` is the control socket. Others are not touched. */
  readonly inherited?: readonly InheritedDescriptor[] | undefined;
  /** Where lines of its log go. Default: nowhere. */
  readonly log?: LogSink | undefined;
  /** @internal How long peers may take, for tests. */
  readonly deadlines?: Partial<Deadlines>;
}

export class Host implements Control, AsyncDisposable {
  readonly adapters: AdapterSet = new AdapterSet();
  readonly log: HostLog;
  /** Peers that were turned away, by reason. */
  readonly refusals: Map<string, number> = new Map();
  readonly #stage: Stage;
  readonly #config: string | undefined;
  readonly #deadlines: Deadlines;
  readonly #control: ControlServer;
  readonly #methods: HostMethods;
  readonly #listeners = new Set<(event: ControlEvent) => void>();
  readonly #startedAt = Date.now();
  #listener: Listener | undefined;
  #access: Access = resolveAccess();
  #clientIds = 0;
  /** Of changes of adapters. */
  readonly #turns = new Turns();
  #stopping: Promise<void> | undefined;

  /**
   * Starts a host: when it resolves the control socket is there. It keeps the event loop alive until it is stopped.
   *
   * Rejects with TunError `HOST_RUNNING`; `CONFIG` naming what is wrong; or what an adapter of the configuration
   * was refused for. Nothing is left then that was not there.
   */
  static async start(options: HostOptions = {}): Promise<Host> {
    const { config: file, runDirectory, log, deadlines } = options;
    const config = file === undefined ? {} : readConfig(file);
    const path = runDirectory ?? config.runDirectory ?? defaultRunDirectory();
    const stage = openStage(path, config);
    const limits = { ...DEADLINES, ...deadlines };
    const host = new Host(stage, file, new HostLog(log ?? (() => undefined)), limits);
    holdLoop();
    try {
      stage.sweep(host.log);
      host.#access = resolveAccess(config.control);
      for (const adapter of config.adapters ?? []) await host.#create(adapter, 'config');
      await host.#remember();
      await host.#listen(options.inherited);
    } catch (error) {
      for (const one of host.adapters.all) if (!one.adopted) await host.#remove(one);
      await host.stop();
      throw error;
    }
    host.log.info('host started', { runDirectory: stage.path, pid: process.pid });
    return host;
  }

  private constructor(
    stage: Stage,
    config: string | undefined,
    log: HostLog,
    deadlines: Deadlines,
  ) {
    this.#deadlines = deadlines;
    this.#stage = stage;
    this.#config = config;
    this.log = log;
    this.#methods = hostMethods(this);
    this.#control = new ControlServer({
      log,
      deadlines,
      methods: Object.keys(this.#methods),
      access: () => this.#access,
      call: (method, params) => this.#dispatch(method, params),
      refused: (reason) => this.#refused(reason),
    });
  }

  get runDirectory(): string {
    return this.#stage.path;
  }

  get controlConnections(): number {
    return this.#control.size;
  }

  get info(): HostInfo {
    const { adapters, runDirectory } = this;
    return hostInfo({ adapters, runDirectory, config: this.#config, startedAt: this.#startedAt });
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

  /**
   * Makes an adapter, or adopts the persistent one of that name. Rejects as `Adapter.create`, with `NAME_TAKEN`, or with
   * TypeError for a wrong configuration.
   */
  create(config: AdapterConfig): Promise<HostedAdapter> {
    return this.#turns.take(async () => {
      const hosted = await this.#create(checkAdapterConfig(config), 'control');
      this.#save();
      return hosted;
    });
  }

  /** Changes an adapter. Rejects as `adapter.configure`. */
  change(hosted: HostedAdapter, change: PlannedChange['change']): Promise<void> {
    return this.#turns.take(async () => {
      await hosted.change(change);
      this.#save();
    });
  }

  /** Removes an adapter and its interface. */
  remove(hosted: HostedAdapter): Promise<void> {
    return this.#turns.take(async () => {
      await this.#remove(hosted);
      this.#save();
    });
  }

  /**
   * Reads the configuration again, and changes what differs. Rejects with TunError `CONFIG` when it is wrong, or there
   * is none; nothing has changed then.
   */
  reload(): Promise<ReloadResult> {
    return this.#turns.take(async () => {
      const path = this.#config;
      if (path === undefined) {
        throw new TunError(TunErrorCode.CONFIG, 'this host was started without a configuration');
      }
      const { adapters = [], control } = readConfig(path);
      this.#access = resolveAccess(control);
      const actions = {
        create: (config: AdapterConfig) => this.#create(config, 'config'),
        remove: (hosted: HostedAdapter) => this.#remove(hosted),
        change: (hosted: HostedAdapter, change: PlannedChange['change']) => hosted.change(change),
      };
      const result = await applyPlan(planReload(this.adapters.all, adapters), actions, this.log);
      for (const { name } of adapters) this.adapters.named(name)?.claim();
      this.#save();
      this.log.info('configuration read again', { config: path, failed: result.failed.length });
      this.#emit({ event: 'host.reloaded', result });
      return result;
    });
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
    await this.#turns.settled();
    const why = new TunError(TunErrorCode.NO_HOST, 'the host ends');
    await Promise.all(this.adapters.all.map((adapter) => adapter.close(why)));
    this.#control.end();
    this.#stage.close();
    releaseLoop();
  }

  async #create(config: AdapterConfig, origin: AdapterInfo['origin']): Promise<HostedAdapter> {
    if (this.adapters.named(config.name) !== undefined) {
      throw new TunError(
        TunErrorCode.NAME_TAKEN,
        `this host has an adapter "${config.name}"; remove it, or choose another name`,
      );
    }
    const hosted = await HostedAdapter.open(config, origin, this.#services());
    this.adapters.add(hosted);
    this.#emit({ event: 'adapter.added', adapter: hosted.name, info: hosted.info });
    return hosted;
  }

  async #remove(hosted: HostedAdapter): Promise<void> {
    if (this.adapters.delete(hosted)) await hosted.remove();
  }

  /** Adopts what a host before this one was asked for over its control socket, as far as it is there. */
  async #remember(): Promise<void> {
    for (const config of readState(this.#stage.folder, this.log)) {
      if (this.adapters.named(config.name) !== undefined) continue;
      try {
        const hosted = await this.#create(config, 'control');
        if (!hosted.adopted) await this.#remove(hosted);
      } catch (error) {
        this.log.error((error as Error).message, { adapter: config.name });
      }
    }
    this.#save();
  }

  #save(): void {
    const kept = this.adapters.all.filter(
      ({ origin, config }) => origin === 'control' && config.persist && config.link !== 'memory',
    );
    writeState(
      this.#stage.folder,
      kept.map(({ config }) => config),
    );
  }

  async #listen(inherited: HostOptions['inherited'] = []): Promise<void> {
    const given = inherited.find(({ name }) => name === CONTROL_SOCKET)?.fd;
    const accept: OnConnection = (incoming) => this.#control.accept(incoming);
    this.#listener =
      given === undefined
        ? await this.#stage.listen(CONTROL_SOCKET, accept)
        : listenOn(given, accept);
  }

  #services(): HostServices {
    return {
      stage: this.#stage,
      log: this.log,
      version: VERSION,
      deadlines: this.#deadlines,
      nextClientId: () => ++this.#clientIds,
      indexFor: (index) => this.adapters.indexFor(index),
      emit: (event) => this.#emit(event),
      refused: (reason) => this.#refused(reason),
      lost: (adapter) => {
        if (!this.adapters.delete(adapter)) return;
        const message = `the interface of "${adapter.name}" was removed`;
        this.log.error(message, { adapter: adapter.name });
        adapter
          .close(new TunError(TunErrorCode.ADAPTER_REMOVED, message))
          .catch((error: unknown) => this.log.error(String(error), { adapter: adapter.name }));
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
}
