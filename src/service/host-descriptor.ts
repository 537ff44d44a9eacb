/** The descriptor of a device of a host, for a program that moves packets itself. Linux. */

import { TunError, TunErrorCode } from '../errors.ts';
import { holdLoop, releaseLoop } from '../keep-alive.ts';
import { receiveDescriptors, sendDescriptors } from '../os/fd-passing.ts';
import { libc } from '../os/libc.ts';
import { type Watch, watchReadable } from '../os/poll.ts';
import { connectUnix } from '../os/unix-socket.ts';
import {
  DEVICE_MAGIC,
  DEVICE_PROTOCOL,
  decodeText,
  encodeText,
  FrameType,
  HOST_FRAMES,
  protocolError,
  type Welcome,
} from './device-protocol.ts';
import { errorOf } from './failure.ts';
import { FrameReader } from './frame-reader.ts';
import type { HostDeviceOptions } from './host-device.ts';
import { locateDevice } from './locate-device.ts';

const TIMEOUT_MS = 5000;
const CHUNK_BYTES = 65_536;

/**
 * A TUN's descriptor, lent by a host: `Adapter.fromFd(lent.fd)` makes an adapter of it, with packets at full speed. It
 * stays lent until {@link close}, which is to come after the end of whatever uses it. It keeps the event loop alive.
 */
export class HostDescriptor implements AsyncDisposable {
  /** Close-on-exec. Whoever makes an adapter of it gives it away; nobody else closes it. */
  readonly fd: number;
  readonly welcome: Welcome;
  /** Resolves, when the host takes it back or ends, to why; never rejects. */
  readonly ended: Promise<Error>;
  readonly #conversation: Conversation;

  private constructor(conversation: Conversation, { fd, welcome }: Lent) {
    this.#conversation = conversation;
    this.fd = fd;
    this.welcome = welcome;
    this.ended = conversation.ended;
  }

  /**
   * Asks for the descriptor of `WINTUN7`, `7`, `\\.\Device\WINTUN7`, the device of an adapter by its name, or the path of
   * a socket.
   *
   * Rejects with TunError `NO_HOST`, `NOT_FOUND`, `BUSY`, `UNSUPPORTED`, and `NO_PRIVILEGE` where the host's configuration
   * does not hand it out.
   */
  static async open(
    device: string,
    options: Omit<HostDeviceOptions, 'reconnectMs'> = {},
  ): Promise<HostDescriptor> {
    const { runDirectory, client, timeoutMs = TIMEOUT_MS } = options;
    const path = await locateDevice(device, runDirectory);
    const fd = connectUnix(path);
    if (fd === undefined) {
      const message = `no host answers at ${path}; start one ("typetun serve")`;
      throw new TunError(TunErrorCode.NO_HOST, message);
    }
    const conversation = new Conversation(fd, path);
    const hello = { role: 'descriptor', ...(client !== undefined && { client }) } as const;
    try {
      const lent = await conversation.begin(
        encodeText(FrameType.HELLO, DEVICE_MAGIC, DEVICE_PROTOCOL, hello),
        timeoutMs,
      );
      return new HostDescriptor(conversation, lent);
    } catch (error) {
      await conversation.close();
      throw error;
    }
  }

  /** Tells the host that it is not needed any more. Safe to call twice. */
  close(): Promise<void> {
    return this.#conversation.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface Lent {
  readonly fd: number;
  readonly welcome: Welcome;
}

/** The socket, which is read by ourselves: libuv closes descriptors that it was not asked for. */
class Conversation {
  readonly ended: Promise<Error>;
  readonly #fd: number;
  readonly #path: string;
  readonly #frames = new FrameReader(HOST_FRAMES);
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  readonly #watch: Watch;
  #received: number | undefined;
  #begun: (lent: Lent) => void = () => undefined;
  #end: (error: Error) => void = () => undefined;
  #closing: Promise<void> | undefined;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#watch = watchReadable(fd, () => this.#readable());
    holdLoop();
  }

  async begin(hello: Uint8Array, timeoutMs: number): Promise<Lent> {
    let timer: NodeJS.Timeout | undefined;
    const begun = new Promise<Lent>((resolve) => {
      this.#begun = resolve;
    });
    const failed = this.ended.then((error) => Promise.reject(error));
    failed.catch(() => undefined);
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(this.#noHost(`did not answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
    });
    this.#watch.start();
    sendDescriptors(this.#fd, [], hello);
    return await Promise.race([begun, failed, late]).finally(() => clearTimeout(timer));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    releaseLoop();
    await this.#watch.close();
    libc().close(this.#fd);
    this.#end(new TunError(TunErrorCode.HANDLE_CLOSED, 'the descriptor was given back'));
  }

  #readable(): void {
    try {
      const got = receiveDescriptors(this.#fd, this.#chunk, 1);
      if (got === undefined) return;
      if (got.bytes === 0) throw this.#noHost('ended the connection');
      this.#received ??= got.fds[0];
      this.#frames.push(this.#chunk.subarray(0, got.bytes));
      for (let one = this.#frames.next(); one !== undefined; one = this.#frames.next()) {
        const content = decodeText(this.#frames.payload(one));
        if (one.type === FrameType.GOODBYE) throw errorOf(content);
        if (one.type !== FrameType.WELCOME || this.#received === undefined) {
          throw protocolError('WELCOME came without the descriptor');
        }
        this.#begun({ fd: this.#received, welcome: content as unknown as Welcome });
      }
    } catch (error) {
      this.#watch.stop();
      this.#end(error as Error);
    }
  }

  #noHost(what: string): TunError {
    return new TunError(TunErrorCode.NO_HOST, `the host at ${this.#path} ${what}`);
  }
}
