/** What macOS allows. Written from its documentation, not verified on one. */

import type { Finding } from './finding.ts';

export function macosFindings(): Finding[] {
  const root = process.getuid?.() === 0;
  return [
    {
      name: 'root',
      ok: root,
      detail: root ? 'this is root, who may make utun interfaces' : 'utun interfaces take root',
      ...(root ? {} : { remedy: 'sudo' }),
    },
    {
      name: 'macos',
      ok: undefined,
      detail:
        'this link is experimental: nobody has run it on a Mac yet; addresses and routes are left to ifconfig and route',
    },
  ];
}
