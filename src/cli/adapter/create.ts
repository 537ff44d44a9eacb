/** `typetun adapter create`. */

import { Adapter, TunError, TunErrorCode } from '../../index.ts';
import { UsageError } from '../errors.ts';
import { type MachineInterface, machineInterfaces } from '../machine/interfaces.ts';
import { asked, perform } from '../via/perform.ts';
import { type CreateOptions, readAccess, readConfig, readOptions } from './options.ts';
import { adapterLines, interfaceLines } from './show.ts';

/** Makes it; returns the exit status. */
export function runCreate(name: string, options: CreateOptions): Promise<number> {
  return perform(options, async (via) => {
    const config = readConfig(name, options);
    if (via.via === 'host') {
      const adapter = await asked(via.control.call('adapter.create', config));
      return { result: { adapter }, lines: (terminal) => adapterLines(terminal, adapter) };
    }
    const adapter = await makePersistent(name, options, via.reason);
    return {
      result: { adapter },
      lines: (terminal) =>
        'up' in adapter
          ? interfaceLines(terminal, adapter)
          : [`interface ${name} is in the network namespace ${options.netns}`],
    };
  });
}

/** What is left of an interface that is out of sight: in another network namespace. */
interface Elsewhere {
  readonly name: string;
  readonly netns: string | undefined;
}

async function makePersistent(
  name: string,
  options: CreateOptions,
  reason: string,
): Promise<MachineInterface | Elsewhere> {
  if (!options.persist) {
    throw new TunError(
      TunErrorCode.NO_HOST,
      `an adapter of this command would go with it (${reason}); start a host ("typetun serve"), or make an interface that stays (--persist)`,
    );
  }
  if (readAccess(options) !== undefined) {
    throw new UsageError(
      '--allow-user, --allow-group and --allow-descriptor are for devices of a host; of a persistent interface say --owner or --group',
    );
  }
  const { link } = options;
  const made = await asked(
    Adapter.create({ ...readOptions(name, options), ...(link !== undefined && { link }) }),
  );
  await made.close();
  const found = machineInterfaces().find((one) => one.name === name);
  return options.netns === undefined && found !== undefined
    ? found
    : { name, netns: options.netns };
}
