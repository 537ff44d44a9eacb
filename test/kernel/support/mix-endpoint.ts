/**
 * One end of the transfer mix, in a namespace of its own:
 *
 *   mix-endpoint.js serve PORT                       says "ready", serves until its input ends
 *   mix-endpoint.js transfer PORT TCP UDP HOST ...   that many bytes each way with each host; prints JSON
 *
 * TCP: both sides hash what they send and what they get. UDP: each datagram is made from its number, sent
 * back by the server, and compared by both.
 */

import { createHash, type Hash } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, isIPv6, type Socket } from 'node:net';
import { below, Random } from '#dist/link/memory/random.js';

/** What came of it. */
export interface MixOutcome {
  readonly tcp: readonly {
    readonly host: string;
    readonly sent: string;
    readonly arrived: string;
    readonly sentBack: string;
    readonly arrivedBack: string;
  }[];
  readonly udp: { readonly sent: number; readonly received: number; readonly wrong: number };
}

const BLOCK_BYTES = 0x10000;
const NUMBER_BYTES = 4;
/** Datagrams that wait for their return at a time, and how long, in ms. */
const LANES = 16;
const PATIENCE_MS = 100;
/** Up to some fragments of 1500 bytes. */
const MOST_UDP_BYTES = 6000;

const noise = bytesOf(1, 2 * BLOCK_BYTES);

function bytesOf(seed: number, length: number): Buffer {
  const random = new Random(seed, 0);
  return Buffer.from(Array.from({ length }, () => below(random.next(), 256)));
}

/** Sends `total` bytes, in which every block differs; returns their hash when all are handed over. */
async function sendBlocks(socket: Socket, total: number): Promise<string> {
  const hash = createHash('sha256');
  for (let sent = 0; sent < total; sent += BLOCK_BYTES) {
    const block = Buffer.from(noise.subarray(sent % 997, (sent % 997) + BLOCK_BYTES));
    block.writeUInt32BE(sent / BLOCK_BYTES);
    const part = block.subarray(0, Math.min(BLOCK_BYTES, total - sent));
    hash.update(part);
    if (!socket.write(part)) await once(socket, 'drain');
  }
  return hash.digest('hex');
}

/** The next `length` bytes, then what comes behind them. */
async function receive(socket: Socket, length: number, hash?: Hash): Promise<Buffer> {
  const kept: Buffer[] = [];
  for (let left = length; left > 0; ) {
    const chunk = socket.read(Math.min(left, socket.readableLength)) as Buffer | null;
    if (chunk === null) {
      if (socket.readableEnded) throw new Error(`the stream ended ${left} bytes too early`);
      await once(socket, 'readable');
      continue;
    }
    left -= chunk.length;
    if (hash === undefined) kept.push(chunk);
    else hash.update(chunk);
  }
  return Buffer.concat(kept);
}

async function receiveHash(socket: Socket, length: number): Promise<string> {
  const hash = createHash('sha256');
  await receive(socket, length, hash);
  return hash.digest('hex');
}

/** Gets so many bytes, sends as many, and then says the two hashes. */
async function serveStream(socket: Socket): Promise<void> {
  const total = Number((await receive(socket, 16)).toString());
  const [arrived, sentBack] = await Promise.all([
    receiveHash(socket, total),
    sendBlocks(socket, total),
  ]);
  socket.end(arrived + sentBack);
}

async function transferStream(
  host: string,
  port: number,
  total: number,
): Promise<MixOutcome['tcp'][number]> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  socket.write(String(total).padStart(16));
  const [sent, arrivedBack] = await Promise.all([
    sendBlocks(socket, total),
    receiveHash(socket, total),
  ]);
  const hashes = (await receive(socket, 128)).toString();
  socket.end();
  const [arrived, sentBack] = [hashes.slice(0, 64), hashes.slice(64)];
  return { host, sent, arrived, sentBack, arrivedBack };
}

function datagram(number: number): Buffer {
  const length = NUMBER_BYTES + ((number * 7919) % (MOST_UDP_BYTES - NUMBER_BYTES));
  const bytes = Buffer.from(noise.subarray(number % BLOCK_BYTES, (number % BLOCK_BYTES) + length));
  bytes.writeUInt32BE(number);
  return bytes;
}

/** Whether it is one that the other end makes. */
function isRight(bytes: Buffer): boolean {
  return bytes.length >= NUMBER_BYTES && datagram(bytes.readUInt32BE()).equals(bytes);
}

/** Sends `total` bytes as datagrams and waits for each to come back, or not. */
async function transferDatagrams(
  host: string,
  port: number,
  total: number,
): Promise<MixOutcome['udp']> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const waiting = new Map<number, () => void>();
  let [sent, bytes, received, wrong] = [0, 0, 0, 0];
  socket.on('message', (message) => {
    if (message.length > 0 && isRight(message)) {
      received++;
      waiting.get(message.readUInt32BE())?.();
    } else wrong++;
  });
  const lane = async (): Promise<void> => {
    while (bytes < total) {
      const number = sent++;
      const message = datagram(number);
      bytes += message.length;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS);
        waiting.set(number, () => {
          clearTimeout(timer);
          resolve();
        });
        socket.send(message, port, host);
      });
      waiting.delete(number);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const wrongThere = await wrongAtServer(socket, host, port);
  socket.close();
  return { sent, received, wrong: wrong + wrongThere };
}

/** Asks, by an empty datagram, how many wrong ones the server got. */
async function wrongAtServer(socket: UdpSocket, host: string, port: number): Promise<number> {
  for (;;) {
    socket.removeAllListeners('message');
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(500) });
    socket.send(Buffer.alloc(0), port, host);
    try {
      const [message] = (await answer) as [Buffer];
      // Late ones may be in between.
      const text = message.toString('latin1');
      if (/^wrong \d+$/.test(text)) return Number(text.slice(6));
    } catch {
      // Lost: once more.
    }
  }
}

async function serve(port: number): Promise<void> {
  const tcp = createServer({ allowHalfOpen: true }, (socket) => {
    serveStream(socket).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
  const udp = createSocket('udp6');
  let wrong = 0;
  udp.on('message', (message, from) => {
    if (message.length === 0) {
      udp.send(`wrong ${wrong}`, from.port, from.address);
      return;
    }
    if (!isRight(message)) wrong++;
    udp.send(message, from.port, from.address);
  });
  await Promise.all([
    new Promise<void>((resolve) => tcp.listen(port, '::', resolve)),
    new Promise<void>((resolve) => udp.bind(port, '::', resolve)),
  ]);
  console.log('ready');
  process.stdin.resume().on('end', () => process.exit(0));
}

const [, , role, port = '', tcpBytes = '', udpBytes = '', ...hosts] = process.argv;
if (role === 'serve') await serve(Number(port));
else if (role === 'transfer') {
  const [tcp, udp] = await Promise.all([
    Promise.all(hosts.map((host) => transferStream(host, Number(port), Number(tcpBytes)))),
    Promise.all(hosts.map((host) => transferDatagrams(host, Number(port), Number(udpBytes)))),
  ]);
  const sum = (of: (one: MixOutcome['udp']) => number): number =>
    udp.reduce((total, one) => total + of(one), 0);
  const outcome: MixOutcome = {
    tcp,
    udp: {
      sent: sum((one) => one.sent),
      received: sum((one) => one.received),
      wrong: sum((one) => one.wrong),
    },
  };
  console.log(JSON.stringify(outcome));
}
