/** The bundle format as one would write it with a DataView and no care for speed. */

const ALIGNMENT = 16;
const HEADER = 16;

/** Bytes of padding behind a packet: the driver's formula, or the one of its README. */
export function padding(size: number, form: 'driver' | 'readme'): number {
  const readme = ALIGNMENT - (size % ALIGNMENT);
  return form === 'readme' ? readme : readme % ALIGNMENT;
}

export function naiveEncode(
  packets: readonly Uint8Array[],
  form: 'driver' | 'readme' = 'driver',
  littleEndian: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1,
): Uint8Array {
  const parts = packets.flatMap((packet) => {
    const header = new Uint8Array(HEADER);
    new DataView(header.buffer).setUint32(0, packet.length, littleEndian);
    return [header, packet, new Uint8Array(padding(packet.length, form))];
  });
  return new Uint8Array(Buffer.concat(parts));
}

/** The packets of a bundle in the driver's form, without any check. */
export function naiveDecode(
  bundle: Uint8Array,
  littleEndian: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1,
): Uint8Array[] {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const packets: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const size = view.getUint32(at, littleEndian);
    packets.push(bundle.slice(at + HEADER, at + HEADER + size));
    at += HEADER + size + padding(size, 'driver');
  }
  return packets;
}
