/**
 * `typetun/testing`: an IP host in memory for your own tests, and for machines without privileges.
 * Needs neither the FFI package nor any right.
 */

export { FaultInjector, type FaultInjectorOptions } from './capture/faults.ts';
export type { LinkConfig, LinkProvider } from './link/link.ts';
export { type Clock, type ClockTimer, VirtualClock } from './link/memory/clock.ts';
export type { FaultOptions, HostFaults } from './link/memory/fault-options.ts';
export { MemoryHost, type MemoryHostOptions } from './link/memory/host.ts';
export type { PingOptions, PingResult } from './link/memory/ping.ts';
export type {
  FaultStatistics,
  HostStatistics,
  ReceiveStatistics,
  SendStatistics,
} from './link/memory/statistics.ts';
export type { UdpMessage, UdpSocket } from './link/memory/udp.ts';
