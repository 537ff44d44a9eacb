/** What `runInNamespace` takes and gives, and the checks of what it is given. */

import type { StdioOptions } from 'node:child_process';
import type { Adapter, Offload } from '../index.ts';
import { DEFAULT_MTU } from '../limits.ts';
import { parseAddress } from '../wire/address.ts';

/**
 * How a command is given a network of its own, from the best down:
 * - `kernel`: this process has the rights (root): a network namespace, no user namespace;
 * - `rootless`: a user namespace of this user's, in which the command sees itself as root;
 * - `veth`: the same where `/dev/net/tun` cannot be had: a veth pair and a packet socket. Slower, and
 *   without offload.
 */
export type Rung = (typeof RUNGS)[number];

export const RUNGS = ['kernel', 'rootless', 'veth'] as const;

/** What `runInNamespace` takes. */
export interface NamespaceOptions {
  /** The command and its arguments: a name looked up in PATH, or a path. Passed on in UTF-8, as is `env`. */
  readonly command: readonly string[];
  /** Addresses of the adapter with prefix length. Default `['10.7.0.1/24', 'fd07::1/64']`. */
  readonly addresses?: readonly string[];
  /**
   * Destinations routed to the adapter besides the networks of its addresses. By default everything, in
   * each family that has an address.
   */
  readonly routes?: readonly string[];
  /** Interface name as the command sees it. Default `tun0`. */
  readonly name?: string;
  /** Bytes of the largest IP packet. Default 1500. */
  readonly mtu?: number;
  /** As in `Adapter.create`. Default `split`; there is none on the rung `veth`. */
  readonly offload?: Offload;
  /** Whether the system makes itself an fe80:: address. Default false. */
  readonly ipv6LinkLocal?: boolean;
  /**
   * Addresses of DNS servers: the command sees a /etc/resolv.conf with these alone. Left as it is by
   * default.
   */
  readonly dns?: readonly string[];
  /** Takes this rung, or fails. By default the best that can be had. */
  readonly rung?: Rung;
  /** The command's environment. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The command's working directory. Default: this process's. */
  readonly cwd?: string;
  /**
   * The command's three standard streams, as `child_process.spawn` takes them: in a list, what is left out
   * is a pipe. Default `inherit`.
   */
  readonly stdio?: StdioOptions;
  /** Ends the command by SIGTERM when it aborts; the call then rejects with its reason. */
  readonly signal?: AbortSignal;
  /**
   * Called with the adapter, before the command starts: open the device in it, at once, and move packets
   * for as long as you like. Of a device that is opened before this returns the command's first packet is
   * not missed. When it returned the command is started; a promise that it returns is not
   * waited for until the command has ended and the adapter is closed. When it throws or rejects the
   * command is ended, and the call rejects with that error.
   */
  readonly onAdapter: (adapter: Adapter, run: NamespaceRun) => void | Promise<void>;
}

/** A command that runs, or is about to. */
export interface NamespaceRun {
  readonly rung: Rung;
  /** Why this rung and no better one. */
  readonly reason: string;
  /** Process id: the helper's at first, then the command's. */
  readonly pid: number;
  /** Ends of the streams for which `stdio` says `pipe`; else null. */
  readonly stdin: NodeJS.WritableStream | null;
  readonly stdout: NodeJS.ReadableStream | null;
  readonly stderr: NodeJS.ReadableStream | null;
  /** Sends a signal to the command. Returns whether it was there to get it. */
  kill(signal: NodeJS.Signals): boolean;
}

/** How a command ended. */
export interface NamespaceResult {
  readonly rung: Rung;
  readonly reason: string;
  /**
   * Exit status as a shell gives it: the command's own; 128 plus the number of the signal that ended it;
   * 127 when there is no such command, 126 when it may not be run.
   */
  readonly status: number;
  /** The signal that ended it, or null. */
  readonly signal: NodeJS.Signals | null;
  /** Why the command did not start; undefined when it did. */
  readonly unstarted: string | undefined;
}

/** Options with every default filled in. */
export interface CheckedNamespaceOptions extends NamespaceOptions {
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly name: string;
  readonly mtu: number;
  readonly offload: Offload;
  readonly ipv6LinkLocal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export const DEFAULT_ADDRESSES: readonly string[] = ['10.7.0.1/24', 'fd07::1/64'];
const DEFAULT_ROUTES = { 4: '0.0.0.0/0', 6: '::/0' } as const;
const DEFAULT_NAME = 'tun0';
/** Input, output, error. */
const STANDARD_STREAMS = 3;

/**
 * Checks what `Adapter.create` in the helper does not, and fills in the defaults.
 *
 * @throws TypeError naming the option, its value, and what would do.
 */
export function checkNamespaceOptions(options: NamespaceOptions): CheckedNamespaceOptions {
  const { command, dns = [], onAdapter, rung } = options;
  const words: readonly unknown[] = Array.isArray(command) ? command : [];
  if (words.length === 0 || !words.every((word) => typeof word === 'string')) {
    throw new TypeError("command is no list of words; give one like ['ping', '10.7.0.2']");
  }
  if (command.some((word) => word.includes('\0'))) {
    throw new TypeError('a word of the command has a zero byte in it');
  }
  checkEnvironment(options.env ?? {});
  if (typeof onAdapter !== 'function') {
    throw new TypeError('onAdapter is no function; give one that moves the packets of the adapter');
  }
  if (rung !== undefined && !RUNGS.includes(rung)) {
    const known = RUNGS.map((one) => `'${one}'`).join(', ');
    throw new TypeError(`rung is "${String(rung)}"; give one of ${known}, or leave it out`);
  }
  checkStreams(options.stdio);
  for (const server of dns) parseAddress(server);
  const addresses = options.addresses ?? DEFAULT_ADDRESSES;
  return {
    ...options,
    addresses,
    routes: options.routes ?? defaultRoutes(addresses),
    name: options.name ?? DEFAULT_NAME,
    mtu: options.mtu ?? DEFAULT_MTU,
    offload: options.offload ?? 'split',
    ipv6LinkLocal: options.ipv6LinkLocal ?? false,
    env: options.env ?? process.env,
    cwd: options.cwd ?? process.cwd(),
  };
}

function checkStreams(stdio: NamespaceOptions['stdio']): void {
  if (!Array.isArray(stdio)) return;
  if (stdio.length > STANDARD_STREAMS || stdio.some((stream) => stream === 'ipc')) {
    throw new TypeError(
      "stdio has more than three streams, or 'ipc'; the command gets three alone",
    );
  }
}

function checkEnvironment(env: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (typeof value !== 'string') {
      throw new TypeError(`env.${name} is of type ${typeof value}; give a string`);
    }
    if (name.includes('=') || `${name}${value}`.includes('\0')) {
      throw new TypeError(
        `the variable ${JSON.stringify(name)} of env has a zero byte, or a "=" in its name; give it without`,
      );
    }
  }
}

function defaultRoutes(addresses: readonly string[]): string[] {
  const routes: string[] = [];
  if (addresses.some((text) => !text.includes(':'))) routes.push(DEFAULT_ROUTES[4]);
  if (addresses.some((text) => text.includes(':'))) routes.push(DEFAULT_ROUTES[6]);
  return routes;
}
