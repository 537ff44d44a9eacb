/**
 * Tells when the machine is about to sleep and when it woke up, from systemd-logind's signal
 * `PrepareForSleep` on the system bus.
 *
 * No inhibitor lock is taken: the machine does not wait for listeners, so that `suspend` may be
 * heard only after waking up, right before `resume`. A kernel suspended without logind says nothing.
 *
 * Source: org.freedesktop.login1(5), "Signals"; D-Bus Specification, "Match Rules" and
 * "Message Bus Messages".
 */

import { socketPaths, systemBusAddress } from './dbus-address.ts';
import { DbusConnection, type DbusEnd } from './dbus-connection.ts';
import { MessageType } from './dbus-format.ts';
import { BUS_NAME, BUS_PATH, booleanOf, type DbusMessage, stringsOf } from './dbus-message.ts';

const LOGIN_NAME = 'org.freedesktop.login1';
const LOGIN_PATH = '/org/freedesktop/login1';
const LOGIN_INTERFACE = 'org.freedesktop.login1.Manager';
const SLEEP_MEMBER = 'PrepareForSleep';
const OWNER_MEMBER = 'NameOwnerChanged';

const SLEEP_RULE = `type='signal',sender='${LOGIN_NAME}',path='${LOGIN_PATH}',interface='${LOGIN_INTERFACE}',member='${SLEEP_MEMBER}'`;
const OWNER_RULE = `type='signal',sender='${BUS_NAME}',path='${BUS_PATH}',interface='${BUS_NAME}',member='${OWNER_MEMBER}',arg0='${LOGIN_NAME}'`;

/** A bus that is silent for so many ms is none; as long as libdbus waits for an answer. */
const ANSWER_TIMEOUT_MS = 25_000;

export type SleepPhase = 'suspend' | 'resume';
export type SleepListener = (phase: SleepPhase) => void;

export interface SleepWatch extends Disposable {
  /**
   * Whether logind is on the bus and phases will be reported, as found when this was registered.
   * Never rejects. False without a bus, without the right to it, and when closed before it was
   * known. Waiting for it does not keep the process alive.
   */
  readonly available: Promise<boolean>;
  /** The listener is not called again. Safe to call twice. */
  close(): void;
}

/**
 * Calls `listener` from the event loop before the machine sleeps and after it woke up. What it
 * throws is an uncaught exception, and no other listener's business.
 *
 * Where there is no bus, or no right to it, nothing happens. All listeners of a thread share one
 * connection, which is closed with the last of them and keeps no process alive. When it breaks, one
 * process warning says so, and a sleep that was told is over; the next registration connects again, for the listeners of before too.
 *
 * @param options.address The bus's address list; `DBUS_SYSTEM_BUS_ADDRESS`, or the usual places.
 */
export function watchSystemSleep(
  listener: SleepListener,
  options: { readonly address?: string } = {},
): SleepWatch {
  const address = options.address ?? systemBusAddress();
  const bus = buses.get(address) ?? new SleepBus(address);
  buses.set(address, bus);
  const registration = { listener };
  const available = bus.add(registration);
  const close = (): void => {
    if (bus.remove(registration)) buses.delete(address);
  };
  return { available, close, [Symbol.dispose]: close };
}

/** Those with a listener, by address. */
const buses = new Map<string, SleepBus>();

/** The listeners of one bus, and the connection they share while there is one. */
class SleepBus {
  readonly #paths: readonly string[];
  readonly #registrations = new Set<{ readonly listener: SleepListener }>();
  #connection: DbusConnection | undefined;
  /** A suspend was told, and no resume. */
  #asleep = false;
  /** The unique name of the connection that owns logind's name. */
  #login = '';
  #available = Promise.resolve(false);
  /** Settles {@link #available}; undefined once it is. */
  #settle: ((available: boolean) => void) | undefined;

  constructor(address: string) {
    this.#paths = socketPaths(address);
  }

  /** Returns whether signals come, once that is known. */
  add(registration: { readonly listener: SleepListener }): Promise<boolean> {
    this.#registrations.add(registration);
    if (this.#connection === undefined) this.#open();
    return this.#available;
  }

  /** Returns whether this was the last one. */
  remove(registration: { readonly listener: SleepListener }): boolean {
    if (!this.#registrations.delete(registration) || this.#registrations.size > 0) return false;
    this.#drop();
    return true;
  }

  #open(): void {
    const timer = setTimeout(() => this.#drop(), ANSWER_TIMEOUT_MS).unref();
    this.#available = new Promise((resolve) => {
      this.#settle = (available) => {
        clearTimeout(timer);
        this.#settle = undefined;
        resolve(available);
      };
    });
    this.#connection = new DbusConnection(this.#paths, {
      connected: () => this.#subscribe(),
      signal: (message) => this.#onSignal(message),
      ended: (end, why) => this.#onEnd(end, why),
    });
  }

  #drop(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#login = '';
    this.#settle?.(false);
  }

  /** The name's owner is asked for last: from then on its changes are told. */
  #subscribe(): void {
    for (const rule of [OWNER_RULE, SLEEP_RULE]) {
      this.#connection?.call('AddMatch', [rule], (reply) => {
        if (reply.type === MessageType.ERROR) this.#drop();
      });
    }
    this.#connection?.call('GetNameOwner', [LOGIN_NAME], (reply) => {
      this.#login = (reply.type === MessageType.RETURN && stringsOf(reply)?.[0]) || '';
      this.#settle?.(this.#login !== '');
    });
  }

  /** Match rules keep out what is broadcast, but anybody may send a signal to us directly. */
  #onSignal(message: DbusMessage): void {
    if (message.sender === BUS_NAME && message.member === OWNER_MEMBER) {
      const [name, , owner] = stringsOf(message) ?? [];
      if (name === LOGIN_NAME) this.#login = owner ?? '';
      return;
    }
    if (this.#login === '' || message.sender !== this.#login) return;
    if (message.path !== LOGIN_PATH || message.interface !== LOGIN_INTERFACE) return;
    if (message.member !== SLEEP_MEMBER) return;
    const asleep = booleanOf(message);
    if (asleep !== undefined) this.#tell(asleep ? 'suspend' : 'resume');
  }

  #tell(phase: SleepPhase): void {
    this.#asleep = phase === 'suspend';
    for (const registration of [...this.#registrations]) {
      if (!this.#registrations.has(registration)) continue;
      try {
        registration.listener(phase);
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  #onEnd(end: DbusEnd, why: string): void {
    const lost = this.#login !== '';
    this.#drop();
    // Nobody would say so any more, and who runs this is awake.
    if (this.#asleep) this.#tell('resume');
    if (!lost && end === 'closed') return;
    process.emitWarning(`no more suspend and resume events: ${why}`, 'TypetunWarning');
  }
}
