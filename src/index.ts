/**
 * typetun: a layer 3 TUN driver in TypeScript. The public API, by name; everything else is internal.
 */

export {
  Adapter,
  type AdapterDescription,
  type AdapterEvents,
  openDevice,
  type SettablePower,
} from './adapter/adapter.ts';
export { Bundle } from './adapter/bundle.ts';
export { checkAdapterOptions } from './adapter/check.ts';
export type { BundleSource, Device, ReadOptions, ReadSyncOptions } from './adapter/device.ts';
export type { DescriptorOptions, OpenOptions } from './adapter/existing-options.ts';
export { Oid } from './adapter/oid.ts';
export type { AdapterChange, AdapterOptions } from './adapter/options.ts';
export type { AdapterProperties } from './adapter/properties.ts';
export type { AdapterToken, ShareResult } from './adapter/sharing.ts';
export { AdapterState, MediaState, PowerState } from './adapter/state.ts';
export { BUNDLE_SIZE_BOUNDS, READ_WAIT_BOUNDS_MS } from './adapter/histograms.ts';
export type { AdapterStatistics, DirectionStatistics } from './adapter/statistics.ts';
export { Capture, type CaptureOptions, capture } from './capture/capture.ts';
export { captureInterface, type InterfaceCaptureOptions } from './capture/interface.ts';
export { compileFilter } from './capture/filter/filter.ts';
export type { PacketTest } from './capture/filter/packet.ts';
export { type PacketSource, type PcapngStatistics, PcapngWriter } from './capture/pcapng.ts';
export type {
  CaptureDirection,
  CaptureSelection,
  PcapngOptions,
} from './capture/pcapng-options.ts';
export { type LeftOut, readBundles } from './capture/read/bundles.ts';
export type { CapturedPacket } from './capture/read/packet.ts';
export { readCapture } from './capture/read/reader.ts';
export { type ReplayOptions, type ReplayStatistics, replay, replayOut } from './capture/replay.ts';
export type { CaptureTarget } from './capture/sink.ts';
export { type TraceEvent, trace } from './capture/tracer.ts';
export { isTunError, TunError, TunErrorCode, type TunErrorDetails } from './errors.ts';
export {
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_PACKETS,
  MAX_MTU,
  MAX_PACKET_BYTES,
  MIN_MTU,
  MIN_MTU_IPV6,
  MIN_READ_BUFFER_BYTES,
} from './limits.ts';
export type {
  Engine,
  GiveResult,
  Link,
  LinkCapabilities,
  LinkConfig,
  LinkEvent,
  LinkInfo,
  LinkKind,
  LinkProvider,
  LinkReconfig,
  LinkToken,
  LinkUser,
  LinkWatch,
  Offload,
  RouteConfig,
  Segmentation,
  TakeResult,
  WintunAdapter,
  WintunDll,
  WintunOptions,
} from './link/link.ts';
export { kernelLink } from './link/open.ts';
export {
  deleteWintunDriver,
  inspectWintun,
  listWintunAdapters,
  wintunDriverVersion,
} from './link/wintun.ts';
export {
  type InheritedDescriptor,
  inheritedDescriptors,
} from './passing/inherited.ts';
export type { PassingOptions } from './passing/options.ts';
export { type ReceiveOptions, receiveAdapter } from './passing/receive.ts';
export { sendAdapter } from './passing/send.ts';
export type { DropPolicy } from './sync/packet-queue.ts';
export { VERSION } from './version.ts';
export { formatAddress, parseAddress } from './wire/address.ts';
export { BundleReader } from './wire/bundle-reader.ts';
export { BundleWriter } from './wire/bundle-writer.ts';
export { checksum } from './wire/checksum.ts';
export { ipVersion, pseudoHeaderSum, swapAddresses } from './wire/ip.ts';
export {
  checkIpv4,
  IPV4_DESTINATION,
  IPV4_SOURCE,
  ipv4HeaderBytes,
  ipv4Protocol,
  ipv4TotalLength,
} from './wire/ipv4.ts';
export {
  checkIpv6,
  IPV6_DESTINATION,
  IPV6_SOURCE,
  ipv6NextHeader,
  ipv6PayloadLength,
} from './wire/ipv6.ts';
export {
  isVnetHeader,
  readVnetHeader,
  VNET_DATA_VALID,
  VNET_GSO_ECN,
  VNET_HEADER_BYTES,
  VNET_NEEDS_CHECKSUM,
  VnetGso,
  type VnetHeader,
  writeVnetHeader,
} from './wire/virtio-net.ts';
export { startWorkers, type WorkerGroup, type WorkersOptions } from './workers/group.ts';
export {
  type BundleHandler,
  eachPacket,
  forwardBundles,
  type PacketFunction,
  type WorkerContext,
  type WorkerMain,
} from './workers/handler.ts';
