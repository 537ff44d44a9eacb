/** Brings the adapters to what a configuration says, each by itself: one that fails does not hold up the others. */

import type { AdapterConfig, ReloadResult } from './control-protocol.ts';
import type { HostedAdapter } from './hosted-adapter.ts';
import type { HostLog } from './log.ts';
import type { Plan, PlannedChange } from './reload.ts';

/** What can be done to the adapters of a host. */
export interface PlanActions {
  create(config: AdapterConfig): Promise<unknown>;
  remove(hosted: HostedAdapter): Promise<void>;
  change(hosted: HostedAdapter, change: PlannedChange['change']): Promise<void>;
}

/** Never rejects: what failed is in the result, and in the log. */
export async function applyPlan(
  plan: Plan,
  actions: PlanActions,
  log: HostLog,
): Promise<ReloadResult> {
  const failed: { adapter: string; message: string }[] = [];
  const each = async <T>(
    all: readonly T[],
    name: (one: T) => string,
    act: (one: T) => Promise<unknown>,
  ): Promise<string[]> => {
    const done: string[] = [];
    for (const one of all) {
      try {
        await act(one);
        done.push(name(one));
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        log.error(message, { adapter: name(one) });
        failed.push({ adapter: name(one), message });
      }
    }
    return done;
  };
  // What goes makes room, for names and addresses, for what comes.
  const removed = await each(
    plan.remove,
    ({ config }) => config.name,
    (hosted) => actions.remove(hosted),
  );
  const replaced = await each(
    plan.replace,
    ({ config }) => config.name,
    (one) => replace(one, actions),
  );
  const changed = await each(
    plan.change,
    ({ hosted }) => hosted.config.name,
    ({ hosted, change }) => actions.change(hosted, change),
  );
  const created = await each(
    plan.create,
    ({ name }) => name,
    (config) => actions.create(config),
  );
  const kept = plan.keep.map(({ config }) => config.name);
  return { created, removed, changed, replaced, kept, failed };
}

/** Makes the adapter anew; the old one again when that fails. */
async function replace(
  { hosted, config }: Plan['replace'][number],
  actions: PlanActions,
): Promise<void> {
  await actions.remove(hosted);
  try {
    await actions.create(config);
  } catch (error) {
    await actions.create(hosted.config);
    throw error;
  }
}
