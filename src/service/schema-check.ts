/**
 * Checks values against our JSON Schema (schema/typetun.config.schema.json): the part of the standard that it uses,
 * with messages that say what would do.
 *
 * Our own since of the small validators none tells lines, and the large one (ajv, 4 packages) makes functions of
 * text at run time, which `--disallow-code-generation-from-strings` forbids, and words its messages for programs.
 *
 * Source: JSON Schema draft-07, "Validation".
 */

import type { JsonNode } from './json-source.ts';
import { closest } from './suggestion.ts';

/** The keywords that are understood. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean;
  readonly required?: readonly string[];
  readonly description?: string;
}

/** The whole schema. */
export interface SchemaDocument extends Schema {
  readonly definitions: Readonly<Record<string, Schema>>;
}

/** Something that is not as it must be. */
export interface Mistake {
  /** From 1; 0 of a value that is in no text. */
  readonly line: number;
  /** What is wrong and what would do. */
  readonly message: string;
}

const DEFINITIONS = '#/definitions/';
/** How the types are called in messages. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'an object {}',
  array: 'an array []',
  string: 'a text in double quotes',
  integer: 'a whole number',
  boolean: 'true or false',
};

/** All mistakes, in the order they stand in. `name` is what messages call the value. */
export function checkSchema(
  document: SchemaDocument,
  schema: Schema,
  node: JsonNode,
  name: string,
): Mistake[] {
  const { $ref } = schema;
  if ($ref !== undefined) {
    return checkSchema(document, document.definitions[$ref.slice(DEFINITIONS.length)]!, node, name);
  }
  const wrong = checkValue(schema, node.value);
  if (wrong !== undefined) {
    return [{ line: node.line, message: `${name} is ${shown(node.value)}; ${wrong}` }];
  }
  const items = node.items?.flatMap((item, i) =>
    schema.items === undefined ? [] : checkSchema(document, schema.items, item, `${name}[${i}]`),
  );
  return [...(items ?? []), ...checkMembers(document, schema, node, name)];
}

function checkMembers(
  document: SchemaDocument,
  { properties = {}, additionalProperties, required = [] }: Schema,
  { members, line }: JsonNode,
  name: string,
): Mistake[] {
  if (members === undefined) return [];
  const known = Object.keys(properties);
  const mistakes = [...members].flatMap(([member, at]) => {
    const schema = Object.hasOwn(properties, member) ? properties[member] : undefined;
    if (schema !== undefined) return checkSchema(document, schema, at.node, `"${member}"`);
    if (additionalProperties !== false) return [];
    const similar = closest(member, known);
    const hint = similar === undefined ? '' : ` did you mean "${similar}"?`;
    const message = `there is no "${member}" in ${name};${hint} there are ${known.join(', ')}`;
    return [{ line: at.line, message }];
  });
  const missing = required.filter((one) => !members.has(one));
  return [
    ...mistakes,
    ...missing.map((one) => ({ line, message: `${name} has no "${one}"; give it one` })),
  ];
}

/** What would do, when the value itself does not. */
function checkValue(schema: Schema, value: unknown): string | undefined {
  const { type, enum: choices, minimum, maximum, minLength, maxLength } = schema;
  if (choices !== undefined) {
    if (choices.includes(value)) return undefined;
    return `give one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`;
  }
  const types = type === undefined ? [] : [type].flat();
  const range = minimum === undefined ? '' : ` from ${minimum} to ${maximum}`;
  if (types.length > 0 && !types.some((one) => isOfType(one, value))) {
    const names = types.map((one) => TYPE_NAMES[one] ?? one);
    return `give ${names.join(' or ')}${types.includes('integer') ? range : ''}`;
  }
  if (typeof value === 'number' && (value < (minimum ?? value) || value > (maximum ?? value))) {
    return `give a whole number${range}`;
  }
  if (typeof value !== 'string') return undefined;
  if (value.length < (minLength ?? 0)) return 'give a text that is not empty';
  if (maxLength !== undefined && value.length > maxLength) {
    return `that are ${value.length} characters; at most ${maxLength} are possible`;
  }
  return undefined;
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  }
  return typeof value === type;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return JSON.stringify(value);
}
