/** The configuration of a host: read, checked whole, with every mistake named by file, line and remedy. */

import { readFileSync } from 'node:fs';
import { TunError, TunErrorCode } from '../errors.ts';
import { checkAdapterOptions } from '../index.ts';
import { resolveId } from './access.ts';
import type { AccessConfig, AdapterConfig } from './control-protocol.ts';
import { JsonError, type JsonNode, nodeOf, parseJson } from './json-source.ts';
import { checkSchema, type Mistake, type SchemaDocument } from './schema-check.ts';

/** A file of this shape: schema/typetun.config.schema.json. */
export interface HostConfig {
  readonly runDirectory?: string;
  readonly control?: Pick<AccessConfig, 'users' | 'groups'>;
  readonly unverifiedPeers?: boolean;
  readonly adapters?: readonly AdapterConfig[];
}

/** Where the published schema is, seen from `dist/service`. */
const SCHEMA_URL = new URL('../../schema/typetun.config.schema.json', import.meta.url);

let loaded: SchemaDocument | undefined;

function schema(): SchemaDocument {
  loaded ??= JSON.parse(readFileSync(SCHEMA_URL, 'utf8')) as SchemaDocument;
  return loaded;
}

/**
 * Reads and checks a configuration.
 *
 * @throws TunError `CONFIG` with a line for every mistake: `FILE:LINE: what is wrong; what would do`.
 */
export function readConfig(path: string): HostConfig {
  return parseConfig(readText(path), path);
}

/** As {@link readConfig}, of a text; `path` is what messages call it. */
export function parseConfig(text: string, path: string): HostConfig {
  const mistakes: Mistake[] = [];
  let node: JsonNode | undefined;
  try {
    node = parseJson(text);
    mistakes.push(...checkSchema(schema(), schema(), node, 'the configuration'));
    if (mistakes.length === 0) mistakes.push(...checkMeaning(node));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    mistakes.push({ line: error.line, message: error.message });
  }
  if (mistakes.length === 0) return node!.value as HostConfig;
  const lines = mistakes.map(({ line, message }) => `${path}:${line}: ${message}`);
  throw new TunError(TunErrorCode.CONFIG, lines.join('\n'));
}

/**
 * Checks an adapter that came over the control socket.
 *
 * @throws TypeError naming every mistake.
 */
export function checkAdapterConfig(given: unknown): AdapterConfig {
  const { adapter } = schema().definitions;
  const node = nodeOf(given);
  const mistakes = checkSchema(schema(), adapter!, node, 'the adapter');
  if (mistakes.length === 0) mistakes.push(...adapterMistakes(node));
  if (mistakes.length === 0) return given as AdapterConfig;
  throw new TypeError(mistakes.map(({ message }) => message).join('; '));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message = `the configuration ${path} cannot be read (${code}); give a file that is there and that user ${process.geteuid?.()} may read`;
    throw new TunError(TunErrorCode.CONFIG, message, { cause });
  }
}

/** What a schema cannot say. */
function checkMeaning(node: JsonNode): Mistake[] {
  const adapters = node.members?.get('adapters')?.node.items ?? [];
  const control = node.members?.get('control')?.node;
  const lines = new Map<unknown, number>();
  const twice = adapters.flatMap((adapter): Mistake[] => {
    const name = adapter.members!.get('name')!.node;
    const before = lines.get(name.value);
    lines.set(name.value, name.line);
    if (before === undefined) return [];
    const message = `the name "${String(name.value)}" is that of the adapter in line ${before} already; choose another`;
    return [{ line: name.line, message }];
  });
  return [...identityMistakes(control), ...adapters.flatMap(adapterMistakes), ...twice];
}

/** Of one adapter: each option by itself, so that its line is known; then all of them together. */
function adapterMistakes({ value, line, members }: JsonNode): Mistake[] {
  const { access: _access, ...options } = value as AdapterConfig;
  const mistakes = [...members!].flatMap(([name, { node }]) =>
    name === 'access' ? identityMistakes(node) : optionMistakes(name, node),
  );
  if (mistakes.length > 0) return mistakes;
  const why = refused(options);
  return why === undefined ? [] : [{ line: members!.get('mtu')?.line ?? line, message: why }];
}

function optionMistakes(name: string, node: JsonNode): Mistake[] {
  const items = node.items?.flatMap((item): Mistake[] => {
    const why = refused({ [name]: [item.value] });
    return why === undefined ? [] : [{ line: item.line, message: why }];
  });
  if (items !== undefined && items.length > 0) return items;
  const why = refused({ [name]: node.value });
  return why === undefined ? [] : [{ line: node.line, message: why }];
}

function identityMistakes(access: JsonNode | undefined): Mistake[] {
  const of = (kind: 'user' | 'group'): Mistake[] =>
    (access?.members?.get(`${kind}s`)?.node.items ?? []).flatMap(({ value, line }) => {
      const why = messageOf(() => resolveId(kind, value as string | number));
      return why === undefined ? [] : [{ line, message: why }];
    });
  return [...of('user'), ...of('group')];
}

function refused(options: object): string | undefined {
  return messageOf(() => checkAdapterOptions(options));
}

function messageOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
