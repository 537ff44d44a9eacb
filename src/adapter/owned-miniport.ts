/** The miniport of the thread that created the adapter: it configures, shares and halts it. */

import type { LinkEvent, LinkReconfig } from '../link/link.ts';
import { Miniport, type MiniportParts, type News } from './miniport.ts';
import { register, unregister } from './registry.ts';
import { queueBytesFor } from './shared-adapter.ts';
import { type ShareResult, Sharing } from './sharing.ts';
import { AdapterState } from './state.ts';

export class OwnedMiniport extends Miniport {
  readonly #sharing: Sharing;
  readonly #queueFollowsMtu: boolean;

  /**
   * Takes over `link`; halting releases it. The adapter begins as Halted. `queueBytes` is undefined
   * for a queue whose bound follows the MTU.
   */
  constructor(parts: MiniportParts, queueBytes: number | undefined) {
    super(parts, true);
    const { link } = parts;
    this.#queueFollowsMtu = queueBytes === undefined;
    this.shared.growQueues(queueBytes ?? queueBytesFor(link.info.mtu));
    this.#sharing = new Sharing(this.shared, parts, {
      heard: (news) => {
        if (news.type === 'power') this.lifecycle.powerChanged();
        this.hear(news);
      },
      ended: (participant) => this.transitions.bury(participant),
    });
    link.onEvent((event) => this.#onLinkEvent(event));
    link.onSystemSleep((phase) => void this.lifecycle[phase]());
  }

  /** Initializes, publishes the device name, and starts: Halted -> Paused -> Running. */
  async start(): Promise<void> {
    this.transitions.initialize();
    this.requests.start();
    register(this);
    await this.lifecycle.restart();
  }

  override configure(change: LinkReconfig): void {
    if (!this.shared.present) throw this.closedError();
    this.#mtuChanged(this.link.configure(change).mtu);
    this.tellOthers({ type: 'info', info: this.link.info });
  }

  override share(): ShareResult {
    if (!this.shared.present) throw this.closedError();
    this.shared.open();
    const result = this.#sharing.share(this.link.share());
    this.requests.listen();
    return result;
  }

  override halt(): Promise<void> {
    return this.lifecycle.halt({
      unpublish: () => unregister(this),
      forceClose: () => this.#forceCloseAll(),
      release: async () => {
        await this.link.close();
        this.#sharing.close();
      },
    });
  }

  override shutdown(): void {
    if (this.shared.state === AdapterState.SHUTDOWN) return;
    unregister(this);
    this.transitions.shutdown();
    this.#forceCloseAll();
  }

  protected override linkClosed(): void {
    this.#remove();
  }

  protected override tellOthers(news: News): void {
    this.#sharing.tell(news);
  }

  /** Surprise removal: the device is gone, the adapter follows. */
  #remove(): void {
    if (this.shared.removed || !this.shared.present) return;
    this.shared.noteRemoved();
    this.requests.stop();
    void this.halt();
    this.tellLink({ type: 'removed', info: { ...this.link.info, up: false } });
  }

  #forceCloseAll(): void {
    this.forceClose();
    this.transitions.closeHandles();
  }

  #onLinkEvent(event: LinkEvent): void {
    if (event.type === 'removed') {
      this.#remove();
      return;
    }
    if (event.type === 'mtu') this.#mtuChanged(event.info.mtu);
    if (this.shared.state !== AdapterState.HALTED) this.tellLink(event);
  }

  #mtuChanged(mtu: number): void {
    if (this.#queueFollowsMtu) this.shared.growQueues(queueBytesFor(mtu));
  }
}
