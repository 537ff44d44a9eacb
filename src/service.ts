/**
 * `typetun/service`: adapters that a host (`typetun serve`) owns, for programs in other processes. It needs no
 * privileges but those that the host gives.
 */

export type { Welcome } from './service/device-protocol.ts';
export { ControlClient, type ControlClientOptions } from './service/control-client.ts';
export {
  type AccessConfig,
  type AdapterConfig,
  type AdapterInfo,
  type AdapterReference,
  type ClientInfo,
  CONTROL_EVENTS,
  CONTROL_PROTOCOL,
  CONTROL_SOCKET,
  type Control,
  type ControlArguments,
  ControlErrorCode,
  type ControlErrorData,
  type ControlEvent,
  type ControlEventName,
  type ControlMethod,
  type ControlMethods,
  type ControlParams,
  type ControlResult,
  type DebugReport,
  type HostInfo,
  type InterfaceStatistics,
  type ReloadResult,
  type StatisticsEntry,
} from './service/control-protocol.ts';
export { Host, type HostOptions } from './service/host.ts';
export { HostDescriptor } from './service/host-descriptor.ts';
export { HostDevice, type HostDeviceOptions } from './service/host-device.ts';
export { formatLine, type LogFields, type LogLevel, type LogSink } from './service/log.ts';
export { defaultRunDirectory, knownRunDirectories } from './service/run-directory.ts';
