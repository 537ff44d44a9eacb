/**
 * Between a packet socket and bundles (veth.ts). Reading is as from a TUN: each read is an IP packet, and
 * what is none is a byte too few for one. A packet that is written is told where it goes: to the
 * other end of the pair.
 *
 * **That the pair is gone the socket tells once**, to whoever reads or writes next, and as soon as its end
 * goes down, which is a moment before it has gone. So that is the end: nobody but the kernel brings it down.
 */

import { Address, addressOf } from '../../os/address.ts';
import { Errno, libc } from '../../os/libc.ts';
import {
  EtherType,
  LINK_ADDRESS_BYTES,
  linkAddress,
  packetBinding,
} from '../../os/packet-socket.ts';
import type { BundleIndex } from '../../wire/bundle.ts';
import { lengthOf } from '../../wire/view.ts';
import { type GiveResult, LINK_CLOSED, type TakeResult } from '../link.ts';
import { DirectPath } from './direct-path.ts';
import { PacketMemory } from './packet-memory.ts';
import { detached, isGone, type Path, type PathDevice, refuseRest } from './path.ts';
import { NEAR_ADDRESS } from './veth.ts';

/** IP versions, and how far down in a packet's first byte they are. */
const VERSION_SHIFT = 4;
const IPV4 = 4;
const IPV6 = 6;
/** Where each version's address is in {@link FramePath.#targets}; apart as tables of addresses want it. */
const TARGET_BYTES = 32;

/**
 * Packets that may wait in the place of one of the largest MTU: the kernel reckons about 700 bytes at
 * least for each, and for the largest a hundred times as much.
 */
const PACKETS_PER_PLACE = 128;

/** A device whose end the socket tells. */
export interface FrameDevice extends PathDevice {
  /** The device was removed: for every thread. */
  end(): void;
}

export class FramePath implements Path {
  readonly packetsPerRead: number = PACKETS_PER_PLACE;
  readonly #device: FrameDevice;
  readonly #direct: DirectPath;
  readonly #memory = new PacketMemory();
  /** Where packets of either version are sent to: `struct sockaddr_ll`. */
  readonly #targets = new Uint8Array(2 * TARGET_BYTES);
  readonly #target: Address;

  constructor(device: FrameDevice) {
    this.#device = device;
    this.#direct = new DirectPath(device, false);
    const index = packetBinding(device.fd)?.index ?? 0;
    this.#targets.set(linkAddress(index, EtherType.IPV4, NEAR_ADDRESS), 0);
    this.#targets.set(linkAddress(index, EtherType.IPV6, NEAR_ADDRESS), TARGET_BYTES);
    this.#target = new Address(addressOf(this.#targets));
  }

  get remainder(): Uint8Array {
    return this.#direct.remainder;
  }

  createBuffer(bytes: number): Uint8Array {
    return this.#direct.createBuffer(bytes);
  }

  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    const length = this.#direct.take(bytes, offset, maxPackets, result);
    if (!result.emptied || libc().errno() !== Errno.ENETDOWN) return length;
    this.#device.end();
    if (length > 0) return length;
    result.emptied = false;
    return LINK_CLOSED;
  }

  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    const { fd } = this.#device;
    const memory = this.#memory.locate(bytes);
    const capacity = lengthOf(bytes);
    const { sendPacket } = libc();
    for (let i = 0; i < index.count; i++) {
      const offset = index.offsets[i]!;
      const length = index.lengths[i]!;
      if (offset + length > capacity) throw detached();
      const version = bytes[offset]! >>> VERSION_SHIFT;
      const isIp = version === IPV4 || version === IPV6;
      const to = this.#target.at(version === IPV6 ? TARGET_BYTES : 0);
      if (isIp && sendPacket(fd, memory.at(offset), length, 0, to, LINK_ADDRESS_BYTES) === length) {
        result.packets++;
        result.octets += length;
      } else if (isIp && hasNoDevice()) {
        this.#device.end();
        refuseRest(index, i, result);
        return LINK_CLOSED;
      } else {
        result.refused++;
        index.lengths[i] = 0;
      }
    }
    return result.packets;
  }
}

/** Whether the last packet was refused since the interface that it should go by is gone, or about to go. */
function hasNoDevice(): boolean {
  const errno = libc().errno();
  return errno === Errno.ENETDOWN || errno === Errno.ENXIO || isGone(errno);
}
