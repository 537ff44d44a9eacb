/**
 * A connection to a D-Bus message bus that listens: it calls the bus's own methods and hands over
 * signals. It never keeps the event loop alive, and needs no more memory however much arrives.
 *
 * Our own code, 600 lines with the format, because no package qualifies (npm, November 2026).
 * `dbus-native` is kept up, has types and a bound on messages, but needs Node 22.12 since 0.14;
 * 0.13.0, the last for Node 20, is 5 packages of 4.4 MiB, mostly an XML parser, and took 0.9 GB in
 * 1.5 s from a peer whose first line never ends. `@jellybrick/dbus-next` (9 packages) and
 * `@particle/dbus-next` (16) end the process with an uncaught error when a message says that it has
 * 2 GiB; `dbus-next`, `@homebridge/dbus-native`, `@httptoolkit/dbus-native` (16 to 19) bound nothing
 * either. None lets go of the event loop by itself, or tells the owner of a name from others who
 * write to us.
 *
 * Source: D-Bus Specification, "Authentication Protocol" and "Message Bus Overview".
 */

import { connect, type Socket } from 'node:net';
import { isTunError } from '../errors.ts';
import { MessageType, malformed } from './dbus-format.ts';
import { DbusFramer } from './dbus-framer.ts';
import { BUS_NAME, busCall, type DbusMessage, readMessage } from './dbus-message.ts';

/** The longest line of the handshake we wait for the end of; a usual one has 36 bytes. */
const MAX_LINE_BYTES = 1024;
const LINE_END = '\r\n';

/** How a connection ended by itself: `closed` by the bus or by refusing us, `garbage` by us. */
export type DbusEnd = 'closed' | 'garbage';

/** Whom a {@link DbusConnection} reports to, from the event loop and never once it is closed. */
export interface DbusOwner {
  /** The bus knows us: calls may be made. */
  connected(): void;
  /** The message is valid during the call. */
  signal(message: DbusMessage): void;
  /** Last of all. `why` is for people. */
  ended(end: DbusEnd, why: string): void;
}

/** Called with a return or an error of the bus, which is valid during the call. */
export type OnReply = (reply: DbusMessage) => void;

export class DbusConnection {
  readonly #owner: DbusOwner;
  /** Those that were not tried yet. */
  readonly #paths: string[];
  readonly #framer = new DbusFramer();
  readonly #replies = new Map<number, OnReply>();
  #socket: Socket | undefined;
  /** What arrived of a line of the handshake; undefined once messages are spoken. */
  #line: string | undefined = '';
  /** Whether we said who we are, which we do once. */
  #identified = false;
  #serial = 0;
  #ended = false;

  /** Starts connecting to the first of these sockets that takes us; never throws for any of them. */
  constructor(paths: readonly string[], owner: DbusOwner) {
    this.#paths = [...paths];
    this.#owner = owner;
    this.#connect('no address of a Unix socket');
  }

  /** Calls a method of the bus. For an owner that was told `connected` and not `ended`. */
  call(member: string, args: readonly string[], onReply: OnReply): void {
    this.#serial++;
    this.#replies.set(this.#serial, onReply);
    this.#socket?.write(busCall(this.#serial, member, args));
  }

  /** Safe to call twice. The owner hears nothing more. */
  close(): void {
    this.#ended = true;
    this.#socket?.destroy();
  }

  #connect(why: string): void {
    const path = this.#paths.shift();
    if (path === undefined) {
      // As late as every other failure: the owner may be waiting for this constructor to return.
      process.nextTick(() => this.#end('closed', why));
      return;
    }
    const socket = connect({ path });
    this.#socket = socket;
    // Before anything is waited for, so that not even connecting keeps the process.
    socket.unref();
    let connected = false;
    let failure = 'the bus closed the connection';
    socket.on('connect', () => {
      connected = true;
      // The zero is part of the protocol. An empty identity stands for the one the kernel tells the
      // bus, which is right in a user namespace too, where the number that we know is not.
      socket.write(`\0AUTH EXTERNAL${LINE_END}`);
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => (failure = error.message));
    socket.on('close', () => {
      if (this.#ended) return;
      if (connected) this.#end('closed', failure);
      else this.#connect(failure);
    });
  }

  #receive(chunk: Buffer): void {
    try {
      if (this.#line !== undefined) this.#authenticate(chunk);
      else this.#framer.push(chunk, (bytes) => this.#dispatch(bytes));
    } catch (error) {
      if (!isTunError(error)) throw error;
      this.#end('garbage', error.message);
    }
  }

  /** The bus says DATA, which asks for an identity, and then OK. */
  #authenticate(chunk: Buffer): void {
    const lines = (this.#line + chunk.toString('latin1')).split(LINE_END);
    this.#line = lines.pop()!;
    for (const line of lines) {
      const word = line.split(' ', 1)[0];
      if (word === 'DATA' && !this.#identified) {
        this.#identified = true;
        this.#socket?.write(`DATA${LINE_END}`);
        continue;
      }
      if (word === 'OK') this.#begin();
      else if (word === 'REJECTED' || word === 'ERROR') this.#end('closed', 'the bus refused us');
      else throw malformed('no handshake');
      return;
    }
    if (this.#line.length > MAX_LINE_BYTES) throw malformed('a handshake without end');
  }

  /** What came in one piece with OK is left out: a bus says nothing before it was greeted. */
  #begin(): void {
    this.#line = undefined;
    this.#socket?.write(`BEGIN${LINE_END}`);
    this.call('Hello', [], (reply) => {
      if (reply.type === MessageType.RETURN) this.#owner.connected();
      else this.#end('closed', 'the bus refused us');
    });
  }

  #dispatch(bytes: Uint8Array): void {
    if (this.#ended) return;
    const message = readMessage(bytes);
    if (message?.type === MessageType.SIGNAL) this.#owner.signal(message);
    if (message?.type !== MessageType.RETURN && message?.type !== MessageType.ERROR) return;
    // Others on the bus can answer what nobody asked them.
    if (message.sender !== BUS_NAME) return;
    const onReply = this.#replies.get(message.replySerial);
    this.#replies.delete(message.replySerial);
    onReply?.(message);
  }

  #end(end: DbusEnd, why: string): void {
    if (this.#ended) return;
    this.close();
    this.#owner.ended(end, why);
  }
}
