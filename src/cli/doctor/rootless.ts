/** Whether adapters can be had without privileges: in a user namespace. */

import { type InsideLink, whyNoNamespace } from '../demo/rungs.ts';
import { type Finding, missing } from './finding.ts';

/** How each way is described when it works. */
const HOW: Readonly<Record<InsideLink, string>> = {
  rootless: 'in a user namespace',
  veth: 'in a user namespace, without /dev/net/tun',
};

/** The proof: a command run in a network of its own, with an adapter, as "typetun run" does. */
export async function unprivilegedLink(rung: InsideLink): Promise<Finding> {
  const name = `link-${rung}`;
  const refused = await whyNoNamespace(rung);
  return refused === undefined
    ? { name, ok: true, detail: `a command ran in a network of its own, ${HOW[rung]}` }
    : missing(name, refused);
}
