/** Opens a link and makes an adapter on it: the only place of this room that knows where links come from. */

import type { Link } from '../link/link.ts';
import { closeGiven, openExisting, openLink } from '../link/open.ts';
import { offerParticipant } from '../sync/participants.ts';
import type { CheckedExisting } from './existing-options.ts';
import { attachThisThread, livenessIn } from './liveness.ts';
import { luidIndexFor } from './luid.ts';
import type { Miniport } from './miniport.ts';
import { type AdapterOptions, checkOptions, type QueueSettings } from './options.ts';
import { OwnedMiniport } from './owned-miniport.ts';
import { createAdapterMemory } from './shared-adapter.ts';

/**
 * Checks the options, opens the link, and brings the adapter up to Running. What was taken is
 * released when a later step fails.
 *
 * @throws TypeError or RangeError for the options; TunError when the link cannot be opened.
 */
export async function createMiniport(options: AdapterOptions): Promise<Miniport> {
  const checked = checkOptions(options);
  return startOn(await openLink(checked.link, checked.config), checked);
}

/** As {@link createMiniport}, on a device that exists. Descriptors that it is found by stay the caller's. */
export async function adoptMiniport({ config, ...settings }: CheckedExisting): Promise<Miniport> {
  return startOn(await openExisting(config), settings);
}

/** As {@link adoptMiniport}; the descriptors are used up unless it rejects. */
export async function takeMiniport(checked: CheckedExisting): Promise<Miniport> {
  const miniport = await adoptMiniport(checked);
  await closeGiven(checked.config.device);
  return miniport;
}

async function startOn(link: Link, settings: QueueSettings): Promise<Miniport> {
  try {
    const memory = createAdapterMemory(link.capabilities.queues);
    const words = new Int32Array(memory);
    const participant = offerParticipant(words);
    attachThisThread(words, participant);
    const luidIndex = luidIndexFor(link.info.luidIndex ?? link.info.interfaceIndex);
    const { dropPolicy, prefetch, queueBytes } = settings;
    const miniport = new OwnedMiniport(
      {
        link,
        memory,
        participant,
        lane: 0,
        liveness: livenessIn(words),
        luidIndex,
        options: { dropPolicy, prefetch },
      },
      queueBytes,
    );
    await miniport.start();
    return miniport;
  } catch (error) {
    await link.close();
    throw error;
  }
}
