/** The two adapters a forwarder of ours connects: `forwarder.js NETNS-A NETNS-B OFFLOAD [MTU]`. */

import { Adapter, type Offload } from 'typetun';

const [, , netnsA = '', netnsB = '', offloadName = 'split', mtu = '1500'] = process.argv;

export const offload = offloadName as Offload;

/** Makes both, as the rig expects them. */
export async function openBoth(): Promise<[Adapter, Adapter]> {
  const common = { name: 'bench0', offload, mtu: Number(mtu) };
  return [
    await Adapter.create({ ...common, addresses: ['10.60.0.1/24', 'fd60::1/64'], netns: netnsA }),
    await Adapter.create({ ...common, addresses: ['10.60.0.2/24', 'fd60::2/64'], netns: netnsB }),
  ];
}
