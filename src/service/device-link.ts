/** One connection to the device of a host, from its hello to its end. */

import { connect, type Socket } from 'node:net';
import { TunError, TunErrorCode } from '../errors.ts';
import {
  DEVICE_MAGIC,
  DEVICE_PROTOCOL,
  decodeText,
  encodeText,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  FrameType,
  type Hello,
  HOST_FRAMES,
  protocolError,
  type Welcome,
  writeFrameHeader,
} from './device-protocol.ts';
import { errorOf } from './failure.ts';
import { FrameReader } from './frame-reader.ts';

/** Whom a link reports to. */
export interface LinkUser {
  /** An answer has come; `payload` is valid during the call. */
  answered(frame: FrameHeader, payload: Uint8Array): void;
  /** The connection is over. Once, and nothing after it. */
  ended(error: TunError): void;
}

export class DeviceLink {
  readonly welcome: Welcome;
  readonly #socket: Socket;

  private constructor(socket: Socket, welcome: Welcome) {
    this.#socket = socket;
    this.welcome = welcome;
  }

  /**
   * Connects and says hello. Rejects with TunError `NO_HOST` when nobody listens there, or does not answer in time;
   * `NO_PRIVILEGE`, `BUSY`, `PROTOCOL` or whatever else the host refuses with.
   */
  static open(path: string, hello: Hello, timeoutMs: number, user: LinkUser): Promise<DeviceLink> {
    return new Promise((resolve, reject) => {
      const frames = new FrameReader(HOST_FRAMES);
      let link: DeviceLink | undefined;
      let over: TunError | undefined;
      const socket = connect(path, () => {
        socket.write(encodeText(FrameType.HELLO, DEVICE_MAGIC, DEVICE_PROTOCOL, hello));
      });
      const timer = setTimeout(() => {
        over ??= noHost(`the host at ${path} did not answer within ${timeoutMs} ms`);
        socket.destroy();
      }, timeoutMs);
      socket.on('data', (chunk) => {
        try {
          frames.push(chunk);
          for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
            const payload = frames.payload(frame);
            if (frame.type === FrameType.GOODBYE) {
              over ??= errorOf(decodeText(payload));
            } else if (link !== undefined) {
              user.answered(frame, payload);
            } else {
              link = new DeviceLink(socket, welcomeOf(frame, payload));
              clearTimeout(timer);
              resolve(link);
            }
          }
        } catch (error) {
          over ??= error as TunError;
          socket.destroy();
        }
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        over ??= connectError(error, path);
      });
      socket.on('close', () => {
        clearTimeout(timer);
        const error = over ?? noHost(`the host ended the connection to ${path}`);
        if (link === undefined) reject(error);
        else user.ended(error);
      });
    });
  }

  /** Sends a frame; `payload` is left alone until it is sent. */
  send(type: FrameType, tag: number, value: number, payload?: Uint8Array): void {
    const header = new Uint8Array(FRAME_HEADER_BYTES);
    writeFrameHeader(header, type, tag, value, payload?.length ?? 0);
    this.#socket.cork();
    this.#socket.write(header);
    if (payload !== undefined) this.#socket.write(payload);
    this.#socket.uncork();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): void {
    this.#socket.destroy();
  }
}

function welcomeOf({ type, tag }: FrameHeader, payload: Uint8Array): Welcome {
  if (type !== FrameType.WELCOME || tag !== DEVICE_MAGIC) {
    throw protocolError('what listens there is no typetun host: it does not begin with WELCOME');
  }
  return decodeText(payload) as unknown as Welcome;
}

function connectError(error: NodeJS.ErrnoException, path: string): TunError {
  if (error.code === 'EACCES') {
    return new TunError(
      TunErrorCode.NO_PRIVILEGE,
      `this user may not connect to ${path}; it takes the user the host runs as, or root`,
      { cause: error },
    );
  }
  return noHost(`no host answers at ${path} (${error.code}); start one ("typetun serve")`, error);
}

function noHost(message: string, cause?: unknown): TunError {
  return new TunError(TunErrorCode.NO_HOST, message, { cause });
}
