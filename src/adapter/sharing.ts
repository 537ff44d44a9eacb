/**
 * How an adapter gets into other threads: the token, and the owner's end of the message ports. A
 * port carries what one thread tells another, and its close says that the thread has ended. Nothing
 * that packets need goes through it.
 */

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { TunError, TunErrorCode } from '../errors.ts';
import { MAX_PARTICIPANTS } from '../limits.ts';
import type { LinkToken } from '../link/link.ts';
import { freeLane, offerParticipant, withdrawParticipant } from '../sync/participants.ts';
import { VERSION } from '../version.ts';
import type { MiniportParts, News, QueueOptions } from './miniport.ts';
import type { SharedAdapter } from './shared-adapter.ts';

/**
 * By which a thread attaches to an adapter, once: pass it through `postMessage` or `workerData`
 * together with its transfer list, then call `Adapter.attach`. What is in it is not for programs.
 */
export interface AdapterToken {
  /** Version of typetun that made it; both threads must run the same. */
  readonly typetun: string;
  readonly memory: SharedArrayBuffer;
  readonly participant: number;
  readonly lane: number;
  readonly luidIndex: number;
  readonly options: QueueOptions;
  readonly link: LinkToken;
  readonly port: MessagePort;
}

/** What `adapter.share()` returns: `worker.postMessage(token, transfer)`. */
export interface ShareResult {
  readonly token: AdapterToken;
  readonly transfer: readonly MessagePort[];
}

/** Told by the other threads. */
export interface SharingHooks {
  heard(news: News): void;
  /** The thread with that number has ended, or has left. */
  ended(participant: number): void;
}

export class Sharing {
  readonly #shared: SharedAdapter;
  readonly #parts: MiniportParts;
  readonly #hooks: SharingHooks;
  /** The port of each number given out; a number is used again, its port is not. */
  readonly #ports = new Map<number, MessagePort>();

  constructor(shared: SharedAdapter, parts: MiniportParts, hooks: SharingHooks) {
    this.#shared = shared;
    this.#parts = parts;
    this.#hooks = hooks;
  }

  /**
   * Makes a token for one more thread.
   *
   * @throws TunError `UNSUPPORTED` when there are 64 already.
   */
  share(link: LinkToken): ShareResult {
    const { lanes, words } = this.#shared;
    const lane = freeLane(words, lanes.length);
    const participant = offerParticipant(words, lane);
    if (participant < 0) {
      throw new TunError(
        TunErrorCode.UNSUPPORTED,
        `${MAX_PARTICIPANTS} threads share the adapter already, or hold tokens for it; close it in one of them first`,
      );
    }
    const { port1, port2 } = new MessageChannel();
    this.#ports.set(participant, port1);
    port1.on('message', (news: News) => {
      this.#hooks.heard(news);
      this.#relay(news, port1);
    });
    port1.on('close', () => this.#closed(participant, port1));
    // Last: adding a listener refers to the port again.
    port1.unref();
    const { memory, luidIndex, options } = this.#parts;
    const { dropPolicy, prefetch } = options;
    return {
      token: {
        typetun: VERSION,
        memory,
        participant,
        lane,
        luidIndex,
        options: { dropPolicy, prefetch },
        link,
        port: port2,
      },
      transfer: [port2],
    };
  }

  /** Tells all other threads. */
  tell(news: News): void {
    for (const port of this.#ports.values()) port.postMessage(news);
  }

  /** The adapter is halted: no thread attaches to it or hears from it any more. */
  close(): void {
    for (const [participant, port] of this.#ports) {
      withdrawParticipant(this.#shared.words, participant);
      port.close();
    }
    this.#ports.clear();
  }

  #relay(news: News, from: MessagePort): void {
    for (const port of this.#ports.values()) if (port !== from) port.postMessage(news);
  }

  #closed(participant: number, port: MessagePort): void {
    if (this.#ports.get(participant) !== port) return;
    this.#ports.delete(participant);
    if (!withdrawParticipant(this.#shared.words, participant)) this.#hooks.ended(participant);
  }
}
