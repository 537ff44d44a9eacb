/** A private bus with a real dbus-daemon, and connections to it that play logind or somebody else. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DbusFramer } from '#dist/os/dbus-framer.js';
import { type DbusMessage, readMessage } from '#dist/os/dbus-message.js';
import { dbusMessage, type Value } from '../../reference/dbus-message.ts';

const BUS = 'org.freedesktop.DBus';
const LOGIN = 'org.freedesktop.login1';

/** Why a test with a bus cannot run here, or false. */
export function dbusSkip(): string | false {
  const found = spawnSync('dbus-daemon', ['--version'], { stdio: 'ignore' }).status === 0;
  return found ? false : 'needs the command "dbus-daemon" (package dbus-daemon)';
}

export interface Bus extends AsyncDisposable {
  readonly path: string;
  readonly address: string;
  /** Starts a daemon at the same place, after {@link kill}. */
  start(): Promise<void>;
  /** Kills the daemon, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Starts a bus that allows everybody everything, but what `policy` (XML) says. */
export async function startBus(policy = ''): Promise<Bus> {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-dbus-'));
  const path = join(folder, 'socket');
  const config = join(folder, 'bus.conf');
  writeFileSync(
    config,
    `<busconfig><type>custom</type><listen>unix:path=${path}</listen><auth>EXTERNAL</auth>
     <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/>
     <allow own="*"/><allow user="*"/>${policy}</policy></busconfig>`,
  );
  const launch = async () => {
    const arguments_ = [`--config-file=${config}`, '--nofork', '--nopidfile', '--print-address'];
    const child = spawn('dbus-daemon', arguments_, { stdio: 'pipe' });
    let complaints = '';
    child.stderr.on('data', (text) => (complaints += text));
    const exit = once(child, 'exit');
    // It prints its address once it listens.
    await Promise.race([
      once(child.stdout, 'data'),
      exit.then(() => Promise.reject(new Error(`dbus-daemon did not start: ${complaints}`))),
    ]);
    return { child, exit };
  };
  let daemon = await launch();
  const kill = async (): Promise<void> => {
    daemon.child.kill('SIGKILL');
    await daemon.exit;
  };
  return {
    path,
    address: `unix:path=${path}`,
    start: async () => {
      rmSync(path, { force: true });
      daemon = await launch();
    },
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Peer extends Disposable {
  /** Its unique name. */
  readonly name: string;
  /** Sends bytes and waits until the bus has passed them on. */
  send(...messages: Uint8Array[]): Promise<void>;
  /** Becomes `org.freedesktop.login1`. */
  ownLogin(): Promise<void>;
}

/** Joins the bus by itself, with none of the product's code for what it says. */
export async function joinBus(bus: Bus): Promise<Peer> {
  const socket = connect(bus.path);
  await once(socket, 'connect');
  const framer = new DbusFramer();
  const waiting = new Map<number, (reply: DbusMessage) => void>();
  const receive = (bytes: Uint8Array): void => {
    const message = readMessage(bytes.slice())!;
    waiting.get(message.replySerial)?.(message);
  };
  const identity = Buffer.from(String(process.geteuid!())).toString('hex');
  socket.write(`\0AUTH EXTERNAL ${identity}\r\n`);
  const [line] = (await once(socket, 'data')) as [Buffer];
  if (!/^OK [0-9a-f]+\r\n$/.test(line.toString())) throw new Error(line.toString());
  socket.write('BEGIN\r\n');
  socket.on('data', (chunk: Buffer) => framer.push(chunk, receive));
  socket.on('error', () => {});
  let serial = 0;
  const call = async (member: string, ...body: Value[]): Promise<DbusMessage> => {
    serial++;
    const signature = body.map(([type]) => type).join('');
    const reply = new Promise<DbusMessage>((resolve) => waiting.set(serial, resolve));
    socket.write(
      dbusMessage({
        type: 1,
        serial,
        fields: [
          [1, 'o', '/org/freedesktop/DBus'],
          [2, 's', BUS],
          [3, 's', member],
          [6, 's', BUS],
          [8, 'g', signature],
        ],
        body,
      }),
    );
    return await reply;
  };
  const name = (await call('Hello')).body().string();
  return {
    name,
    send: async (...messages) => {
      for (const message of messages) socket.write(message);
      await call('GetId');
    },
    ownLogin: async () => {
      const primaryOwner = 1;
      const reply = await call('RequestName', ['s', LOGIN], ['u', 0]);
      if (reply.body().u32() !== primaryOwner) throw new Error(`${LOGIN} is taken`);
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}
