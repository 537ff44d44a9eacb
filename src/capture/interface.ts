/** Captures of network interfaces, whoever's they are: of the adapters of other processes above all. Linux. */

import { TunError, TunErrorCode } from '../errors.ts';
import { holdLoop, releaseLoop } from '../keep-alive.ts';
import { kernelLink } from '../link/open.ts';
import { InterfaceSocket } from '../os/interface-socket.ts';
import { Capture, type CaptureOptions, withoutOptions } from './capture.ts';
import { type PacketSource, PcapngWriter } from './pcapng.ts';
import type { CaptureTarget } from './sink.ts';

/** How often the kernel is asked what it had no room for, in ms: the packet after a gap says how large it was. */
const DROPS_EVERY_MS = 250;

/** What `captureInterface` takes. */
export interface InterfaceCaptureOptions extends CaptureOptions {
  /** Network namespace, name or path, that the interface is in. Default the present one. */
  readonly netns?: string | undefined;
  /** The capture ends after so many packets. Default never. */
  readonly maxPackets?: number | undefined;
  /** Told of each packet that is captured; its bytes are valid during the call. Must not throw. */
  readonly onPacket?: ((packet: PacketSource) => void) | undefined;
}

/**
 * Captures the IP packets of an interface by a packet socket: what leaves the host by it (`send`: outbound), of a
 * TUN what its program is to read, and what comes in (`receive`: inbound), what that program wrote. It sees the
 * packets of all threads and processes, also those that the program is too slow to read. With offload the
 * kernel shows super-packets, as it hands them over: their checksums are not filled in, and one counts as one. What
 * the kernel has no room for is counted as dropped.
 *
 * Keeps the event loop alive. `done` resolves to `ADAPTER_REMOVED` when the interface goes.
 *
 * @throws TypeError or RangeError naming what is wrong; TunError `NOT_FOUND`, `NO_PRIVILEGE` (it takes root,
 * or CAP_NET_RAW), `NETNS`, `UNSUPPORTED` on other systems than Linux, `NO_FFI`.
 */
export function captureInterface(
  name: string,
  target: CaptureTarget | PcapngWriter,
  options: InterfaceCaptureOptions = {},
): Capture {
  requireLinux();
  const { netns, onPacket, maxPackets = Number.POSITIVE_INFINITY, ...writing } = options;
  const socket = InterfaceSocket.open(name, netns);
  let writer: PcapngWriter;
  try {
    writer =
      target instanceof PcapngWriter
        ? withoutOptions(target, writing)
        : PcapngWriter.to(target, {
            ...writing,
            interfaceName: name,
            interfaceDescription: 'network interface, by a packet socket',
          });
  } catch (error) {
    void socket.close();
    throw error;
  }
  let left = maxPackets;
  const noteDrops = (): void => {
    const drops = socket.takeDrops();
    if (drops > 0) writer.noteLost(drops);
  };
  const looking = setInterval(noteDrops, DROPS_EVERY_MS).unref();
  holdLoop();
  const made = new Capture(writer, async () => {
    clearInterval(looking);
    releaseLoop();
    socket.flush();
    noteDrops();
    await socket.close();
  });
  socket.listen({
    packet: (packet) => {
      if (left <= 0 || !writer.recordPacket(packet)) return;
      onPacket?.(packet);
      if (--left <= 0) void made.close();
    },
    ended: (reason) => writer.fail(reason),
  });
  return made;
}

/** @throws TunError `UNSUPPORTED`. */
export function requireLinux(): void {
  if (kernelLink() === 'linux') return;
  throw new TunError(
    TunErrorCode.UNSUPPORTED,
    'packets of an interface are captured and sent on Linux alone; in the program that has the adapter, use capture(adapter, stream)',
  );
}
