/** Hands the descriptor of an adapter's TUN to a client. */

import { TunError, TunErrorCode } from '../errors.ts';
import type { Adapter } from '../index.ts';
import { sendDescriptors } from '../os/fd-passing.ts';
import type { Access } from './access.ts';
import type { AdapterConfig } from './control-protocol.ts';
import type { DeviceConnection, Opened } from './device-connection.ts';
import type { Welcome } from './device-protocol.ts';
import { LentAdapter, type LentEvents } from './lent-adapter.ts';

/** What is lent, and to whom. */
export interface Lending {
  readonly adapter: Adapter;
  readonly config: AdapterConfig;
  readonly access: Access;
  readonly connection: DeviceConnection;
  readonly welcome: Welcome;
  readonly events: LentEvents;
}

/**
 * Closes the adapter and lends its device: the descriptor goes with the client's WELCOME. Rejects with TunError
 * `NO_PRIVILEGE` where the configuration does not allow it, `UNSUPPORTED` where there is none; the adapter goes on then.
 */
export async function lendTo({
  adapter,
  config,
  access,
  connection: { fd },
  welcome,
  events,
}: Lending): Promise<{ readonly lent: LentAdapter; readonly opened: Opened }> {
  const { name } = adapter;
  if (!access.descriptor) {
    throw new TunError(
      TunErrorCode.NO_PRIVILEGE,
      `the descriptor of "${name}" is not handed out: that takes "descriptor": true in its access entry of the host's configuration`,
    );
  }
  const { link } = adapter.properties;
  if (fd === undefined || link !== 'linux') {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      `"${name}" has no descriptor that could be handed out: it is of the link "${link}"`,
    );
  }
  const lent = await LentAdapter.lend(adapter, config, events);
  const opened: Opened = {
    welcome: { ...welcome, descriptor: { headers: lent.headers } },
    device: undefined,
    send: (socket, frame) => {
      const sent = sendDescriptors(fd, [lent.fd], frame);
      if (sent < frame.length) socket.write(frame.subarray(sent));
    },
  };
  return { lent, opened };
}
