/** What the adapters of a host have in common. */

import type { ControlEvent } from './control-protocol.ts';
import type { Deadlines } from './deadlines.ts';
import type { HostedAdapter } from './hosted-adapter.ts';
import type { HostLog } from './log.ts';
import type { Stage } from './stage.ts';

/** What an adapter needs of the host. */
export interface HostServices {
  readonly stage: Stage;
  readonly log: HostLog;
  readonly version: string;
  readonly deadlines: Deadlines;
  nextClientId(): number;
  /** As `AdapterSet.indexFor`. */
  indexFor(interfaceIndex: number): number;
  emit(event: ControlEvent): void;
  /** Counts a peer that was turned away. */
  refused(reason: string): void;
  /** The interface was removed by others. */
  lost(adapter: HostedAdapter): void;
}
