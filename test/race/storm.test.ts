/**
 * Transitions at random, from one thread, under iperf3's full traffic on the kernel, while a second
 * thread reads and a third writes.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Adapter } from 'typetun';
import { addNetns, deleteNetns, ip, rootSkip } from '../kernel/support/netns.ts';
import { until } from '../support/link-use.ts';
import { scaled } from './scale.ts';
import { Command, type StormData, StormWord } from './storm-words.ts';

const KINDS = ['pause', 'power', 'disconnect'] as const;
type Kind = (typeof KINDS)[number];

/** A reader that stands still this long lets the owner fill the queue, in ms. */
const STALL_MS = 23;

interface LinkCounts {
  readonly stats64: { readonly tx: { readonly packets: number; readonly dropped: number } };
}

test('a storm of transitions under full traffic', { skip: rootSkip('iperf3') }, async () => {
  const transitions = scaled(10_000);
  const withQueue = scaled(1000);
  const packets = scaled(1_000_000);
  const descriptors = readdirSync('/proc/self/fd').length;
  const near = await addNetns();
  const far = await addNetns();
  try {
    await using storm = await Storm.begin(near, far);
    await storm.run(transitions, withQueue, packets);
  } finally {
    await deleteNetns(near);
    await deleteNetns(far);
  }
  assert.ok(await until(() => readdirSync('/proc/self/fd').length <= descriptors + 2));
});

class Storm implements AsyncDisposable {
  readonly #adapter: Adapter;
  readonly #far: Adapter;
  readonly #workers: Worker[] = [];
  readonly #words = new Int32Array(new SharedArrayBuffer(64));
  readonly #children: ReturnType<typeof spawn>[] = [];
  readonly #near: string;
  readonly #farNetns: string;
  readonly #found: Record<Kind, number> = { pause: 0, power: 0, disconnect: 0 };
  readonly #made: Record<Kind, number> = { pause: 0, power: 0, disconnect: 0 };
  readonly #passedWhileClosed: Record<Kind, number> = { pause: 0, power: 0, disconnect: 0 };

  private constructor(adapter: Adapter, farAdapter: Adapter, near: string, far: string) {
    this.#adapter = adapter;
    this.#far = farAdapter;
    this.#near = near;
    this.#farNetns = far;
  }

  static async begin(near: string, far: string): Promise<Storm> {
    const adapter = await Adapter.create({
      name: 'near0',
      addresses: ['10.9.0.1/24'],
      netns: near,
    });
    const other = await Adapter.create({ name: 'far0', addresses: ['10.9.0.2/24'], netns: far });
    const storm = new Storm(adapter, other, near, far);
    try {
      await storm.#startWorker(0, adapter, other);
      await storm.#startWorker(1, other, adapter);
      await storm.#startTraffic();
      return storm;
    } catch (error) {
      await storm[Symbol.asyncDispose]();
      throw error;
    }
  }

  async run(transitions: number, withQueue: number, packets: number): Promise<void> {
    const started = performance.now();
    for (let i = 0; i < transitions || this.#needsMore(withQueue, packets); i++) {
      const kind = KINDS[Math.floor(Math.random() * KINDS.length)]!;
      const wantsQueue = this.#found[kind] < withQueue && Math.random() < 0.4;
      await this.#transition(kind, wantsQueue);
      await this.#keepTraffic();
    }
    await this.#settle();
    const { statistics } = this.#adapter;
    const kernel = await this.#kernelCounts();
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(
      `${statistics.bundles.packetsRead} packets passed, ${statistics.taken} taken, in ${seconds} s; transitions ${JSON.stringify(this.#made)}, with packets in the queue ${JSON.stringify(this.#found)}; drops ${JSON.stringify(statistics.drops)}`,
    );
    assert.equal(Atomics.load(this.#words, StormWord.DISORDER), 0, 'packets out of order');
    const nothing = { pause: 0, power: 0, disconnect: 0 };
    assert.deepEqual(this.#passedWhileClosed, nothing, 'packets passed while nothing was accepted');
    assert.equal(statistics.taken, kernel.packets, 'taken = what the kernel handed over');
    const dropped = Object.values(statistics.drops).reduce((sum, count) => sum + count);
    assert.equal(statistics.taken, statistics.bundles.packetsRead + dropped);
    assert.equal(statistics.drops.abandoned, 0);
  }

  #needsMore(withQueue: number, packets: number): boolean {
    return (
      KINDS.some((kind) => this.#found[kind] < withQueue) ||
      this.#adapter.statistics.bundles.packetsRead < packets
    );
  }

  async #transition(kind: Kind, wantsQueue: boolean): Promise<void> {
    if (wantsQueue) {
      await this.#command(Command.STALL);
      await sleep(STALL_MS);
    } else {
      await sleep(Math.random());
    }
    const found = this.#adapter.statistics.queued.packets > 0;
    await this.#stop(kind);
    // A pause waits for bundles that were taken before it; low power does not: they are counted later.
    if (kind === 'power') await this.#turns();
    const before = this.#adapter.statistics.bundles;
    await sleep(Math.random());
    const after = this.#adapter.statistics.bundles;
    this.#passedWhileClosed[kind] += after.packetsRead - before.packetsRead;
    this.#passedWhileClosed[kind] += after.packetsWritten - before.packetsWritten;
    assert.equal(this.#adapter.statistics.queued.packets, 0);
    await this.#start(kind);
    this.#made[kind]++;
    if (found && wantsQueue) this.#found[kind]++;
    await this.#command(Command.RUN);
  }

  async #stop(kind: Kind): Promise<void> {
    if (kind === 'pause') await this.#adapter.pause();
    else if (kind === 'power') await this.#adapter.setPower('D2');
    else await this.#command(Command.CLOSE);
  }

  async #start(kind: Kind): Promise<void> {
    if (kind === 'pause') await this.#adapter.restart();
    else if (kind === 'power') await this.#adapter.setPower('D0');
    else await this.#command(Command.RUN);
  }

  /** Tells both workers, and waits until they have done it. */
  async #command(command: number): Promise<void> {
    for (const worker of [0, 1]) {
      Atomics.store(this.#words, StormWord.COMMAND + worker, command);
      Atomics.notify(this.#words, StormWord.COMMAND + worker);
    }
    for (const worker of [0, 1]) {
      while (Atomics.load(this.#words, StormWord.DONE + worker) !== command) await sleep(0);
    }
  }

  /** Waits until whatever the workers were in the middle of is done. */
  async #turns(): Promise<void> {
    for (const worker of [0, 1]) {
      const turn = Atomics.load(this.#words, StormWord.TURNS + worker);
      const isSame = (): boolean => Atomics.load(this.#words, StormWord.TURNS + worker) === turn;
      while (isSame() && Atomics.load(this.#words, StormWord.DONE + worker) === Command.RUN) {
        await sleep(0);
      }
    }
  }

  async #startWorker(command: number, from: Adapter, to: Adapter): Promise<void> {
    const source = from.share();
    const target = to.share();
    const data: StormData = {
      from: source.token,
      to: target.token,
      words: this.#words.buffer,
      command,
    };
    const worker = new Worker(new URL('./storm-worker.js', import.meta.url), {
      workerData: data,
      transferList: [...source.transfer, ...target.transfer],
    });
    worker.once('error', (error) => {
      throw error;
    });
    this.#workers.push(worker);
    await new Promise((resolve) => worker.once('message', resolve));
  }

  async #startTraffic(): Promise<void> {
    this.#spawn(this.#farNetns, 'iperf3', '-s', '-1');
    await sleep(300);
    this.#client();
    assert.ok(
      await until(() => this.#adapter.statistics.bundles.packetsRead > 1000, 20_000),
      'iperf3 does not send',
    );
  }

  #client(): void {
    this.#spawn(
      this.#near,
      'iperf3',
      '-c',
      '10.9.0.2',
      '-u',
      '-b',
      '60M',
      '-l',
      '200',
      '-t',
      '600',
    );
  }

  /** iperf3 gives up when its control connection is held back too long: then it starts anew. */
  async #keepTraffic(): Promise<void> {
    if (this.#children.every(({ exitCode }) => exitCode === null)) return;
    this.#kill();
    await this.#startTraffic();
  }

  #spawn(netns: string, ...command: string[]): void {
    const child = spawn('ip', ['netns', 'exec', netns, ...command], { stdio: 'ignore' });
    this.#children.push(child);
  }

  #kill(): void {
    for (const child of this.#children.splice(0)) child.kill('SIGKILL');
  }

  /** No traffic, nothing in front of the adapter, nothing queued, nothing in a hand. */
  async #settle(): Promise<void> {
    this.#kill();
    await sleep(300);
    await this.#command(Command.CLOSE);
    await sleep(100);
    await this.#adapter.pause();
    await sleep(100);
  }

  async #kernelCounts(): Promise<{ packets: number }> {
    const [link] = JSON.parse(
      await ip('-n', this.#near, '-s', '-j', 'link', 'show', 'near0'),
    ) as LinkCounts[];
    return { packets: link!.stats64.tx.packets };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    for (const worker of this.#workers) await worker.terminate();
    await this.#adapter.close();
    await this.#far.close();
  }
}
