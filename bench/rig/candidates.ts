/** Everything that can be put between the two namespaces: references, and ours. */

import { fileURLToPath } from 'node:url';
import { Running, run } from './child.ts';
import type { References } from './references.ts';
import { DEVICE, type World } from './world.ts';

/** What runs between the namespaces. */
export interface Forwarder extends AsyncDisposable {
  /** Seconds of processor time so far. */
  readonly cpuSeconds: number;
  /** Moves it to these processors. */
  pin(cpus: string): Promise<void>;
}

export interface Candidate {
  readonly id: string;
  readonly title: string;
  /** Starts it, connects the namespaces; undefined in place of a process where the kernel does it. */
  start(world: World): Promise<Forwarder | undefined>;
  /** Undoes what ending the process does not. */
  stop?(world: World): Promise<void>;
}

/** A program of ours, which makes and configures its adapters itself. */
function ours(id: string, title: string, file: string, ...args: string[]): Candidate {
  const path = fileURLToPath(new URL(`../programs/${file}.js`, import.meta.url));
  return {
    id,
    title,
    start: (world) =>
      Running.start([process.execPath, path, world.a.netns, world.b.netns, ...args]),
  };
}

/** A program that makes the devices and leaves the rest to the rig. */
function foreign(id: string, title: string, command: readonly string[], places: Place): Candidate {
  return {
    id,
    title,
    start: async (world) => {
      const running = await Running.start([...command, ...places(world)]);
      await world.configure();
      return running;
    },
  };
}

type Place = (world: World) => readonly string[];
const byPath: Place = (world) =>
  world.sides.flatMap(({ netns }) => [`/run/netns/${netns}`, DEVICE]);
const byName: Place = (world) => world.sides.map(({ netns }) => netns);

const VETH: Candidate = {
  id: 'veth',
  title: 'veth: no userspace',
  start: async (world) => {
    const peer = ['peer', 'name', DEVICE, 'netns', world.b.netns];
    await run('ip', '-n', world.a.netns, 'link', 'add', DEVICE, 'type', 'veth', ...peer);
    await world.configure();
    return undefined;
  },
  stop: async (world) => {
    await run('ip', '-n', world.a.netns, 'link', 'delete', DEVICE);
  },
};

/** What stands between the namespaces, by name. `references` is undefined without a C compiler. */
export function candidates(references: References | undefined): Candidate[] {
  const fsStreams = fileURLToPath(new URL('../programs/fs-streams.js', import.meta.url));
  const c =
    references === undefined
      ? []
      : [
          foreign('r1', 'R1: C, poll + read/write', [references.r1], byPath),
          foreign('r1-again', 'R1 once more: what noise there is', [references.r1], byPath),
          foreign('r2', 'R2: C, super-packets passed on', [references.r2], byPath),
        ];
  return [
    VETH,
    ...c,
    foreign('fs', 'fs streams', [process.execPath, fsStreams], byName),
    ours('off', 'typetun off', 'event-loop', 'off'),
    ours('split', 'typetun split', 'event-loop', 'split'),
    ours('carry', 'typetun carry', 'event-loop', 'carry'),
    ours('host-socket', 'typetun split, devices of a host by socket', 'host', 'split', 'socket'),
    ours('host-descriptor', 'typetun split, descriptors of a host', 'host', 'split', 'descriptor'),
    ours('off-worker-loop', 'typetun off, event loop in a worker', 'worker-loop', 'off'),
    ours('off-workers', 'typetun off, two blocking workers', 'workers', 'off'),
    ours('split-workers', 'typetun split, two blocking workers', 'workers', 'split'),
    ours('carry-workers', 'typetun carry, two blocking workers', 'workers', 'carry'),
  ];
}
