/** The in-process link by itself: what `Adapter.create({ link: 'memory' })` uses. */

import type { LinkProvider } from '../link.ts';
import { MemoryHost } from './host.ts';

/** A provider whose every device has an in-memory host of its own, without faults. */
export function memoryLink(): LinkProvider {
  return { name: 'memory', open: (config) => new MemoryHost().provider().open(config) };
}
