/** The packet queue as one would write it without shared memory: an array. */

const ALIGNMENT = 16;

export function entryBytesOf(length: number): number {
  return Math.ceil((ALIGNMENT + length) / ALIGNMENT) * ALIGNMENT;
}

export class NaivePacketQueue {
  packets: number[][] = [];
  readonly maxPackets: number;
  readonly maxBytes: number;
  readonly policy: 'drop-oldest' | 'drop-newest';

  constructor(maxPackets: number, maxBytes: number, policy: 'drop-oldest' | 'drop-newest') {
    this.maxPackets = maxPackets;
    this.maxBytes = maxBytes;
    this.policy = policy;
  }

  get byteCount(): number {
    return this.packets.reduce((sum, packet) => sum + entryBytesOf(packet.length), 0);
  }

  push(packet: number[]): number {
    const entry = entryBytesOf(packet.length);
    if (entry > this.maxBytes) return 1;
    let dropped = 0;
    while (this.packets.length >= this.maxPackets || this.byteCount + entry > this.maxBytes) {
      if (this.policy === 'drop-newest') return 1;
      this.packets.shift();
      dropped++;
    }
    this.packets.push(packet);
    return dropped;
  }

  pushHead(packet: number[]): boolean {
    if (this.packets.length === 0) return this.push(packet) === 0;
    if (this.packets.length >= this.maxPackets) return false;
    this.packets.unshift(packet);
    return true;
  }

  take(room: number, maxPackets: number): number[][] {
    const taken: number[][] = [];
    let left = room;
    while (taken.length < maxPackets && this.packets.length > 0) {
      const entry = entryBytesOf(this.packets[0]!.length);
      if (entry > left) break;
      left -= entry;
      taken.push(this.packets.shift()!);
    }
    return taken;
  }
}
