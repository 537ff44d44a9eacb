/**
 * What a view of bytes really is. A `Uint8Array` can have a `length`, `byteOffset` or `buffer` of its own
 * (a subclass, `Object.defineProperty`) that says something else than what is there. JavaScript itself is
 * safe from that; the kernel, which is handed addresses, is not. So whatever leads to an address asks here.
 */

import { MAX_BUFFER_BYTES } from '../limits.ts';

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;

/** The length in bytes, whatever the view says; 0 when it is detached. Throws when it is none. */
export const lengthOf: (bytes: Uint8Array) => number = getter(typedArray, 'length');

/** Where the view begins in its buffer, whatever it says; 0 when it is detached. */
export const offsetOf: (bytes: Uint8Array) => number = getter(typedArray, 'byteOffset');

/** The buffer, whatever the view says. */
export const bufferOf: (bytes: Uint8Array) => ArrayBufferLike = getter(typedArray, 'buffer');

const kindOf: (bytes: unknown) => string | undefined = getter(typedArray, Symbol.toStringTag);
const bytesOf: (buffer: ArrayBufferLike) => number = getter(ArrayBuffer.prototype, 'byteLength');
const sharedBytesOf: (buffer: ArrayBufferLike) => number = getter(
  SharedArrayBuffer.prototype,
  'byteLength',
);

/** The view that passed last: programs read into one buffer again and again, and write it out. */
let passed: Uint8Array = new Uint8Array(0);
let passedBuffer: ArrayBufferLike = passed.buffer;

/** Whether it is a `Uint8Array`, of whatever prototype, and not something that pretends to be one. */
export function isBytes(value: unknown): value is Uint8Array {
  return value === passed || kindOf(value) === 'Uint8Array';
}

/**
 * Lets a view of bytes pass that says what it is, and whose memory can be reached. `what` names it in the
 * message. Allocates nothing; for the same view again it looks at the length alone, which is all that can
 * do harm: addresses are made of what {@link offsetOf} and {@link bufferOf} say.
 *
 * @throws TypeError when `length`, `byteOffset` or `buffer` are overridden and say something else;
 * RangeError when its buffer is, or can grow, larger than `MAX_BUFFER_BYTES`.
 */
export function checkBytes(what: string, bytes: Uint8Array): void {
  const length = lengthOf(bytes);
  if (bytes.length !== length) throw overridden(what, 'length', bytes.length, length);
  if (bytes === passed) return;
  const offset = offsetOf(bytes);
  if (bytes.byteOffset !== offset) {
    throw overridden(what, 'byteOffset', bytes.byteOffset, offset);
  }
  const buffer = bufferOf(bytes);
  if (bytes.buffer !== buffer) throw overridden(what, 'buffer', 'another', 'its own');
  if (buffer !== passedBuffer) {
    const largest = largestOf(buffer);
    if (largest > MAX_BUFFER_BYTES) throw tooLarge(what, largest);
    passedBuffer = buffer;
  }
  passed = bytes;
}

/** Bytes of the buffer, or what it can grow to. */
function largestOf(buffer: ArrayBufferLike): number {
  const { maxByteLength } = buffer as { readonly maxByteLength?: number };
  const bytes = buffer instanceof SharedArrayBuffer ? sharedBytesOf(buffer) : bytesOf(buffer);
  return Math.max(bytes, maxByteLength ?? 0);
}

/** The accessor as a function of what it is asked of; bound once, so that nobody can replace it later. */
function getter<F>(owner: object, name: string | symbol): F {
  const { get } = Object.getOwnPropertyDescriptor(owner, name)!;
  return Function.prototype.call.bind(get!) as F;
}

function overridden(what: string, name: string, said: unknown, real: unknown): TypeError {
  return new TypeError(
    `the ${what} says that its ${name} is ${String(said)}, and it is ${String(real)}: an own property, or one of its class, hides what it really is; give a plain Uint8Array, of a part by subarray`,
  );
}

function tooLarge(what: string, bytes: number): RangeError {
  return new RangeError(
    `the ${what} is a view of a buffer that has, or can grow to, ${bytes} bytes; only those of up to ${MAX_BUFFER_BYTES} can be used: give a view of a smaller buffer`,
  );
}
