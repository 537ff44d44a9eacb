/** A client of a socket that sends whatever bytes it likes. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  DEVICE_MAGIC,
  DEVICE_PROTOCOL,
  encodeFrame,
  encodeText,
  FrameType,
  HOST_FRAMES,
} from '#dist/service/device-protocol.js';
import { FrameReader } from '#dist/service/frame-reader.js';

const TIMEOUT_MS = 10_000;

export interface RawFrame {
  readonly type: number;
  readonly tag: number;
  readonly value: number;
  readonly payload: Uint8Array;
}

export class RawClient {
  readonly socket: Socket;
  readonly #frames = new FrameReader(HOST_FRAMES);
  readonly #arrived: RawFrame[] = [];
  text = '';
  #wake: () => void = () => {};

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => this.#wake());
  }

  /** Takes what comes as frames. */
  framed(): this {
    this.socket.on('data', (chunk) => {
      this.#frames.push(chunk);
      for (let one = this.#frames.next(); one !== undefined; one = this.#frames.next()) {
        this.#arrived.push({ ...one, payload: this.#frames.payload(one).slice() });
      }
      this.#wake();
    });
    return this;
  }

  /** Takes what comes as text. */
  lines(): this {
    this.socket.on('data', (chunk) => {
      this.text += String(chunk);
      this.#wake();
    });
    return this;
  }

  /** The next frame; undefined when the connection ended before it came. */
  async frame(): Promise<RawFrame | undefined> {
    await this.#until(() => this.#arrived.length > 0);
    return this.#arrived.shift();
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    await this.#until(() => this.text.includes('\n'));
    const at = this.text.indexOf('\n');
    const line = this.text.slice(0, at);
    this.text = this.text.slice(at + 1);
    return line;
  }

  hello(content: object = {}, version: number = DEVICE_PROTOCOL): this {
    this.socket.write(encodeText(FrameType.HELLO, DEVICE_MAGIC, version, content));
    return this;
  }

  /** Says hello and takes the welcome. */
  async opened(content: object = {}): Promise<this> {
    const welcome = await this.hello(content).frame();
    if (welcome?.type === FrameType.WELCOME) return this;
    throw new Error(`no welcome: ${JSON.stringify(textOf(welcome))}`);
  }

  send(type: FrameType, tag: number, value = 0, payload?: Uint8Array): this {
    this.socket.write(encodeFrame(type, tag, value, payload));
    return this;
  }

  async ended(): Promise<void> {
    await this.#until(() => false);
  }

  close(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #until(condition: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    while (!condition() && !this.socket.closed) {
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        once(deadline, 'abort').then(() => {
          throw new Error('nothing came in time');
        }),
      ]);
    }
  }
}

/** What a frame says, or nothing. */
export function textOf(frame: RawFrame | undefined): { code?: string; message?: string } {
  if (frame === undefined) return {};
  return JSON.parse(new TextDecoder().decode(frame.payload)) as { code?: string; message?: string };
}
