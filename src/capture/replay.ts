/** Plays capture files back: into an adapter of this process, or out of an interface. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Device } from '../adapter/device.ts';
import { MAX_BUNDLE_PACKETS, MAX_ENTRY_BYTES } from '../limits.ts';
import { InterfaceSocket } from '../os/interface-socket.ts';
import { BundleWriter } from '../wire/bundle-writer.ts';
import { compileFilter } from './filter/filter.ts';
import { requireLinux } from './interface.ts';
import { type CaptureDirection, DIRECTIONS } from './pcapng-options.ts';
import type { CapturedPacket } from './read/packet.ts';
import { readCapture } from './read/reader.ts';

/** What `replay` and `replayOut` take. */
export interface ReplayOptions {
  /** How much faster than they were captured; Infinity for as fast as they are taken. Default 1. */
  readonly speed?: number | undefined;
  /** An expression of the pcap syntax: what else is left out. */
  readonly filter?: string | undefined;
  /** Which packets of a file that says so. Packets without a direction are always played. */
  readonly direction?: CaptureDirection | 'both' | undefined;
  /** Ends it; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told of the packets played so far, about once a bundle. */
  readonly onProgress?: ((statistics: ReplayStatistics) => void) | undefined;
}

/** What became of the packets of a file. */
export interface ReplayStatistics {
  /** Packets that were taken. */
  readonly played: number;
  /** Packets that were not: the adapter does not accept, or the system refused them. */
  readonly refused: number;
  /** Left out: of the other direction, by the filter, not whole in the file, no IP packet. */
  readonly otherDirection: number;
  readonly filtered: number;
  readonly cut: number;
  readonly notIp: number;
}

/** Where packets are played to. */
interface Player {
  /** Takes a packet, now or when it is flushed. */
  put(packet: Uint8Array): void | Promise<void>;
  /** Hands on what was put; returns how many of them were taken. */
  flush(): number | Promise<number>;
}

type Counting = { -readonly [K in keyof ReplayStatistics]: number };

const MS_PER_US = 1e-3;
/** Shorter waits are none: the timer is no finer. */
const SHORTEST_WAIT_MS = 1;
/** How long an interface that takes no more is waited for, in ms: at 1 Gbit/s its queue is empty by then. */
const FULL_WAIT_MS = 1;
const MAX_FULL_WAITS = 1000;

/**
 * Writes the packets of a capture file to the device, at the pace at which they were captured: the host receives
 * them. By default those that the host received then (`direction`). `source` is a path, or the file's bytes as they
 * come. The device stays the caller's.
 *
 * @throws TypeError or RangeError for an option; TunError as `readCapture` and `device.write` throw.
 */
export async function replay(
  source: string | AsyncIterable<Uint8Array>,
  device: Device,
  options: ReplayOptions = {},
): Promise<ReplayStatistics> {
  const writer = new BundleWriter(new Uint8Array(Math.max(device.bundleBytes, MAX_ENTRY_BYTES)));
  const flush = (): number => {
    const delivered = device.writeSync(writer);
    writer.reset();
    return delivered;
  };
  let early = 0;
  return await play(
    source,
    { direction: 'receive', ...options },
    {
      put: (packet) => {
        if (writer.append(packet)) return;
        early += flush();
        writer.append(packet);
      },
      flush: () => {
        const delivered = early + flush();
        early = 0;
        return delivered;
      },
    },
  );
}

/**
 * Sends the packets of a capture file out of a network interface, as the host would: of a TUN the program that has it
 * reads them. By default those that the host sent then. Linux; it takes root, or CAP_NET_RAW.
 *
 * @throws TypeError or RangeError for an option; TunError as `readCapture` and `captureInterface` throw.
 */
export async function replayOut(
  source: string | AsyncIterable<Uint8Array>,
  name: string,
  options: ReplayOptions & { readonly netns?: string | undefined } = {},
): Promise<ReplayStatistics> {
  requireLinux();
  const socket = InterfaceSocket.open(name, options.netns);
  let sent = 0;
  try {
    return await play(
      source,
      { direction: 'send', ...options },
      {
        put: async (packet) => {
          for (let waits = 0; waits < MAX_FULL_WAITS; waits++) {
            if (socket.send(packet)) {
              sent++;
              return;
            }
            await sleep(FULL_WAIT_MS);
          }
        },
        flush: () => {
          const played = sent;
          sent = 0;
          return played;
        },
      },
    );
  } finally {
    await socket.close();
  }
}

async function play(
  source: string | AsyncIterable<Uint8Array>,
  options: ReplayOptions,
  player: Player,
): Promise<ReplayStatistics> {
  const { signal, onProgress } = options;
  const speed = checkSpeed(options.speed ?? 1);
  const isWanted = selection(options);
  const counts: Counting = {
    ...{ played: 0, refused: 0, otherDirection: 0, filtered: 0, cut: 0, notIp: 0 },
  };
  let waiting = 0;
  const flush = async (): Promise<void> => {
    if (waiting === 0) return;
    const played = await player.flush();
    counts.played += played;
    counts.refused += waiting - played;
    waiting = 0;
    onProgress?.({ ...counts });
  };
  const clock = new Pace(speed);
  for await (const packet of readCapture(source)) {
    signal?.throwIfAborted();
    if (!isWanted(packet, counts)) continue;
    const waitMs = clock.waitMs(packet.microseconds);
    if (waitMs >= SHORTEST_WAIT_MS) {
      await flush();
      await sleep(waitMs, undefined, { signal }).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      });
    }
    await player.put(packet.frame.subarray(packet.packetOffset));
    if (++waiting === MAX_BUNDLE_PACKETS) await flush();
  }
  await flush();
  return counts;
}

/** When each packet is due. */
class Pace {
  readonly #speed: number;
  #firstUs: number | undefined;
  #startMs = 0;

  constructor(speed: number) {
    this.#speed = speed;
  }

  /** Milliseconds until a packet of that time is due; 0 when it is, or has no time. */
  waitMs(microseconds: number | undefined): number {
    if (microseconds === undefined || this.#speed === Number.POSITIVE_INFINITY) return 0;
    if (this.#firstUs === undefined) {
      this.#firstUs = microseconds;
      this.#startMs = performance.now();
    }
    const dueMs = ((microseconds - this.#firstUs) * MS_PER_US) / this.#speed;
    return Math.max(this.#startMs + dueMs - performance.now(), 0);
  }
}

function selection(options: ReplayOptions): (packet: CapturedPacket, counts: Counting) => boolean {
  const direction = options.direction ?? 'both';
  if (direction !== 'both' && !DIRECTIONS.includes(direction)) {
    throw new TypeError(`direction is "${String(direction)}"; give 'send', 'receive' or 'both'`);
  }
  const test = options.filter === undefined ? undefined : compileFilter(options.filter);
  return (packet, counts) => {
    const { frame, packetOffset, originalBytes } = packet;
    const isOther = packet.direction !== undefined && packet.direction !== direction;
    if (direction !== 'both' && isOther) counts.otherDirection++;
    else if (packetOffset < 0) counts.notIp++;
    else if (originalBytes > frame.length) counts.cut++;
    else {
      const size = frame.length - packetOffset;
      const outbound = packet.direction === 'send';
      if (test === undefined || test.matches(frame, packetOffset, size, size, outbound))
        return true;
      counts.filtered++;
    }
    return false;
  };
}

function checkSpeed(speed: number): number {
  if (typeof speed === 'number' && speed > 0) return speed;
  throw new RangeError(`speed is ${String(speed)}; give a factor above 0, such as 2, or Infinity`);
}
