/**
 * `uv_poll` through libuv's symbols as the Node executable exports them: one epoll set, the event
 * loop's own, no thread hop. Main thread only: a worker's loop cannot be reached this way.
 *
 * Two things surprise. A callback that the FFI package makes from libuv runs outside Node's callback
 * scope, so that promises resolved in it would wait for whatever happens next; an immediate, armed
 * in the callback, runs in the same turn and flushes them. And at exit Node runs the loop once more
 * while its environment is torn down, when no callback may reach JavaScript: all watches are
 * stopped in an `exit` listener, the only process-wide handler this package installs.
 */

import { ffi } from './ffi.ts';
import type { Poller, Watch } from './poll.ts';

/** `UV_POLL` in `uv_handle_type` (uv.h, UV_HANDLE_TYPE_MAP). */
const UV_POLL = 8;
/** `UV_READABLE` in `uv_poll_event`. */
const UV_READABLE = 1;

type Pointer = unknown;

interface Uv {
  readonly loop: Pointer;
  readonly handleBytes: number;
  init(loop: Pointer, handle: Uint8Array, fd: number): number;
  start(handle: Uint8Array, events: number, callback: Pointer): number;
  stop(handle: Uint8Array): number;
  unref(handle: Uint8Array): void;
  close(handle: Uint8Array, callback: Pointer): void;
  readonly pollCallback: unknown;
  readonly closeCallback: unknown;
}

const active = new Set<UvWatch>();

/** The poller, or undefined where this runtime does not export libuv's symbols. */
export function uvPoll(): Poller | undefined {
  const uv = bindUv();
  if (uv === undefined) return undefined;
  process.once('exit', () => {
    for (const watch of active) watch.stop();
  });
  return {
    engine: 'uv-poll',
    watch: (fd, onReadable) => new UvWatch(uv, fd, onReadable),
    prepare: () => undefined,
  };
}

function bindUv(): Uv | undefined {
  const koffi = ffi();
  const library = koffi.load(null);
  try {
    const defaultLoop = library.func('void *uv_default_loop()');
    const handleSize = library.func('size_t uv_handle_size(int type)');
    return {
      loop: defaultLoop(),
      handleBytes: handleSize(UV_POLL) as number,
      init: library.func('int uv_poll_init(void *loop, void *handle, int fd)') as Uv['init'],
      start: library.func(
        'int uv_poll_start(void *handle, int events, void *callback)',
      ) as Uv['start'],
      stop: library.func('int uv_poll_stop(void *handle)') as Uv['stop'],
      unref: library.func('void uv_unref(void *handle)'),
      close: library.func('void uv_close(void *handle, void *callback)'),
      pollCallback: koffi.pointer(
        koffi.proto('void typetun_uv_poll_cb(void *handle, int status, int events)'),
      ),
      closeCallback: koffi.pointer(koffi.proto('void typetun_uv_close_cb(void *handle)')),
    };
  } catch {
    return undefined;
  }
}

function flushMicrotasks(): void {
  // Nothing to do: running as an immediate is what drains the promise queue.
}

class UvWatch implements Watch {
  readonly #uv: Uv;
  /** Lent to libuv until the close callback has run; this reference keeps it from being collected. */
  readonly #handle: Uint8Array;
  readonly #callback: Pointer;
  #started = false;
  #closed: Promise<void> | undefined;

  constructor(uv: Uv, fd: number, onReadable: () => void) {
    this.#uv = uv;
    this.#handle = new Uint8Array(uv.handleBytes);
    const status = uv.init(uv.loop, this.#handle, fd);
    if (status < 0) throw new Error(`uv_poll_init failed on descriptor ${fd} with ${status}`);
    uv.unref(this.#handle);
    this.#callback = ffi().register((_handle: Pointer, error: number) => {
      if (this.#started) onReadable();
      // After an error condition libuv has stopped the handle. Reading clears the condition.
      if (error < 0 && this.#started) this.#startPolling();
      setImmediate(flushMicrotasks);
    }, uv.pollCallback);
  }

  start(): void {
    if (this.#started || this.#closed !== undefined) return;
    this.#startPolling();
    this.#started = true;
    active.add(this);
  }

  #startPolling(): void {
    const status = this.#uv.start(this.#handle, UV_READABLE, this.#callback);
    if (status < 0) throw new Error(`uv_poll_start failed with ${status}`);
  }

  stop(): void {
    if (!this.#started) return;
    this.#started = false;
    active.delete(this);
    this.#uv.stop(this.#handle);
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.stop();
      const koffi = ffi();
      const done: unknown = koffi.register(() => {
        // The callbacks cannot be unregistered from within one of them.
        setImmediate(() => {
          koffi.unregister(this.#callback);
          koffi.unregister(done);
          resolve();
        });
      }, this.#uv.closeCallback);
      this.#uv.close(this.#handle, done);
    });
    return this.#closed;
  }
}
