/** A resolv.conf(5) for the command, in a folder of its own for as long as it takes to lay it over the system's. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = 'resolv.conf';

export class ResolverFile {
  /** Undefined when no servers were given: then there is nothing to lay. */
  readonly path: string | undefined;
  readonly #folder: string | undefined;

  /** `servers` are addresses; none of them means that the command is to find no server. */
  constructor(servers: readonly string[] | undefined) {
    if (servers === undefined) return;
    this.#folder = mkdtempSync(join(tmpdir(), 'typetun-run-'));
    this.path = join(this.#folder, NAME);
    writeFileSync(this.path, servers.map((server) => `nameserver ${server}\n`).join(''));
  }

  [Symbol.dispose](): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}
