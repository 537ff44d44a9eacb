/** Forwards on an event loop, in both directions, and looks at every packet's header. */

import { offload, openBoth } from './adapters.ts';
import { forward, Inspector } from './forward.ts';

const [a, b] = await openBoth();
const deviceA = a.openDevice();
const deviceB = b.openDevice();
const inspector = new Inspector(offload === 'carry');
void forward(deviceA, deviceB, inspector);
void forward(deviceB, deviceA, inspector);
console.log('ready');
