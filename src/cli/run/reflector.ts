/**
 * The far side that sends everything back with source and destination exchanged: the command reaches its
 * own network stack behind every address, which answers pings and refuses what nobody listens to.
 */

import { BundleReader, swapAddresses } from '../../index.ts';
import type { FarSide, SendIn } from './far-side.ts';

export function reflector(): FarSide {
  const reader = new BundleReader();
  let sendIn: SendIn = () => undefined;
  return {
    description: 'the reflector, which sends everything back',
    deliver(bytes, length) {
      reader.reset(bytes, length);
      while (reader.next()) swapAddresses(bytes, reader.offset);
      sendIn(bytes, length);
      return 0;
    },
    start(send) {
      sendIn = send;
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}
