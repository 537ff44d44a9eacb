/** What has to be done so that the adapters are as a configuration says. */

import type { AdapterChange } from '../index.ts';
import { DEFAULT_MTU } from '../limits.ts';
import type { AccessConfig, AdapterConfig } from './control-protocol.ts';
import type { HostedAdapter } from './hosted-adapter.ts';

/** Changes of one adapter that goes on. */
export interface PlannedChange {
  readonly hosted: HostedAdapter;
  readonly change: AdapterChange & { readonly access?: AccessConfig };
}

export interface Plan {
  readonly remove: readonly HostedAdapter[];
  /** To be closed and made again: what differs cannot be changed. */
  readonly replace: readonly { readonly hosted: HostedAdapter; readonly config: AdapterConfig }[];
  readonly change: readonly PlannedChange[];
  readonly create: readonly AdapterConfig[];
  readonly keep: readonly HostedAdapter[];
}

/** What can be changed while an adapter runs, and what it is when it is not given. */
const CHANGEABLE = { addresses: [], mtu: DEFAULT_MTU, routes: [], access: {} } as const;
type Changeable = keyof typeof CHANGEABLE;

/**
 * Compares. Adapters of the configuration that it has no more are removed; those made over the control socket stay,
 * unless the configuration now has one of that name.
 */
export function planReload(
  present: readonly HostedAdapter[],
  wanted: readonly AdapterConfig[],
): Plan {
  const find = (name: string): HostedAdapter | undefined =>
    present.find(({ config }) => config.name === name);
  const names = new Set(wanted.map(({ name }) => name));
  const pairs = wanted.flatMap((config) => {
    const hosted = find(config.name);
    return hosted === undefined ? [] : [{ hosted, config }];
  });
  const same = pairs.filter(({ hosted, config }) => fixed(hosted.config) === fixed(config));
  const changes = same.map(({ hosted, config }) => ({
    hosted,
    change: differences(hosted.config, config),
  }));
  return {
    remove: present.filter(({ origin, config }) => origin === 'config' && !names.has(config.name)),
    replace: pairs.filter((pair) => !same.includes(pair)),
    change: changes.filter(({ change }) => Object.keys(change).length > 0),
    create: wanted.filter(({ name }) => find(name) === undefined),
    keep: changes
      .filter(({ change }) => Object.keys(change).length === 0)
      .map(({ hosted }) => hosted),
  };
}

function differences(before: AdapterConfig, after: AdapterConfig): PlannedChange['change'] {
  const names = Object.keys(CHANGEABLE) as Changeable[];
  const changed = names.filter(
    (name) => text(memberOf(before, name)) !== text(memberOf(after, name)),
  );
  return Object.fromEntries(changed.map((name) => [name, memberOf(after, name)]));
}

function memberOf(config: AdapterConfig, name: Changeable): unknown {
  return config[name] ?? CHANGEABLE[name];
}

/** What cannot be changed, as a text to compare. */
function fixed(config: AdapterConfig): string {
  const descriptor = config.access?.descriptor ?? false;
  return text(
    Object.entries({ ...config, descriptor })
      .filter(([name]) => !Object.hasOwn(CHANGEABLE, name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
