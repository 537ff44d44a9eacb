/** One client of a device: what it sends is answered, and what it does wrong ends it alone. */

import type { Socket } from 'node:net';
import { isTunError, TunErrorCode } from '../errors.ts';
import type { Device } from '../index.ts';
import { MAX_BUNDLES_PER_TURN } from '../limits.ts';
import type { ClientInfo } from './control-protocol.ts';
import type { Deadlines } from './deadlines.ts';
import {
  CLIENT_FRAMES,
  DEVICE_MAGIC,
  DEVICE_PROTOCOL,
  decodeText,
  encodeFrame,
  encodeText,
  type FrameHeader,
  FrameType,
  type Hello,
  protocolError,
  type Welcome,
} from './device-protocol.ts';
import { failureOf } from './failure.ts';
import { FrameReader } from './frame-reader.ts';
import type { Incoming } from './listener.ts';
import { ReadAnswers } from './read-answers.ts';

/** Bytes of answers that may wait for a client before nothing more is read from it. */
const MAX_BACKLOG_BYTES = 65_536;
/** Longest name of a client. */
const MAX_NAME_LENGTH = 64;

/** What a connection needs of the device it belongs to. */
export interface ConnectionOwner {
  /**
   * Opens the device for a client that said hello. What it rejects with becomes the client's GOODBYE.
   */
  open(connection: DeviceConnection, hello: Hello): Promise<Opened>;
  readonly deadlines: Deadlines;
  /** The client is gone; the handle that `open` gave is closed. Once, and after `open` has settled. */
  closed(connection: DeviceConnection, opened: Opened | undefined, why: string): void;
}

/** What a client was given. */
export interface Opened {
  readonly welcome: Welcome;
  /** Undefined of the role `descriptor`. */
  readonly device: Device | undefined;
  /** Sends WELCOME, the first that is sent, with whatever else goes with it. Default: as any frame. */
  readonly send?: (socket: Socket, frame: Uint8Array) => void;
}

export class DeviceConnection {
  readonly id: number;
  readonly peer: Incoming['peer'];
  /** The descriptor of the socket, which is not to be closed. */
  readonly fd: number | undefined;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #frames = new FrameReader(CLIENT_FRAMES);
  #phase: 'hello' | 'opening' | 'open' | 'ending' | 'closed' = 'hello';
  #role: 'packets' | 'descriptor' = 'packets';
  #name: string | undefined;
  #opening: Promise<void> | undefined;
  #opened: Opened | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #why = 'the client closed';
  #reads: ReadAnswers | undefined;
  #bundlesWritten = 0;
  #packetsWritten = 0;

  constructor(id: number, { peer, fd, socket }: Incoming, owner: ConnectionOwner) {
    this.id = id;
    this.peer = peer;
    this.fd = fd;
    this.#socket = socket;
    this.#owner = owner;
    this.#deadline(owner.deadlines.helloMs, 'said no hello');
    socket.on('close', () => this.#closed());
    socket.on('drain', () => this.#goOn());
  }

  get info(): ClientInfo {
    const { peer } = this;
    return {
      id: this.id,
      ...(peer !== undefined && { pid: peer.pid, uid: peer.uid, gid: peer.gid }),
      ...(this.#name !== undefined && { name: this.#name }),
      role: this.#role,
      bundlesRead: this.#reads?.bundles ?? 0,
      packetsRead: this.#reads?.packets ?? 0,
      bundlesWritten: this.#bundlesWritten,
      packetsWritten: this.#packetsWritten,
      waitingReads: this.#reads?.waiting ?? 0,
    };
  }

  /** Takes what has arrived; returns whether more can be taken now. */
  take(chunk: Uint8Array): boolean {
    if (this.#phase === 'ending' || this.#phase === 'closed') return true;
    this.#frames.push(chunk);
    return this.#handle();
  }

  /** Tells the client why, and ends the connection. */
  end(error: unknown): void {
    if (this.#phase === 'ending' || this.#phase === 'closed') return;
    this.#phase = 'ending';
    const failure = failureOf(error);
    this.#why = failure.message;
    this.#release();
    this.#socket.end(encodeText(FrameType.GOODBYE, 0, 0, failure));
    // What it sends meanwhile is thrown away: closing on it could cost the client the reason.
    this.#socket.resume();
    this.#deadline(this.#owner.deadlines.lingerMs, failure.message);
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Handles the frames that are there, as many as one turn may; returns whether more can be taken. */
  #handle(): boolean {
    let writes = 0;
    this.#socket.cork();
    try {
      for (;;) {
        if (this.#isBacklogged() || writes === MAX_BUNDLES_PER_TURN) return this.#stop();
        const frame = this.#frames.next();
        if (frame === undefined) break;
        if (this.#phase === 'open') this.#clearDeadline();
        if (frame.type === FrameType.WRITE) writes++;
        this.#answer(frame);
        if (this.#phase === 'opening') return this.#stop();
        if (this.#phase !== 'open') return true;
      }
    } catch (error) {
      this.end(error);
      return true;
    } finally {
      this.#socket.uncork();
    }
    if (this.#phase === 'open' && this.#frames.isPartial) {
      this.#timer ??= this.#startTimer(this.#owner.deadlines.frameMs, 'did not end a frame');
    }
    return true;
  }

  /** Other clients get their turn, or this one time to take its answers. */
  #stop(): false {
    this.#stopped = true;
    if (this.#phase === 'open' && !this.#isBacklogged()) setImmediate(() => this.#goOn());
    return false;
  }

  #goOn(): void {
    if (!this.#stopped || this.#phase !== 'open' || this.#isBacklogged()) return;
    this.#stopped = false;
    if (this.#handle()) this.#socket.resume();
  }

  #isBacklogged(): boolean {
    return this.#socket.writableLength > MAX_BACKLOG_BYTES + (this.#reads?.sending ?? 0);
  }

  #answer(frame: FrameHeader): void {
    if (this.#phase === 'hello') this.#welcome(frame);
    else if (frame.type === FrameType.READ) this.#packets().reads.push(frame);
    else if (frame.type === FrameType.WRITE) this.#write(frame, this.#packets().device);
    else throw protocolError('HELLO is said once');
  }

  #welcome(frame: FrameHeader): void {
    const { type, tag, value } = frame;
    if (type !== FrameType.HELLO || tag !== DEVICE_MAGIC) {
      throw protocolError('the first frame is HELLO, with the tag "TTUN"');
    }
    if (value !== DEVICE_PROTOCOL) {
      throw protocolError(
        `version ${value} of the device protocol is not spoken here; this host speaks ${DEVICE_PROTOCOL}`,
      );
    }
    const hello = checkHello(decodeText(this.#frames.payload(frame)));
    this.#role = hello.role ?? 'packets';
    this.#name = hello.client?.slice(0, MAX_NAME_LENGTH);
    this.#clearDeadline();
    this.#phase = 'opening';
    this.#opening = this.#open(hello);
  }

  async #open(hello: Hello): Promise<void> {
    try {
      const opened = await this.#owner.open(this, hello);
      this.#opened = opened;
      if (this.#phase !== 'opening') return this.#release();
      const { device, welcome, send } = opened;
      if (device !== undefined) {
        this.#reads = new ReadAnswers(this.#socket, device, (error) => this.#readFailed(error));
      }
      this.#phase = 'open';
      const answer = encodeText(FrameType.WELCOME, DEVICE_MAGIC, DEVICE_PROTOCOL, welcome);
      if (send === undefined) this.#socket.write(answer);
      else send(this.#socket, answer);
      this.#goOn();
    } catch (error) {
      this.end(error);
    }
  }

  #write(frame: FrameHeader, device: Device): void {
    const { tag } = frame;
    try {
      const delivered = device.writeSync(this.#frames.payload(frame));
      this.#bundlesWritten++;
      this.#packetsWritten += delivered;
      this.#socket.write(encodeFrame(FrameType.WRITTEN, tag, delivered));
    } catch (error) {
      if (!isTunError(error, TunErrorCode.BUNDLE_INVALID)) throw error;
      this.#socket.write(encodeText(FrameType.FAILED, tag, 0, failureOf(error)));
    }
  }

  #packets(): { readonly device: Device; readonly reads: ReadAnswers } {
    const device = this.#opened?.device;
    const reads = this.#reads;
    if (device !== undefined && reads !== undefined) return { device, reads };
    throw protocolError('a client that has the descriptor reads and writes by it, not by frames');
  }

  /** The connection ended, and with it the handle; or the adapter did. */
  #readFailed(error: unknown): void {
    if (!isTunError(error, TunErrorCode.CANCELLED)) this.end(error);
  }

  #deadline(ms: number, what: string): void {
    this.#clearDeadline();
    this.#timer = this.#startTimer(ms, what);
  }

  #startTimer(ms: number, what: string): NodeJS.Timeout {
    return setTimeout(() => {
      if (this.#phase === 'ending') this.#socket.destroy();
      else this.end(protocolError(`the client ${what} within ${ms} ms`));
    }, ms).unref();
  }

  #clearDeadline(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #closed(): void {
    this.#clearDeadline();
    this.#phase = 'closed';
    this.#release();
    void Promise.resolve(this.#opening).then(() => {
      this.#owner.closed(this, this.#opened, this.#why);
    });
  }

  /** Closes the handle; reads that wait end. */
  #release(): void {
    this.#reads?.stop();
    void this.#opened?.device?.close();
  }
}

function checkHello({ role, client }: Readonly<Record<string, unknown>>): Hello {
  if (role !== undefined && role !== 'packets' && role !== 'descriptor') {
    throw protocolError(`the role ${JSON.stringify(role)} is none; there are packets, descriptor`);
  }
  return {
    ...(role !== undefined && { role }),
    ...(typeof client === 'string' && { client }),
  };
}
