/** What the adapter is: the fixed properties that NDIS tools would query, and what runs underneath. */

import {
  LINK_SPEED_BPS,
  MAX_BUNDLE_PACKETS,
  MAX_PACKET_BYTES,
  MAX_QUEUED_PACKETS,
  VENDOR_ID,
} from '../limits.ts';
import type { Link, LinkCapabilities, Offload } from '../link/link.ts';
import { DRIVER_VERSION } from '../version.ts';
import type { SharedAdapter } from './shared-adapter.ts';

/** Properties of an adapter. Source: docs/driver-contract.md, section 6. */
export interface AdapterProperties {
  /** Layer 3: packets have no Ethernet header. */
  readonly medium: 'IP';
  readonly interfaceType: 'virtual';
  readonly access: 'broadcast';
  readonly duplex: 'full';
  readonly pauseFunctions: 'unsupported';
  readonly interruptModeration: 'unsupported';
  /** Bits per second. */
  readonly linkSpeed: { readonly transmit: number; readonly receive: number };
  readonly vendorId: number;
  /** Major version << 16 | minor version. */
  readonly driverVersion: number;
  /** Bytes of the largest packet. */
  readonly maximumFrame: number;
  /** Bytes the adapter can hold for readers. */
  readonly transmitBufferSpace: number;
  /** Bytes of the largest bundle's packets. */
  readonly receiveBufferSpace: number;
  /** As last set by OID_GEN_CURRENT_PACKET_FILTER. */
  readonly packetFilter: number;
  /** As last set by OID_GEN_CURRENT_LOOKAHEAD, in bytes. */
  readonly lookahead: number;
  /** What carries the packets: the kernel's TUN or the in-process host. */
  readonly link: Link['kind'];
  readonly capabilities: LinkCapabilities;
  /** The hardware queue this thread uses, from 0 up to `capabilities.queues`, exclusive. */
  readonly queue: number;
  /** What becomes of super-packets; also where less was granted than asked for. */
  readonly offload: Offload;
  readonly dropPolicy: 'drop-oldest' | 'drop-newest';
  readonly prefetch: boolean;
  /** Byte bound of the packet queue, of each if there are several. */
  readonly queueBytes: number;
}

/** Bytes of the transmit buffer space: every queue place with a packet of the largest size. */
export const TRANSMIT_BUFFER_SPACE: number = MAX_PACKET_BYTES * MAX_QUEUED_PACKETS;

/** Bytes of the receive buffer space: every packet of one bundle at the largest size. */
export const RECEIVE_BUFFER_SPACE: number = MAX_PACKET_BYTES * MAX_BUNDLE_PACKETS;

/** The part of an adapter's options that shows in its properties. */
export interface PropertyOptions {
  readonly dropPolicy: 'drop-oldest' | 'drop-newest';
  readonly prefetch: boolean;
}

/** Reads the properties of an adapter. */
export function readProperties(
  shared: SharedAdapter,
  link: Link,
  options: PropertyOptions,
): AdapterProperties {
  return {
    medium: 'IP',
    interfaceType: 'virtual',
    access: 'broadcast',
    duplex: 'full',
    pauseFunctions: 'unsupported',
    interruptModeration: 'unsupported',
    linkSpeed: { transmit: LINK_SPEED_BPS, receive: LINK_SPEED_BPS },
    vendorId: VENDOR_ID,
    driverVersion: DRIVER_VERSION,
    maximumFrame: MAX_PACKET_BYTES,
    transmitBufferSpace: TRANSMIT_BUFFER_SPACE,
    receiveBufferSpace: RECEIVE_BUFFER_SPACE,
    packetFilter: shared.packetFilter,
    lookahead: shared.lookahead,
    link: link.kind,
    capabilities: link.capabilities,
    queue: shared.lane.index,
    offload: link.capabilities.offload,
    dropPolicy: options.dropPolicy,
    prefetch: options.prefetch,
    queueBytes: shared.lane.queue.maxBytes,
  };
}
