/** Whether adapters can be had without privileges: in a user namespace. */

import { whyNoNamespace } from '../demo/rungs.ts';
import { type Finding, missing } from './finding.ts';

/** The proof: a command run in a network of its own, with an adapter, as "typetun run" does. */
export async function rootlessLink(): Promise<Finding> {
  const name = 'link-rootless';
  const refused = await whyNoNamespace();
  return refused === undefined
    ? { name, ok: true, detail: 'a command ran in a network of its own, in a user namespace' }
    : missing(name, refused);
}

/** The rung that is not there yet. */
export function rootlessVeth(): Finding {
  return {
    name: 'link-veth',
    ok: undefined,
    detail: 'a way without privileges and without /dev/net/tun is not part of this release',
  };
}
