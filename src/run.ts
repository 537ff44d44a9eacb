/**
 * `typetun/run`: a command in a network of its own, whose only way out is an adapter of your program.
 * Linux; it needs the FFI package and unshare(1), and no privileges where user namespaces are allowed.
 */

export type { OnDue } from './run/delay-line.ts';
export { Direction } from './run/flow-table.ts';
export { runInNamespace } from './run/namespace.ts';
export type { NamespaceOptions, NamespaceResult, NamespaceRun, Rung } from './run/options.ts';
export {
  type Flow,
  type FlowVerdict,
  loadPolicy,
  MAX_DELAY_MS,
  type PacketVerdict,
  type Policy,
  type Rewrite,
} from './run/policy.ts';
export { PolicyFilter, type PolicyFilterOptions } from './run/policy-filter.ts';
export type { PolicyStatistics } from './run/policy-statistics.ts';
