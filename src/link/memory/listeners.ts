/** Calling a user's listener from the middle of packet processing. */

/**
 * Calls `listener`. What it throws does not harm the packets that follow: it surfaces as an uncaught
 * exception of its own, as from any event listener.
 */
export function tell<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
