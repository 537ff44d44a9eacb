/** What each method of the control socket does. */

import type { ControlMethod, ControlParams, ControlResult } from './control-protocol.ts';
import { debugReport } from './debug.ts';
import type { Host } from './host.ts';
import type { HostedAdapter } from './hosted-adapter.ts';
import { checkMembers, checkText } from './parameters.ts';

type Handler<M extends ControlMethod> = (
  params: ControlParams<M>,
) => ControlResult<M> | Promise<ControlResult<M>>;

/** All but those that are about the connection they come over. */
export type HostMethod = Exclude<ControlMethod, 'events.subscribe' | 'events.unsubscribe'>;

export type HostMethods = { readonly [M in HostMethod]: Handler<M> };

/** Handlers that check what they get. Each throws, or rejects, as docs/control-protocol.md says. */
export function hostMethods(host: Host): HostMethods {
  const none = (params: unknown, method: string): void => {
    checkMembers(params, [], method);
  };
  const one = (params: unknown, method: string, further: readonly string[] = []): HostedAdapter => {
    const { adapter } = checkMembers(params, ['adapter', ...further], method);
    return host.adapters.find(checkText(adapter, 'adapter', method));
  };
  return {
    'host.info': (params) => {
      none(params, 'host.info');
      return host.info;
    },
    'host.reload': (params) => {
      none(params, 'host.reload');
      return host.reload();
    },
    'adapter.list': (params) => {
      none(params, 'adapter.list');
      return host.adapters.all.map(({ info }) => info);
    },
    'adapter.show': (params) => one(params, 'adapter.show').info,
    'adapter.create': async (params) => {
      const hosted = await host.create(params);
      return hosted.info;
    },
    'adapter.set': async (params) => {
      const hosted = one(params, 'adapter.set', ['addresses', 'mtu', 'routes', 'access']);
      const { adapter: _adapter, ...change } = params;
      await host.change(hosted, change);
      return hosted.info;
    },
    'adapter.pause': async (params) => {
      const hosted = one(params, 'adapter.pause');
      await hosted.pause();
      return hosted.info;
    },
    'adapter.restart': async (params) => {
      const hosted = one(params, 'adapter.restart');
      await hosted.restart();
      return hosted.info;
    },
    'adapter.power': async (params) => {
      const hosted = one(params, 'adapter.power', ['power']);
      await hosted.setPower(params.power);
      return hosted.info;
    },
    'adapter.remove': async (params) => {
      const hosted = one(params, 'adapter.remove');
      const { info } = hosted;
      await host.remove(hosted);
      return info;
    },
    'adapter.properties': (params) => one(params, 'adapter.properties').properties,
    statistics: (params) => {
      const { adapter } = checkMembers(params, ['adapter'], 'statistics');
      if (adapter === undefined) return host.adapters.all.map(({ statistics }) => statistics);
      return [host.adapters.find(checkText(adapter, 'adapter', 'statistics')).statistics];
    },
    debug: (params) => {
      none(params, 'debug');
      return debugReport(host);
    },
  };
}
