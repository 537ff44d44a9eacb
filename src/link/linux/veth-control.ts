/** The control side of a device that is the end of a veth pair: that of the device, and its packet socket's. */

import { packetDrops, setQueueBytes } from '../../os/packet-socket.ts';
import type { LinkEvent, LinkInfo, LinkReconfig } from '../link.ts';
import type { DeviceControl } from './device-control.ts';
import { queueBytesFor } from './veth.ts';

export class VethControl implements DeviceControl {
  readonly #device: DeviceControl;
  readonly #fd: number;
  readonly #queueLength: number | undefined;
  #drops = 0;
  #closed = false;

  /**
   * `fd`, the packet socket, stays the caller's and outlives this. Its queue is kept large enough for
   * `queueLength` packets of the MTU, if that is given.
   */
  constructor(device: DeviceControl, fd: number, queueLength?: number) {
    this.#device = device;
    this.#fd = fd;
    this.#queueLength = queueLength;
  }

  get info(): LinkInfo {
    return this.#device.info;
  }

  onEvent(listener: (event: LinkEvent) => void): void {
    this.#device.onEvent(listener);
  }

  configure(change: LinkReconfig): LinkInfo {
    const info = this.#device.configure(change);
    if (change.mtu !== undefined && this.#queueLength !== undefined) {
      setQueueBytes(this.#fd, queueBytesFor(this.#queueLength, change.mtu));
    }
    return info;
  }

  /** What the device dropped, and what the socket had no room for. */
  hostDrops(): number {
    // The kernel counts anew each time it was asked.
    if (!this.#closed) this.#drops += packetDrops(this.#fd);
    return this.#device.hostDrops() + this.#drops;
  }

  attachedQueues(): undefined {
    return undefined;
  }

  removeDevice(): void {
    this.#device.removeDevice();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#drops += packetDrops(this.#fd);
    this.#closed = true;
    await this.#device.close();
  }
}
