/**
 * Readiness for threads whose loop libuv's symbols do not reach, without another thread: the kernel
 * itself writes to a Unix socket that the event loop reads. For each wait an io_uring of the thread is
 * given two linked operations: poll the descriptor, then send the watch's number.
 *
 * ```
 *   start ──► POLL_ADD fd ──when readable──► SEND number ──► socket ──► event loop ──► onReadable
 *                 ▲                                                                      │
 *                 └──────────────────────────────────── armed again ◄────────────────────┘
 * ```
 *
 * Each is one-shot, so that the kernel never runs ahead of the thread, and all is the thread's: what
 * is in flight when it ends, however it ends, ends with it. (A poller thread, worker-poll.ts, costs two
 * changes of thread for each wake-up, and an end of its parent while it starts ends the process.)
 */

import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { TunError } from '../errors.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { closeOwned, ownedByThread } from './descriptors.ts';
import { socketPair } from './fd-passing.ts';
import { Errno, libc } from './libc.ts';
import type { Poller, Watch } from './poll.ts';
import { Entry, Ring } from './ring.ts';
import { unavailable } from './ring-memory.ts';

/** `IORING_OP_POLL_ADD`, `_POLL_REMOVE` and `_SEND` (since 5.6). */
const OP_POLL_ADD = 6;
const OP_POLL_REMOVE = 7;
const OP_SEND = 26;
/** `IOSQE_IO_LINK`, and `IOSQE_CQE_SKIP_SUCCESS` (since 5.17): no completion, unless it failed. */
const FLAGS_SHIFT = 8;
const LINK = 0x04;
const SKIP_SUCCESS = 0x40;
const POLLIN = 0x001;
/** Without `MSG_DONTWAIT`: where the socket has no room, the operation waits, and none is lost. */
const MSG_NOSIGNAL = 0x4000;
/** What a completion is of, in the high half of its user data. */
const Tag = { POLL: 0, SEND: 1, REMOVE: 2 } as const;

/** Bytes of a watch's number, and of those that are read at once. */
const NUMBER_BYTES: number = Int32Array.BYTES_PER_ELEMENT;
const HEARD_BYTES: number = 64 * NUMBER_BYTES;

/** `EFD_NONBLOCK | EFD_CLOEXEC` (sys/eventfd.h). */
const EVENTFD_FLAGS = 0o2004000;
const MSG_DONTWAIT = 0x40;

/** The poller, or undefined where the kernel has none of this, or forbids it. */
export function ringPoll(): Poller | undefined {
  let set: RingSet;
  try {
    set = new RingSet();
  } catch (error) {
    if (error instanceof TunError) return undefined;
    throw error;
  }
  return {
    engine: 'ring-poll',
    watch: (fd, onReadable) => new RingWatch(set, fd, onReadable),
    prepare: () => undefined,
  };
}

/** The thread's ring and its socket; they last as long as the thread. */
class RingSet {
  readonly watches = new Map<number, RingWatch>();
  readonly #ring: Ring;
  /** The socket's end that the kernel writes to. */
  readonly #told: number;
  /** Places in the ring's memory whose numbers nobody uses. */
  readonly #places: number[] = [];
  #nextPlace: number;
  #lastId = 0;

  constructor() {
    if (!HOST_LITTLE_ENDIAN) throw unavailable('its entries are used on little-endian hosts alone');
    this.#ring = new Ring();
    this.#nextPlace = this.#ring.spare;
    // Both are given to who closes them before anything else: a thread that is terminated in between leaves them open.
    const [heard, told] = socketPair();
    this.#told = ownedByThread(told);
    const socket = this.#listen(heard);
    try {
      this.#prove(heard);
    } catch (error) {
      socket.destroy();
      closeOwned(this.#told);
      this.#ring.close();
      throw error;
    }
  }

  /** A number for a watch that no other ever had, and where it lies in the ring's memory. */
  register(): [id: number, place: number] {
    const { words } = this.#ring;
    const place = this.#places.pop() ?? this.#nextPlace++;
    if (place >= words.length) throw unavailable('it has no room for another watch');
    const id = ++this.#lastId;
    words[place] = id;
    return [id, place];
  }

  release(place: number): void {
    this.#places.push(place);
  }

  /** Has the number at `place` sent, once, when the descriptor is readable. */
  arm(fd: number, id: number, place: number): void {
    const ring = this.#ring;
    const poll = ring.add();
    ring.words[poll + Entry.OPERATION] = OP_POLL_ADD | ((LINK | SKIP_SUCCESS) << FLAGS_SHIFT);
    ring.words[poll + Entry.FD] = fd;
    ring.words[poll + Entry.HOW] = POLLIN;
    this.#name(poll, id, Tag.POLL);
    const send = ring.add();
    ring.words[send + Entry.OPERATION] = OP_SEND | (SKIP_SUCCESS << FLAGS_SHIFT);
    ring.words[send + Entry.FD] = this.#told;
    ring.words[send + Entry.LENGTH] = NUMBER_BYTES;
    ring.words[send + Entry.HOW] = MSG_NOSIGNAL;
    ring.pointTo(send, place);
    this.#name(send, id, Tag.SEND);
    ring.submit();
    while (ring.next()) this.#failed();
  }

  /** Ends the poll of that watch, so that the kernel lets go of its descriptor; it may have fired. */
  disarm(id: number): void {
    const ring = this.#ring;
    const remove = ring.add();
    ring.words[remove + Entry.OPERATION] = OP_POLL_REMOVE;
    ring.words[remove + Entry.ADDRESS] = id;
    this.#name(remove, id, Tag.REMOVE);
    ring.submit();
    let removed = false;
    let ended = false;
    while (!(removed && ended)) {
      if (!ring.next()) ring.wait();
      else if (ring.id !== id) this.#failed();
      else if (ring.tag === Tag.POLL) ended = true;
      else if (ring.tag === Tag.REMOVE) {
        removed = true;
        // It was not there any more, or was completing at this moment.
        if (ring.result < 0) ended = true;
      }
    }
  }

  #name(entry: number, id: number, tag: number): void {
    this.#ring.words[entry + Entry.USER_DATA] = id;
    this.#ring.words[entry + Entry.USER_DATA + 1] = tag;
  }

  /** A poll that cannot be: whoever waits for it is to look and find out why. */
  #failed(): void {
    const { id, tag, result } = this.#ring;
    if (tag !== Tag.POLL || result === -Errno.ECANCELED) return;
    setImmediate(() => this.watches.get(id)?.fired());
  }

  /** Reads the socket's end `fd`, which is used up, on the event loop: nothing before this turn has ended. */
  #listen(fd: number): Socket {
    const buffer = new Uint8Array(HEARD_BYTES);
    const ids = new Int32Array(buffer.buffer);
    // Each number is sent whole, so that whole ones are read.
    const callback = (bytes: number): boolean => {
      const count = bytes / NUMBER_BYTES;
      for (let i = 0; i < count; i++) this.watches.get(ids[i]!)?.fired();
      return true;
    };
    // The types of Node 20 know `onread` of connecting sockets alone; its documentation of both.
    const options: SocketConstructorOpts & ConnectOpts = { fd, onread: { buffer, callback } };
    return new Socket(options).unref();
  }

  /** Polls something readable, whose number is to be heard. */
  #prove(heard: number): void {
    const { eventfd, recv, close, errno } = libc();
    const fd = eventfd(1, EVENTFD_FLAGS);
    if (fd < 0) throw unavailable(`eventfd failed with ${errno()}`);
    const [id, place] = this.register();
    try {
      this.arm(fd, id, place);
      const number = new Int32Array(1);
      const got = recv(heard, new Uint8Array(number.buffer), NUMBER_BYTES, MSG_DONTWAIT);
      if (got !== NUMBER_BYTES || number[0] !== id) throw unavailable('a poll did not complete');
    } finally {
      this.release(place);
      close(fd);
    }
  }
}

class RingWatch implements Watch {
  readonly #set: RingSet;
  readonly #fd: number;
  readonly #onReadable: () => void;
  readonly #id: number;
  readonly #place: number;
  #started = false;
  #armed = false;
  #closed = false;

  constructor(set: RingSet, fd: number, onReadable: () => void) {
    this.#set = set;
    this.#fd = fd;
    this.#onReadable = onReadable;
    [this.#id, this.#place] = set.register();
    set.watches.set(this.#id, this);
  }

  start(): void {
    if (this.#closed) return;
    this.#started = true;
    this.#arm();
  }

  /** A poll that is under way goes on; nobody is told of it. */
  stop(): void {
    this.#started = false;
  }

  /** The poll of this watch has ended. */
  fired(): void {
    this.#armed = false;
    if (!this.#started) return;
    try {
      this.#onReadable();
    } finally {
      if (this.#started) this.#arm();
    }
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#started = false;
      this.#set.watches.delete(this.#id);
      if (this.#armed) this.#set.disarm(this.#id);
      this.#set.release(this.#place);
    }
    return Promise.resolve();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#set.arm(this.#fd, this.#id, this.#place);
    this.#armed = true;
  }
}
