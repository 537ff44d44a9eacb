/** Builds D-Bus messages one value at a time, right or wrong, in either byte order. */

/** A value with the code of its type; strings, object paths, signatures, numbers. */
export type Value = readonly [type: string, value: string | number];

export interface MessageParts {
  readonly type: number;
  readonly serial?: number;
  readonly fields: readonly (readonly [code: number, ...Value])[];
  readonly body?: readonly Value[];
  readonly littleEndian?: boolean;
}

/** The message; its body's signature is among the fields, or not. */
export function dbusMessage(parts: MessageParts): Uint8Array {
  const littleEndian = parts.littleEndian ?? true;
  const body: number[] = [];
  for (const value of parts.body ?? []) put(body, value, littleEndian);
  const fields: number[] = [];
  for (const [code, type, value] of parts.fields) {
    pad(fields, 8);
    fields.push(code);
    put(fields, ['g', type], littleEndian);
    put(fields, [type, value], littleEndian);
  }
  const message = [littleEndian ? 0x6c : 0x42, parts.type, 0, 1];
  for (const word of [body.length, parts.serial ?? 1, fields.length]) {
    put(message, ['u', word], littleEndian);
  }
  message.push(...fields);
  pad(message, 8);
  return Uint8Array.from([...message, ...body]);
}

/** A signal with these values for its body. */
export function dbusSignal(
  from: { sender?: string; destination?: string; path: string; interface: string; member: string },
  body: readonly Value[],
  littleEndian = true,
): Uint8Array {
  const optional: [number, string, string | undefined][] = [
    [6, 's', from.destination],
    [7, 's', from.sender],
  ];
  return dbusMessage({
    type: 4,
    littleEndian,
    fields: [
      [1, 'o', from.path],
      [2, 's', from.interface],
      [3, 's', from.member],
      ...optional.filter((field): field is [number, string, string] => field[2] !== undefined),
      [8, 'g', body.map(([type]) => type).join('')],
    ],
    body,
  });
}

/** logind's signal. */
export function sleepSignal(asleep: boolean, sender?: string, destination?: string): Uint8Array {
  const from = {
    path: '/org/freedesktop/login1',
    interface: 'org.freedesktop.login1.Manager',
    member: 'PrepareForSleep',
    ...(sender === undefined ? {} : { sender }),
    ...(destination === undefined ? {} : { destination }),
  };
  return dbusSignal(from, [['b', asleep ? 1 : 0]]);
}

function pad(bytes: number[], alignment: number): void {
  while (bytes.length % alignment !== 0) bytes.push(0);
}

function put(bytes: number[], [type, value]: Value, littleEndian: boolean): void {
  if (type === 'y') bytes.push(Number(value));
  else if (type === 'd') {
    pad(bytes, 8);
    bytes.push(...new Array<number>(8).fill(0xa5));
  } else if (typeof value === 'number') {
    pad(bytes, 4);
    const word = [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
    bytes.push(...(littleEndian ? word : word.reverse()));
  } else {
    const text = [...Buffer.from(value)];
    if (type === 'g') bytes.push(text.length);
    else put(bytes, ['u', text.length], littleEndian);
    for (const byte of [...text, 0]) bytes.push(byte);
  }
}
