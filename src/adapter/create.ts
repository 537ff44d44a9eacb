/** Opens a link and makes an adapter on it: the only place of this room that knows where links come from. */

import { openLink } from '../link/open.ts';
import { offerParticipant } from '../sync/participants.ts';
import { attachThisThread, livenessIn } from './liveness.ts';
import { luidIndexFor } from './luid.ts';
import type { Miniport } from './miniport.ts';
import { type AdapterOptions, checkOptions } from './options.ts';
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
  const link = await openLink(checked.link, checked.config);
  try {
    const memory = createAdapterMemory(link.capabilities.queues);
    const words = new Int32Array(memory);
    const participant = offerParticipant(words);
    attachThisThread(words, participant);
    const luidIndex = luidIndexFor(link.info.luidIndex ?? link.info.interfaceIndex);
    const { dropPolicy, prefetch } = checked;
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
      checked.queueBytes,
    );
    await miniport.start();
    return miniport;
  } catch (error) {
    await link.close();
    throw error;
  }
}
