/**
 * Compiles the product and the bench and runs it: `npm run bench` (bench/bench.ts says with what).
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildProduct, compile } from './lib/compile.mjs';
import { ROOT } from './lib/project.mjs';
import { explained, helpIfWanted } from './lib/usage.mjs';

const USAGE = `usage: npm run bench [-- OPTIONS]

What passes through an adapter, next to references in the same run. As root on Linux, with iperf3, and
a C compiler for most of the references. Everything takes half an hour and writes bench/results/.

  --quick           the main figures in under a minute, indicative
  --only PART       throughput, latency, allocation, many, peers, scale or micro; may be given again
  --candidate ID    between these alone, such as r1, off, split, carry; may be given again
  --rounds N        how often each is measured; default 9, with --quick 1
  --json FILE       writes the result there as well`;

const compiled = join(ROOT, 'build', 'bench', 'bench.js');

helpIfWanted(USAGE);
if (process.getuid?.() !== 0) {
  console.error(
    'The bench makes network namespaces and adapters in them: run it as root, on Linux (sudo npm run bench -- --quick).',
  );
  process.exitCode = 1;
} else if (buildProduct({ say: (text) => console.error(text) }) === 'failed') {
  console.error('The product does not compile: see the compiler errors above.');
  process.exitCode = 1;
} else if (!compile('bench') || !existsSync(compiled)) {
  console.error('The bench does not compile: see the compiler errors above.');
  process.exitCode = 1;
} else {
  await explained(USAGE, () => import(pathToFileURL(compiled).href));
}
