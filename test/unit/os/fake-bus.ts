/** A bus of our own making: answers what system-sleep.ts asks, and says whatever a test wants. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dbusMessage, dbusSignal, type Value } from '../../reference/dbus-message.ts';

const BUS = 'org.freedesktop.DBus';
/** logind's unique name when the bus is asked. */
export const LOGIN = ':1.5';

/** How it behaves; what is not set is as a real bus does it. */
export interface BusManners {
  /** Instead of the answers to the lines AUTH and DATA. */
  readonly auth?: readonly (string | Uint8Array)[];
  /** The method that is answered with an error. */
  readonly refuses?: string;
  /** The method that is not answered. */
  readonly ignores?: string;
}

export interface FakeBus extends AsyncDisposable {
  readonly address: string;
  /** Connections that there were. */
  readonly accepted: number;
  /** Those that are open. */
  readonly open: number;
  /** The rules of AddMatch and all else it was told. */
  readonly heard: string;
  /** To all connections. */
  send(bytes: Uint8Array): void;
  /** Ends all connections; new ones are accepted. */
  hangUp(): void;
}

export async function fakeBus(manners: BusManners = {}): Promise<FakeBus> {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-bus-'));
  const path = join(folder, 'socket');
  const sockets = new Set<Socket>();
  let accepted = 0;
  let heard = '';
  const server = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    const auth = [...(manners.auth ?? ['DATA\r\n', 'OK 0123456789abcdef\r\n'])];
    let serial = 0;
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      heard += text;
      for (const _ of text.matchAll(/AUTH EXTERNAL\r\n|DATA\r\n/g)) {
        const line = auth.shift();
        if (line !== undefined) socket.write(line);
      }
      for (const [method] of text.matchAll(/Hello|AddMatch|GetNameOwner/g)) {
        serial++;
        if (method !== manners.ignores) socket.write(answer(method, serial, manners));
      }
    });
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    address: `unix:path=${path}`,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    get heard() {
      return heard;
    },
    send: (bytes) => {
      for (const socket of sockets) socket.write(bytes);
    },
    hangUp: () => {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The bus says that logind's name, or another, went from one connection to the other. */
export function ownerChanged(
  from: string,
  to: string,
  { sender = BUS, name = 'org.freedesktop.login1' } = {},
): Uint8Array {
  const names: Value[] = [name, from, to].map((text) => ['s', text]);
  const path = '/org/freedesktop/DBus';
  return dbusSignal({ sender, path, interface: BUS, member: 'NameOwnerChanged' }, names);
}

function answer(method: string, serial: number, manners: BusManners): Uint8Array {
  const common = [
    [5, 'u', serial],
    [7, 's', BUS],
  ] as const;
  if (method === manners.refuses) {
    return dbusMessage({ type: 3, fields: [...common, [4, 's', 'org.freedesktop.DBus.Error.X']] });
  }
  if (method === 'AddMatch') return dbusMessage({ type: 2, fields: common });
  const body: Value[] = [['s', method === 'Hello' ? ':1.42' : LOGIN]];
  return dbusMessage({ type: 2, fields: [...common, [8, 'g', 's']], body });
}
