/**
 * Reads D-Bus messages, and builds the only ones we send: calls to the bus itself. Lengths are
 * checked before anything is read, and nothing is allocated that the bytes at hand do not hold.
 *
 * Source: D-Bus Specification, "Message Protocol"; "Message Bus Messages" for the calls.
 */

import {
  alignTo,
  BIG_ENDIAN_MARK,
  BODY_LENGTH_OFFSET,
  DbusReader,
  FIELDS_LENGTH_OFFSET,
  FIXED_BYTES,
  Field,
  LITTLE_ENDIAN_MARK,
  MAX_ARRAY_BYTES,
  MAX_MESSAGE_BYTES,
  MessageType,
  malformed,
  PROTOCOL_VERSION,
  SERIAL_OFFSET,
  STRUCT_ALIGNMENT,
  TYPE_OFFSET,
  VERSION_OFFSET,
} from './dbus-format.ts';

/** The bus's own name, which is also its interface, and its object. Nobody else can get the name. */
export const BUS_NAME = 'org.freedesktop.DBus';
export const BUS_PATH = '/org/freedesktop/DBus';

/** The type each header field must have, by code. */
const FIELD_TYPES: readonly (string | undefined)[] = [
  undefined,
  'o', // path
  's', // interface
  's', // member
  's', // error name
  'u', // reply serial
  's', // destination
  's', // sender
  'g', // signature
  'u', // Unix descriptors
];

/** Bytes of the types of fixed length, which are also their alignment. */
const FIXED_TYPE_BYTES: Readonly<Record<string, number>> = {
  y: 1,
  n: 2,
  q: 2,
  b: 4,
  h: 4,
  i: 4,
  x: 8,
  t: 8,
  d: 8,
};

/** A message; a string field that it lacks is empty, a serial 0. */
export interface DbusMessage {
  /** A {@link MessageType}, or a number of a later day. */
  readonly type: number;
  /** The serial of the call that this answers. */
  readonly replySerial: number;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** The unique name of the connection it came from: the bus writes it, senders cannot. */
  readonly sender: string;
  /** Types of the values in the body. */
  readonly signature: string;
  /** A new cursor over the body, valid as long as the bytes that were read. */
  body(): DbusReader;
}

/**
 * The length of the message that starts with these {@link FIXED_BYTES} bytes.
 *
 * @throws TunError `SYSCALL` when this is no message, or longer than the specification allows.
 */
export function messageLength(fixed: Uint8Array): number {
  const { view, littleEndian } = open(fixed);
  const version = fixed[VERSION_OFFSET]!;
  if (version !== PROTOCOL_VERSION) throw malformed(`version ${version}`);
  if (fixed[TYPE_OFFSET] === 0) throw malformed('the type 0');
  if (view.getUint32(SERIAL_OFFSET, littleEndian) === 0) throw malformed('the serial 0');
  const fields = view.getUint32(FIELDS_LENGTH_OFFSET, littleEndian);
  if (fields > MAX_ARRAY_BYTES) throw malformed(`header fields of ${fields} bytes`);
  const body = view.getUint32(BODY_LENGTH_OFFSET, littleEndian);
  const length = alignTo(FIXED_BYTES + fields, STRUCT_ALIGNMENT) + body;
  if (length > MAX_MESSAGE_BYTES) throw malformed(`a message of ${length} bytes`);
  return length;
}

/**
 * Reads a message's header. `bytes` is kept, not copied.
 *
 * Returns undefined for a message with a header field of a later day whose type we cannot pass over.
 *
 * @throws TunError `SYSCALL` when it is malformed, or not `bytes.length` long.
 */
export function readMessage(bytes: Uint8Array): DbusMessage | undefined {
  if (bytes.byteLength < FIXED_BYTES) throw malformed(`a message of ${bytes.byteLength} bytes`);
  const length = messageLength(bytes);
  if (length !== bytes.byteLength)
    throw malformed(`a message of ${bytes.byteLength} bytes that says ${length}`);
  const { view, littleEndian } = open(bytes);
  const fieldsEnd = FIXED_BYTES + view.getUint32(FIELDS_LENGTH_OFFSET, littleEndian);
  const fields = readFields(new DbusReader(bytes, littleEndian, FIXED_BYTES, fieldsEnd));
  if (fields === undefined) return undefined;
  const bodyStart = alignTo(fieldsEnd, STRUCT_ALIGNMENT);
  new DbusReader(bytes, littleEndian, fieldsEnd, bodyStart).align(STRUCT_ALIGNMENT);
  const text = (code: number): string => String(fields.get(code) ?? '');
  const signature = text(Field.SIGNATURE);
  if (signature === '' && length > bodyStart) throw malformed('a body without a signature');
  return {
    type: bytes[TYPE_OFFSET]!,
    replySerial: Number(fields.get(Field.REPLY_SERIAL) ?? 0),
    path: text(Field.PATH),
    interface: text(Field.INTERFACE),
    member: text(Field.MEMBER),
    sender: text(Field.SENDER),
    signature,
    body: () => new DbusReader(bytes, littleEndian, bodyStart, length),
  };
}

/**
 * The strings of a body that consists of them alone; undefined for any other.
 *
 * @throws TunError `SYSCALL` when the body is not what its signature says.
 */
export function stringsOf(message: DbusMessage): string[] | undefined {
  if (!/^s+$/.test(message.signature)) return undefined;
  const body = message.body();
  const strings = Array.from(message.signature, () => body.string());
  if (!body.done) throw malformed('a body longer than its signature says');
  return strings;
}

/** The boolean that a body consists of; undefined and throws as {@link stringsOf} does. */
export function booleanOf(message: DbusMessage): boolean | undefined {
  if (message.signature !== 'b') return undefined;
  const body = message.body();
  const value = body.u32();
  if (value > 1) throw malformed(`the boolean ${value}`);
  if (!body.done) throw malformed('a body longer than its signature says');
  return value === 1;
}

/** A call of one of the bus's own methods, with strings for arguments. The bytes are the caller's. */
export function busCall(serial: number, member: string, args: readonly string[]): Uint8Array {
  const body = new Builder();
  for (const arg of args) body.string(arg);
  const fields = new Builder();
  fields.field(Field.PATH, BUS_PATH).field(Field.DESTINATION, BUS_NAME);
  fields.field(Field.INTERFACE, BUS_NAME).field(Field.MEMBER, member);
  if (args.length > 0) fields.field(Field.SIGNATURE, 's'.repeat(args.length));
  const message = new Builder();
  message.bytes.push(LITTLE_ENDIAN_MARK, MessageType.CALL, 0, PROTOCOL_VERSION);
  message.u32(body.bytes.length).u32(serial).u32(fields.bytes.length);
  message.bytes.push(...fields.bytes);
  message.align(STRUCT_ALIGNMENT).bytes.push(...body.bytes);
  return Uint8Array.from(message.bytes);
}

function open(bytes: Uint8Array): { view: DataView; littleEndian: boolean } {
  const mark = bytes[0];
  if (mark !== LITTLE_ENDIAN_MARK && mark !== BIG_ENDIAN_MARK) throw malformed(`the mark ${mark}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { view, littleEndian: mark === LITTLE_ENDIAN_MARK };
}

/** The header fields by code: an array of structs of a code and a variant. */
function readFields(reader: DbusReader): Map<number, string | number> | undefined {
  const fields = new Map<number, string | number>();
  while (!reader.done) {
    reader.align(STRUCT_ALIGNMENT);
    const code = reader.u8();
    const type = reader.signature();
    const wanted = FIELD_TYPES[code];
    if (code === 0 || fields.has(code)) throw malformed(`header field ${code}, or twice`);
    if (wanted !== undefined && type !== wanted) throw malformed(`field ${code} of type ${type}`);
    if (type === 's' || type === 'o') fields.set(code, reader.string());
    else if (type === 'g') fields.set(code, reader.signature());
    else if (type === 'u') fields.set(code, reader.u32());
    else {
      const bytes = FIXED_TYPE_BYTES[type];
      if (bytes === undefined) return undefined;
      reader.skip(bytes, bytes);
    }
  }
  return fields;
}

/** Writes little-endian values. */
class Builder {
  readonly bytes: number[] = [];

  align(alignment: number): this {
    while (this.bytes.length % alignment !== 0) this.bytes.push(0);
    return this;
  }

  u32(value: number): this {
    this.align(Uint32Array.BYTES_PER_ELEMENT);
    const bytes = new Uint8Array(Uint32Array.BYTES_PER_ELEMENT);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.bytes.push(...bytes);
    return this;
  }

  string(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.u32(bytes.length).bytes.push(...bytes, 0);
    return this;
  }

  /** A header field, of the type that belongs to it: no longer text than a signature's 255 bytes. */
  field(code: number, value: string): this {
    const type = FIELD_TYPES[code]!;
    this.align(STRUCT_ALIGNMENT).bytes.push(code, type.length, type.charCodeAt(0), 0);
    if (type !== 'g') return this.string(value);
    this.bytes.push(value.length, ...new TextEncoder().encode(value), 0);
    return this;
  }
}
