/** Opens a link and makes an adapter on it: the only place of this room that knows where links come from. */

import { openLink } from '../link/open.ts';
import { Miniport } from './miniport.ts';
import { type AdapterOptions, checkOptions } from './options.ts';

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
    const miniport = new Miniport(link, checked);
    await miniport.start();
    return miniport;
  } catch (error) {
    await link.close();
    throw error;
  }
}
