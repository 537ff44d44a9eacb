/**
 * Answers DNS queries out of a table: addresses of the names in it, and that there is no such name for
 * all others.
 *
 * Source: RFC 1035, sections 4.1 and 3.2; RFC 3596, section 2.1 (AAAA).
 */

import { parseAddress } from '../../index.ts';
import { readUint16, writeUint16 } from '../../wire/uint16.ts';

export const DNS_PORT = 53;

/** Addresses by name, in lower case and without a last dot. */
export type NameTable = ReadonlyMap<string, readonly string[]>;

const HEADER_BYTES = 12;
const FLAGS = 2;
const QUESTIONS = 4;
const ANSWERS = 6;
const OTHER_RECORDS = 8;
/** Flags: response, operation code, recursion desired, recursion available; and response codes. */
const RESPONSE = 0x8000;
const OPERATION_MASK = 0x7800;
const AUTHORITATIVE = 0x0400;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
const NO_SUCH_NAME = 3;
const NOT_IMPLEMENTED = 4;

const TYPE_A = 1;
const TYPE_AAAA = 28;
const CLASS_IN = 1;
const QUESTION_TAIL_BYTES = 4;
const CLASS_OFFSET = 2;
const MAX_LABEL_BYTES = 63;
/** A pointer to the name in the question, which begins behind the header. */
const NAME_POINTER = 0xc000 | HEADER_BYTES;
/** Name, type, class, time to live, length of data. */
const RECORD_HEADER_BYTES = 12;
const RECORD_TTL_LOW = 8;
const RECORD_LENGTH = 10;
/** How long an answer may be kept, in seconds. */
const TTL_SECONDS = 60;

/** The answer to a query; undefined for what is none. */
export function answerQuery(query: Uint8Array, names: NameTable): Uint8Array | undefined {
  if (query.length < HEADER_BYTES) return undefined;
  const flags = readUint16(query, FLAGS);
  if ((flags & RESPONSE) !== 0 || readUint16(query, QUESTIONS) !== 1) return undefined;
  const question = readQuestion(query);
  if (question === undefined) return undefined;
  const { name, type, end } = question;
  const known = names.get(name);
  const bytes = type === TYPE_A ? IPV4_BYTES : IPV6_BYTES;
  const asked = (type === TYPE_A || type === TYPE_AAAA) && question.class === CLASS_IN;
  const found = asked
    ? (known ?? []).map(parseAddress).filter((address) => address.length === bytes)
    : [];
  const operation = flags & OPERATION_MASK;
  const code = operation !== 0 ? NOT_IMPLEMENTED : known === undefined ? NO_SUCH_NAME : 0;
  const answer = new Uint8Array(end + found.length * (RECORD_HEADER_BYTES + bytes));
  answer.set(query.subarray(0, end));
  const echoed = operation | (flags & RECURSION_DESIRED);
  writeUint16(answer, FLAGS, RESPONSE | AUTHORITATIVE | RECURSION_AVAILABLE | echoed | code);
  writeUint16(answer, ANSWERS, found.length);
  answer.fill(0, OTHER_RECORDS, HEADER_BYTES);
  let at = end;
  for (const address of found) {
    writeUint16(answer, at, NAME_POINTER);
    writeUint16(answer, at + 2, type);
    writeUint16(answer, at + 2 + CLASS_OFFSET, CLASS_IN);
    writeUint16(answer, at + RECORD_TTL_LOW, TTL_SECONDS);
    writeUint16(answer, at + RECORD_LENGTH, address.length);
    answer.set(address, at + RECORD_HEADER_BYTES);
    at += RECORD_HEADER_BYTES + address.length;
  }
  return answer;
}

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Offset behind it. */
  readonly end: number;
}

/** The one question; undefined when it is cut short or its name is compressed, which none need be. */
function readQuestion(query: Uint8Array): Question | undefined {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = query[at++];
    if (length === undefined || length > MAX_LABEL_BYTES) return undefined;
    if (length === 0) break;
    labels.push(
      Buffer.from(query.subarray(at, at + length))
        .toString('latin1')
        .toLowerCase(),
    );
    at += length;
  }
  const end = at + QUESTION_TAIL_BYTES;
  if (end > query.length) return undefined;
  const type = readUint16(query, at);
  return { name: labels.join('.'), type, class: readUint16(query, at + CLASS_OFFSET), end };
}
