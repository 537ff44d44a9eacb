/** Likely causes of a failed check, from what the system says about itself. */

import { readdirSync, readFileSync } from 'node:fs';
import type { DemoLink } from './rungs.ts';

const IPV4_CONF = '/proc/sys/net/ipv4/conf';
/** `rp_filter` 1: packets whose source would be routed another way are dropped (RFC 3704, strict). */
const STRICT = '1';

/** One line each, most likely first. Never throws. */
export function likelyCauses(link: DemoLink): string[] {
  if (link === 'memory') return ['a bug in typetun: nothing outside this process is involved'];
  if (link === 'windows') {
    return [
      'a firewall that drops what comes in by a new, public network (Windows Defender Firewall does)',
      'another interface or route with the same network ("route print")',
    ];
  }
  const causes: string[] = [];
  const strict = interfacesWith('rp_filter', STRICT);
  if (strict.length > 0) {
    causes.push(
      `strict reverse path filtering on ${strict.join(', ')} (sysctl net.ipv4.conf.all.rp_filter=2 loosens it)`,
    );
  }
  causes.push(
    'a firewall that drops what comes in by a new interface ("nft list ruleset", "iptables -S")',
    'another interface or route with the same network ("ip route")',
    'another program that configures new interfaces (NetworkManager, a VPN client)',
  );
  return causes;
}

function interfacesWith(setting: string, value: string): string[] {
  try {
    return readdirSync(IPV4_CONF).filter((name) => {
      return readFileSync(`${IPV4_CONF}/${name}/${setting}`, 'utf8').trim() === value;
    });
  } catch {
    // No such files on this system: then this is not the cause.
    return [];
  }
}
