/** Lends an adapter's device to another process: to one at a time. */

import { TunError, TunErrorCode } from '../errors.ts';
import type { LinkLoan } from '../link/link.ts';
import type { HandedOver } from './handed-over.ts';
import type { Miniport } from './miniport.ts';

/** A device that is lent, and what it looks like. */
export type AdapterLoan = LinkLoan & { readonly description: HandedOver };

export class Lending {
  readonly #miniport: Miniport;
  #isLent = false;

  constructor(miniport: Miniport) {
    this.#miniport = miniport;
  }

  /** As `Adapter.handOver`. */
  lend(): AdapterLoan {
    const { link } = this.#miniport;
    this.#requirePresent();
    if (link.handOver === undefined) throw notToHandOver();
    if (this.#isLent) throw lentAlready(link.info.name);
    const { mtu, addresses } = link.info;
    const description = { mtu, addresses, offload: link.capabilities.offload };
    const { fds, keepDevice, release } = link.handOver();
    this.#isLent = true;
    return {
      fds,
      description,
      keepDevice: () => {
        this.#requirePresent();
        keepDevice();
      },
      release: () => {
        this.#isLent = false;
        release();
      },
    };
  }

  #requirePresent(): void {
    if (!this.#miniport.shared.present) throw this.#miniport.closedError();
  }
}

function notToHandOver(): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    'only a kernel adapter can be handed to another process, and only by the thread that created it',
  );
}

function lentAlready(name: string): TunError {
  return new TunError(
    TunErrorCode.INVALID_STATE,
    `adapter "${name}" is being handed to another process already; wait for how that ends`,
  );
}
