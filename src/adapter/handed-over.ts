/** What of an adapter goes to another process besides the descriptors of its device. */

import type { AttachConfig, Offload } from '../link/link.ts';
import {
  type AdapterOptions,
  checkAddresses,
  checkEngine,
  checkMtu,
  checkOffload,
  checkQueueSettings,
  type QueueSettings,
} from './options.ts';

/** An adapter as the process that hands it over describes it. */
export interface HandedOver {
  /** Bytes. */
  readonly mtu: number;
  readonly addresses: readonly string[];
  /** What the adapter was granted. */
  readonly offload: Offload;
}

/** How an adapter that was handed over queues here, each as in `Adapter.create`. */
export type ReceiveSettings = Pick<
  AdapterOptions,
  'engine' | 'prefetch' | 'dropPolicy' | 'queueBytes'
>;

/**
 * Checks a description that another process sent.
 *
 * @throws TypeError or RangeError naming what is wrong with it.
 */
export function checkHandedOver(given: HandedOver): HandedOver {
  if (typeof given !== 'object' || given === null) throw new TypeError('it describes no adapter');
  const { mtu, addresses, offload } = given;
  // What a system has may be less than what an adapter may be given: IPv6 needs no check here.
  checkMtu(mtu, false);
  return { mtu, addresses: checkAddresses(addresses), offload: checkOffload(offload) };
}

/**
 * How to attach to a device that was handed over: changing nothing, and believing the description only
 * where the device cannot be looked at.
 *
 * @throws TypeError or RangeError for the settings.
 */
export function checkTakeOver(
  fds: readonly number[],
  { offload, ...said }: HandedOver,
  settings: ReceiveSettings,
): { readonly config: AttachConfig } & QueueSettings {
  return {
    config: {
      device: { fds },
      netns: undefined,
      addresses: undefined,
      mtu: undefined,
      routes: undefined,
      ipv6LinkLocal: undefined,
      hostQueueLength: undefined,
      offload,
      engine: checkEngine(settings.engine),
      said,
    },
    ...checkQueueSettings(settings),
  };
}
