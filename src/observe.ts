/**
 * `typetun/observe`: looking at a host (`typetun serve`): a dashboard, metrics for Prometheus, logs, and samples
 * with rates for views of one's own.
 */

export { writeDebugFile } from './observe/debug-file.ts';
export { logEvents } from './observe/log-events.ts';
export {
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogOptions,
  openLog,
} from './observe/log.ts';
export { Metrics } from './observe/metrics/metrics.ts';
export { checkObserveOptions, Observers, type ObserveOptions } from './observe/observe.ts';
export {
  formatBits,
  formatBytes,
  formatCount,
  formatDuration,
  formatScaled,
  formatTime,
} from './observe/page/format.ts';
export type {
  AdapterView,
  ClientView,
  Drop,
  Happening,
  HostView,
  Point,
  Rates,
  Sample,
  StateName,
  Totals,
} from './observe/page/model.ts';
export { DEFAULT_INTERVAL_MS, Sampler, type Watcher } from './observe/sampler.ts';
