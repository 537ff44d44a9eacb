/** The options of `typetun run` as the command line gives them, and how they are read. */

import { isUtf8 } from 'node:buffer';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseAddress } from '../../index.ts';
import { parsePrefix } from '../../wire/address.ts';
import { UsageError } from '../errors.ts';
import type { NameTable } from './dns.ts';

export interface RunCommandOptions {
  readonly to: string;
  readonly policy?: string;
  readonly pcap?: string;
  readonly address?: readonly string[];
  readonly dns?: readonly string[];
  readonly name?: readonly string[];
  readonly mtu?: number;
  readonly rung?: 'kernel' | 'rootless' | 'veth';
  readonly json?: boolean;
}

/** What is at the far side. */
export type Destination =
  | { readonly kind: 'reflector' }
  | { readonly kind: 'host' }
  | { readonly kind: 'adapter'; readonly name: string };

const ADAPTER_PREFIX = 'adapter:';

/** The options of `run` that take no value. */
const FLAGS: readonly string[] = ['--json', '--help', '-h'];

/**
 * Commander gives an option one value at most: `typetun run --to adapter NAME` becomes `--to adapter:NAME`,
 * among the options in front of the command alone.
 */
export function joinAdapterName(argv: readonly string[]): string[] {
  const words = [...argv];
  const run = words.indexOf('run');
  for (let at = run + 1; run > 0 && at < words.length; at++) {
    const word = words[at]!;
    if (!word.startsWith('-') || word === '--') break;
    if (FLAGS.includes(word) || word.includes('=')) continue;
    at++;
    const name = words[at + 1] ?? '--';
    const isOpen = word === '--to' && words[at] === 'adapter' && !name.startsWith('-');
    if (isOpen) words.splice(at, 2, `${ADAPTER_PREFIX}${name}`);
  }
  return words;
}

/** @throws UsageError naming what there is. */
export function readDestination(text: string): Destination {
  if (text === 'reflector') return { kind: 'reflector' };
  if (text === 'host') return { kind: 'host' };
  const name = text.startsWith(ADAPTER_PREFIX) ? text.slice(ADAPTER_PREFIX.length) : '';
  if (name !== '') return { kind: 'adapter', name };
  throw new UsageError(
    `--to is "${text}"; give reflector, host, or adapter and the name of a TUN interface`,
  );
}

/** @throws UsageError for what is no `NAME=ADDRESS`. */
export function readNames(pairs: readonly string[] | undefined, used: Destination): NameTable {
  const names = new Map<string, string[]>();
  if (pairs !== undefined && used.kind !== 'host') {
    throw new UsageError('--name is for the DNS server of --to host');
  }
  for (const pair of pairs ?? []) {
    const at = pair.indexOf('=');
    if (at < 1) throw new UsageError(`--name is "${pair}"; give NAME=ADDRESS`);
    const name = pair.slice(0, at).toLowerCase().replace(/\.$/, '');
    const address = pair.slice(at + 1);
    checked(() => parseAddress(address));
    names.set(name, [...(names.get(name) ?? []), address]);
  }
  return names;
}

/** @throws UsageError for what is no address with prefix length, or no address. */
export function checkAddresses({ address, dns }: RunCommandOptions): void {
  for (const text of address ?? []) checked(() => parsePrefix(text));
  for (const text of dns ?? []) checked(() => parseAddress(text));
}

/**
 * Node reads words and variables as UTF-8, and puts U+FFFD in the place of what is none: the command would
 * get others than were given.
 *
 * @throws UsageError naming what is not UTF-8.
 */
export function checkUtf8(folder = '/proc/self'): void {
  for (const file of ['cmdline', 'environ']) {
    const bytes = existsSync(folder) ? readFileSync(`${folder}/${file}`) : Buffer.alloc(0);
    if (isUtf8(bytes)) continue;
    const words = bytes.toString('latin1').split('\0');
    const wrong = words.find((word) => !isUtf8(Buffer.from(word, 'latin1')))!;
    const what = file === 'cmdline' ? 'the argument' : 'the environment variable';
    throw new UsageError(
      `${what} ${JSON.stringify(wrong)} is not UTF-8; typetun run passes on no other`,
    );
  }
}

/** @throws UsageError when there is no such file. */
export function policyUrl(file: string): URL {
  const path = resolve(file);
  if (!existsSync(path)) throw new UsageError(`there is no policy ${path}`);
  return pathToFileURL(path);
}

function checked<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
