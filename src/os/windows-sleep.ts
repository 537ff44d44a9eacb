/**
 * Tells when a Windows machine is about to sleep and when it woke up.
 *
 * Windows calls a function, from a thread of its own. No JavaScript can run there, and one that made
 * Windows wait for ours might wait for ever (our thread may be blocked, or be unregistering). So the
 * function Windows calls is one of its own: `PostQueuedCompletionStatus` takes a port, which is the
 * context we register, and a number, which is what happened; the port keeps both, in order, until we
 * look, four times a second. The machine does not wait for us: a suspend may be heard only after
 * waking, right before the resume, as on Linux.
 *
 * Source: Microsoft Learn, PowerRegisterSuspendResumeNotification, DEVICE_NOTIFY_CALLBACK_ROUTINE,
 * PostQueuedCompletionStatus; numbers from winuser.h.
 */

import type { FfiLibrary } from './ffi.ts';
import type { SleepListener, SleepPhase } from './system-sleep.ts';
import { INVALID_HANDLE, kernel32, loadLibrary, systemLibrary, WinError } from './win32.ts';

/** `DEVICE_NOTIFY_CALLBACK`. */
const DEVICE_NOTIFY_CALLBACK = 2;
/** `PBT_APMSUSPEND`, `PBT_APMRESUMESUSPEND` (with a user), `PBT_APMRESUMEAUTOMATIC` (always first). */
const PHASES: Readonly<Record<number, SleepPhase>> = { 4: 'suspend', 7: 'resume', 18: 'resume' };
/** How often the port is looked at. */
const LOOK_EVERY_MS = 250;

export interface WindowsSleepWatch {
  /** Whether Windows took the registration. */
  readonly available: boolean;
  /** The listener is not called again. Safe to call twice. */
  close(): void;
}

/**
 * Calls `listener` from the event loop; keeps no process alive. Of several resumes in a row one is
 * told. `path` is that of a library with the same calls, for tests; the system's powrprof.dll by default.
 */
export function watchWindowsSleep(listener: SleepListener, path?: string): WindowsSleepWatch {
  const { createCompletionPort, closeHandle, getModuleHandle, getProcAddress } = kernel32();
  const library = path === undefined ? systemLibrary('powrprof.dll') : loadLibrary(path);
  const port = createCompletionPort(INVALID_HANDLE, 0, 0, 1);
  const post = getProcAddress(getModuleHandle('kernel32.dll'), 'PostQueuedCompletionStatus');
  // DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS: the callback and its context. Windows copies it.
  const parameters = new BigUint64Array([BigInt(post), BigInt(port)]);
  const registration = new BigUint64Array(1);
  const register = library.func(
    'uint32 PowerRegisterSuspendResumeNotification(uint32 flags, void *recipient, void *handle)',
  );
  const status = register(DEVICE_NOTIFY_CALLBACK, parameters, registration);
  const timer = setInterval(() => drain(port, listener, state), LOOK_EVERY_MS).unref();
  const state = { asleep: false };
  let open = true;
  return {
    available: status === WinError.SUCCESS,
    close: () => {
      if (!open) return;
      open = false;
      clearInterval(timer);
      // Returns when no call is under way any more: those only post, so it cannot take long.
      if (status === WinError.SUCCESS) unregister(library, registration[0]!);
      closeHandle(port);
    },
  };
}

function unregister(library: FfiLibrary, registration: bigint): void {
  library.func('uint32 PowerUnregisterSuspendResumeNotification(uintptr_t handle)')(registration);
}

const happened = new Uint32Array(1);
const key = new BigUint64Array(1);
const overlapped = new BigUint64Array(1);

function drain(port: number, listener: SleepListener, state: { asleep: boolean }): void {
  while (kernel32().getCompletion(port, happened, key, overlapped, 0) !== 0) {
    const phase = PHASES[happened[0]!];
    const asleep = phase === 'suspend';
    if (phase === undefined || asleep === state.asleep) continue;
    state.asleep = asleep;
    listener(phase);
  }
}
