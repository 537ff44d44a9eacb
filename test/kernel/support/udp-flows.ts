/**
 * Many UDP flows at once out of one process in a namespace, to something that reflects them: what a
 * flow gets back, and in which order.
 */

import { spawn } from 'node:child_process';

/** What the flows saw, added up. */
export interface FlowsSeen {
  readonly sent: number;
  readonly received: number;
  /** Replies that overtook another of their flow. */
  readonly disordered: number;
  /** Flows of which nothing came back within the last fifth of the time. */
  readonly silentAtEnd: number;
}

const PROGRAM = `
  const dgram = require('node:dgram');
  const [flows, milliseconds] = process.argv.slice(1).map(Number);
  const BURST = 4;
  const end = performance.now() + milliseconds;
  const seen = { sent: 0, received: 0, disordered: 0, silentAtEnd: 0 };
  const flow = () => new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    const payload = Buffer.alloc(32);
    let next = 0, last = -1, lastAt = 0, timer, ended = false;
    const burst = () => {
      // An answer may come after the end, and ask for more.
      if (ended) return;
      if (next > 0 && performance.now() >= end) {
        ended = true;
        if (lastAt < end - milliseconds / 5) seen.silentAtEnd++;
        setTimeout(() => { socket.close(); resolve(); }, 300);
        return;
      }
      for (let i = 0; i < BURST; i++) {
        payload.writeUInt32BE(next++, 0);
        socket.send(Buffer.from(payload), 4000, '10.7.0.2');
        seen.sent++;
      }
      clearTimeout(timer);
      timer = setTimeout(burst, 100);
    };
    socket.on('message', (message) => {
      const number = message.readUInt32BE(0);
      seen.received++;
      if (number <= last) seen.disordered++;
      last = number;
      lastAt = performance.now();
      if (number === next - 1) { clearTimeout(timer); timer = setTimeout(burst, 2); }
    });
    socket.bind(0, '10.7.0.1', burst);
  });
  Promise.all(Array.from({ length: flows }, flow)).then(() => console.log(JSON.stringify(seen)));
`;

/** Runs `flows` flows for so long, each with 4 datagrams at least. The adapter's address is 10.7.0.1/24. */
export async function runFlows(
  netns: string,
  flows: number,
  milliseconds: number,
): Promise<FlowsSeen> {
  const node = [process.execPath, '-e', PROGRAM, String(flows), String(milliseconds)];
  const child = spawn('ip', ['netns', 'exec', netns, ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (text: Buffer) => {
    printed += text.toString();
  });
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (status !== 0) throw new Error(`the flows ended with ${String(status)}`);
  return JSON.parse(printed) as FlowsSeen;
}
