/** The options of `typetun adapter` as the command line gives them, and as an adapter takes them. */

import type { AdapterChange, AdapterOptions, LinkKind, RouteConfig } from '../../index.ts';
import type { AccessConfig, AdapterConfig } from '../../service.ts';
import { UsageError } from '../errors.ts';
import type { ViaOptions } from '../via/options.ts';

/** What can be changed later as well. `false`: none at all (`--no-address`). */
export interface ChangeOptions extends ViaOptions {
  readonly address?: readonly string[] | false;
  readonly mtu?: number;
  readonly route?: readonly string[] | false;
}

interface AccessOptions {
  readonly allowUser?: readonly string[];
  readonly allowGroup?: readonly string[];
  readonly allowDescriptor?: boolean;
}

export interface SetOptions extends ChangeOptions, AccessOptions {}

export interface CreateOptions extends ChangeOptions, AccessOptions {
  readonly persist?: boolean;
  readonly owner?: number;
  readonly group?: number;
  readonly link?: LinkKind;
  readonly offload?: 'split' | 'carry' | 'off';
  readonly engine?: 'auto' | 'io_uring' | 'syscalls';
  readonly dropPolicy?: 'drop-oldest' | 'drop-newest';
  readonly queues?: number;
  readonly queueBytes?: number;
  readonly hostQueue?: number;
  /** `false` for `--no-prefetch`; otherwise true. */
  readonly prefetch: boolean;
  readonly ipv6LinkLocal?: boolean;
  readonly netns?: string;
}

const DIGITS = /^\d+$/;
const METRIC_SIGN = '@';

/** What is to be changed: only what was given. */
export function readChange({ address, mtu, route }: ChangeOptions): AdapterChange {
  return {
    ...(address !== undefined && { addresses: address || [] }),
    ...(mtu !== undefined && { mtu }),
    ...(route !== undefined && { routes: (route || []).map(readRoute) }),
  };
}

/** Who is to have access; undefined when nothing was said. */
export function readAccess(options: AccessOptions): AccessConfig | undefined {
  const { allowUser, allowGroup, allowDescriptor } = options;
  if (allowUser === undefined && allowGroup === undefined && allowDescriptor === undefined) {
    return undefined;
  }
  return {
    ...(allowUser !== undefined && { users: allowUser.map(readIdentity) }),
    ...(allowGroup !== undefined && { groups: allowGroup.map(readIdentity) }),
    ...(allowDescriptor !== undefined && { descriptor: allowDescriptor }),
  };
}

/** As a host takes it. */
export function readConfig(name: string, options: CreateOptions): AdapterConfig {
  const access = readAccess(options);
  const { link } = options;
  return {
    ...readOptions(name, options),
    name,
    ...(link !== undefined && { link }),
    ...(access !== undefined && { access }),
  };
}

/** As `Adapter.create` takes it. */
export function readOptions(name: string, options: CreateOptions): Omit<AdapterOptions, 'link'> {
  const { persist, owner, group, offload, engine, dropPolicy, queues, queueBytes } = options;
  const { hostQueue, prefetch, ipv6LinkLocal, netns } = options;
  return {
    name,
    ...readChange(options),
    ...(persist !== undefined && { persist }),
    ...(owner !== undefined && { owner }),
    ...(group !== undefined && { group }),
    ...(offload !== undefined && { offload }),
    ...(engine !== undefined && { engine }),
    ...(dropPolicy !== undefined && { dropPolicy }),
    ...(queues !== undefined && { queues }),
    ...(queueBytes !== undefined && { queueBytes }),
    ...(hostQueue !== undefined && { hostQueueLength: hostQueue }),
    ...(!prefetch && { prefetch }),
    ...(ipv6LinkLocal !== undefined && { ipv6LinkLocal }),
    ...(netns !== undefined && { netns }),
  };
}

/** `10.8.0.0/16`, or `10.8.0.0/16@100` with a metric. */
function readRoute(text: string): RouteConfig | string {
  const at = text.indexOf(METRIC_SIGN);
  if (at < 0) return text;
  const metric = text.slice(at + 1);
  if (DIGITS.test(metric)) return { destination: text.slice(0, at), metric: Number(metric) };
  throw new UsageError(
    `--route is "${text}"; give a prefix, and behind "${METRIC_SIGN}" a metric as a whole number: 10.8.0.0/16@100`,
  );
}

/** A number is a user's or group's number, everything else its name. */
function readIdentity(text: string): string | number {
  return DIGITS.test(text) ? Number(text) : text;
}
