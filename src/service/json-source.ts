/**
 * JSON of which every value knows its line, so that a mistake in it can be shown.
 *
 * Source: RFC 8259. Two members of the same name, which it leaves open, are refused.
 */

/** A value, and where it stands. */
export interface JsonNode {
  /** What `JSON.parse` would give. */
  readonly value: unknown;
  /** Line of its first character, from 1. */
  readonly line: number;
  /** Of an object: its members, and the line each name is in. */
  readonly members?: ReadonlyMap<string, JsonMember>;
  /** Of an array. */
  readonly items?: readonly JsonNode[];
}

export interface JsonMember {
  /** Of the name. */
  readonly line: number;
  readonly node: JsonNode;
}

/** The text is no JSON. */
export class JsonError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const COMMENT = /\/\/|\/\*|#/y;
/** Deeper than any configuration, and shallow enough for the stack. */
const MAX_DEPTH = 64;

/** @throws JsonError naming what is wrong and in which line. */
export function parseJson(text: string): JsonNode {
  return new Parser(text).document();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #line = 1;
  /** Up to where lines are counted. */
  #counted = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonNode {
    const node = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length)
      throw this.#wrong('there is more behind the end of the value');
    return node;
  }

  #value(depth: number): JsonNode {
    this.#space();
    if (depth > MAX_DEPTH) throw this.#wrong('it is nested too deep');
    const line = this.#here();
    if (this.#take('{')) return this.#object(line, depth);
    if (this.#take('[')) return this.#array(line, depth);
    for (const pattern of [STRING, NUMBER, WORD]) {
      const text = this.#match(pattern);
      if (text !== undefined) return { value: JSON.parse(text) as unknown, line };
    }
    throw this.#unexpected('a value');
  }

  #object(line: number, depth: number): JsonNode {
    const members = new Map<string, JsonMember>();
    const value: Record<string, unknown> = {};
    const member = (): void => {
      this.#space();
      const nameLine = this.#here();
      const quoted = this.#match(STRING);
      if (quoted === undefined) throw this.#unexpected('a name in double quotes');
      const name = JSON.parse(quoted) as string;
      if (members.has(name)) throw this.#wrong(`"${name}" is given twice; remove one`);
      this.#space();
      if (!this.#take(':')) throw this.#unexpected(`":" behind ${quoted}`);
      const node = this.#value(depth + 1);
      members.set(name, { line: nameLine, node });
      Object.defineProperty(value, name, { value: node.value, enumerable: true });
    };
    this.#list('}', member);
    return { value, line, members };
  }

  #array(line: number, depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.#list(']', () => items.push(this.#value(depth + 1)));
    return { value: items.map(({ value }) => value), line, items };
  }

  /** What is separated by commas, up to and with `end`. */
  #list(end: string, one: () => void): void {
    this.#space();
    if (this.#take(end)) return;
    for (;;) {
      one();
      this.#space();
      if (this.#take(end)) return;
      if (!this.#take(',')) throw this.#unexpected(`"," or "${end}"`);
      const line = this.#here();
      this.#space();
      if (this.#text[this.#at] === end) {
        throw new JsonError('the last "," is too many; remove it', line);
      }
    }
  }

  #space(): void {
    this.#match(SPACE);
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0];
    this.#at += text?.length ?? 0;
    return text;
  }

  /** The line of the present place. */
  #here(): number {
    for (; this.#counted < this.#at; this.#counted++) {
      if (this.#text[this.#counted] === '\n') this.#line++;
    }
    return this.#line;
  }

  #unexpected(wanted: string): JsonError {
    COMMENT.lastIndex = this.#at;
    if (COMMENT.test(this.#text)) return this.#wrong('JSON has no comments; remove it');
    const char = this.#text[this.#at];
    return this.#wrong(
      char === undefined
        ? `the text ends where ${wanted} is to be`
        : `${JSON.stringify(char)} stands where ${wanted} is to be`,
    );
  }

  #wrong(message: string): JsonError {
    return new JsonError(message, this.#here());
  }
}

/** A value that was not read from a text, as a node; all of it is in line 0. */
export function nodeOf(value: unknown): JsonNode {
  if (Array.isArray(value)) return { value, line: 0, items: value.map(nodeOf) };
  if (typeof value !== 'object' || value === null) return { value, line: 0 };
  const members = Object.entries(value).map(
    ([name, member]) => [name, { line: 0, node: nodeOf(member) }] as const,
  );
  return { value, line: 0, members: new Map(members) };
}
