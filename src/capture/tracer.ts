/** Tells of everything that an adapter does, as it happens: for debugging. */

import type { Adapter } from '../adapter/adapter.ts';
import type { AdapterState, MediaState, PowerState } from '../adapter/state.ts';
import { entryBytes } from '../limits.ts';
import type { LinkEvent } from '../link/link.ts';
import type { BundleIndex } from '../wire/bundle.ts';
import { HOST_LITTLE_ENDIAN, readSizeWord } from '../wire/bundle.ts';
import type { CaptureDirection } from './pcapng-options.ts';

/** What happened. `at` is `performance.now()`. */
export type TraceEvent =
  | {
      readonly type: 'bundle';
      readonly at: number;
      /** `send`: a reader of this thread gets it. `receive`: the host took it of a writer. */
      readonly direction: CaptureDirection;
      readonly packets: number;
      readonly octets: number;
      /** Packets of a writer's bundle that the host refused. */
      readonly refused: number;
    }
  | {
      readonly type: 'state';
      readonly at: number;
      readonly state: AdapterState;
      readonly previous: AdapterState;
    }
  | { readonly type: 'media'; readonly at: number; readonly media: MediaState }
  | { readonly type: 'power'; readonly at: number; readonly power: PowerState }
  | { readonly type: 'link'; readonly at: number; readonly event: LinkEvent }
  /** The adapter is gone, or this thread has left it. Nothing comes after it but the last states. */
  | { readonly type: 'ended'; readonly at: number };

/**
 * Calls back for each transition of the adapter and each bundle that crosses in this thread, until what it returns
 * is called. Called from within reads and writes: `onEvent` must not call into the adapter. What it throws
 * surfaces by itself. Allocates an object for each event; costs nothing when it is off.
 *
 * @throws TunError `FORCED_CLOSED` when the adapter is gone.
 */
export function trace(adapter: Adapter, onEvent: (event: TraceEvent) => void): () => void {
  const tell = (event: TraceEvent): void => {
    try {
      onEvent(event);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  };
  const now = (): number => performance.now();
  const listeners = {
    state: (state: AdapterState, previous: AdapterState) =>
      tell({ type: 'state', at: now(), state, previous }),
    media: (media: MediaState) => tell({ type: 'media', at: now(), media }),
    power: (power: PowerState) => tell({ type: 'power', at: now(), power }),
    link: (event: LinkEvent) => tell({ type: 'link', at: now(), event }),
  };
  const end = adapter.tap({
    sent: (bytes, _length, packets) => {
      const octets = octetsOf(bytes, packets);
      tell({ type: 'bundle', at: now(), direction: 'send', packets, octets, refused: 0 });
    },
    received: (_bytes, index) => {
      tell({ type: 'bundle', at: now(), direction: 'receive', ...countsOf(index) });
    },
    ended: () => tell({ type: 'ended', at: now() }),
  });
  adapter.on('state', listeners.state);
  adapter.on('media', listeners.media);
  adapter.on('power', listeners.power);
  adapter.on('link', listeners.link);
  return () => {
    end();
    adapter.off('state', listeners.state);
    adapter.off('media', listeners.media);
    adapter.off('power', listeners.power);
    adapter.off('link', listeners.link);
  };
}

function octetsOf(bytes: Uint8Array, packets: number): number {
  let octets = 0;
  let offset = 0;
  for (let i = 0; i < packets; i++) {
    const size = readSizeWord(bytes, offset, HOST_LITTLE_ENDIAN);
    octets += size;
    offset += entryBytes(size);
  }
  return octets;
}

function countsOf(index: BundleIndex): { packets: number; octets: number; refused: number } {
  let octets = 0;
  let refused = 0;
  for (let i = 0; i < index.count; i++) {
    const length = index.lengths[i]!;
    octets += length;
    if (length === 0) refused++;
  }
  return { packets: index.count - refused, octets, refused };
}
