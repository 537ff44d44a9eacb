/** Server-sent events over fetch: `EventSource` shows no token. */

const RETRY_MS = 2000;
const UNAUTHORIZED = 401;

export interface StreamListener {
  /** The headers to ask with. */
  headers(): Record<string, string>;
  event(name: string, data: unknown): void;
  /** The connection is there, or it is not. */
  live(isLive: boolean): void;
  /** The token is missing or wrong; resolves when there is another. */
  refused(): Promise<void>;
}

/** Listens for ever, and again after each end. */
export async function listen(path: string, listener: StreamListener): Promise<never> {
  for (;;) {
    try {
      const response = await fetch(path, { headers: listener.headers() });
      if (response.status === UNAUTHORIZED) {
        await listener.refused();
        continue;
      }
      if (response.ok && response.body !== null) await read(response.body, listener);
    } catch {
      // The host has ended, or the network: it is tried again.
    }
    listener.live(false);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function read(body: ReadableStream<Uint8Array>, listener: StreamListener): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let held = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (held + decoder.decode(value, { stream: true })).split('\n\n');
    held = blocks.pop()!;
    for (const block of blocks) {
      const name = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (name === undefined || data === undefined) continue;
      listener.live(true);
      listener.event(name, JSON.parse(data));
    }
  }
}
