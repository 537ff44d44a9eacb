/** A control socket in front of a stand-in for a host. */

import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { isTunError } from 'typetun';
import { CONTROL_SOCKET, type Control, type ControlMethod } from 'typetun/service';

export interface ControlSocket extends AsyncDisposable {
  /** Ends all connections, as a host does that was killed. */
  drop(): void;
}

/** Answers at the control socket in `folder` as `control` does. */
export async function serveControl(control: Control, folder: string): Promise<ControlSocket> {
  const sockets = new Set<Socket>();
  const call = control.call.bind(control) as (
    method: ControlMethod,
    params: unknown,
  ) => Promise<unknown>;
  const unsubscribe = await control.subscribe((event) => {
    const line = JSON.stringify({ jsonrpc: '2.0', method: 'event', params: event });
    for (const socket of sockets) socket.write(`${line}\n`);
  });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let held = '';
    socket.on('data', (data) => {
      const lines = (held + data.toString()).split('\n');
      held = lines.pop()!;
      for (const line of lines) void answer(socket, line);
    });
  });
  const answer = async (socket: Socket, line: string): Promise<void> => {
    const { id, method, params } = JSON.parse(line) as {
      id: number;
      method: ControlMethod;
      params: unknown;
    };
    const reply = (message: object): void =>
      void socket.write(`${JSON.stringify({ id, ...message })}\n`);
    if (method === 'events.subscribe') return reply({ result: {} });
    try {
      reply({ result: await call(method, params) });
    } catch (error) {
      const { message } = error as Error;
      const data = isTunError(error) ? { type: 'TunError', code: error.code } : { type: 'Error' };
      reply({ error: { code: -32_000, message, data } });
    }
  };
  await new Promise<void>((resolve) => server.listen(join(folder, CONTROL_SOCKET), resolve));
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    drop,
    async [Symbol.asyncDispose]() {
      unsubscribe();
      drop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
