/** The same on the event loop of a worker thread. */

import { Worker } from 'node:worker_threads';

new Worker(new URL('./event-loop.js', import.meta.url), { argv: process.argv.slice(2) });
