/** Refused namespaces: each known error with its remedy. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainRefusal, type NamespaceSettings } from '#dist/run/refusals.js';

const OPEN: NamespaceSettings = {
  unprivilegedClone: undefined,
  apparmorRestricts: undefined,
  mostUserNamespaces: '15000',
  mostNetworkNamespaces: '15000',
  seccomp: '0',
};

const CASES: readonly (readonly [string, Partial<NamespaceSettings>, RegExp])[] = [
  [
    'unshare: unshare failed: Operation not permitted',
    { unprivilegedClone: '0' },
    /only root may .*kernel\.unprivileged_userns_clone=1/,
  ],
  [
    'unshare: write failed /proc/self/uid_map: Operation not permitted',
    { apparmorRestricts: '1' },
    /AppArmor .*kernel\.apparmor_restrict_unprivileged_userns=0/,
  ],
  [
    'unshare: unshare failed: Operation not permitted',
    { seccomp: '2' },
    /seccomp filter .*--security-opt/,
  ],
  ['unshare: unshare failed: Operation not permitted', {}, /security module .* or .*container/],
  [
    'unshare: cannot open /proc/self/setgroups: Permission denied',
    {},
    /security module .* or .*container/,
  ],
  [
    'unshare: unshare failed: No space left on device',
    { mostUserNamespaces: '0' },
    /switched off .*user\.max_user_namespaces=/,
  ],
  [
    'unshare: unshare failed: No space left on device',
    { mostNetworkNamespaces: '0' },
    /switched off .*user\.max_net_namespaces=/,
  ],
  ['unshare: unshare failed: Too many users', {}, /a limit is reached: of user namespaces 15000/],
  ['unshare: unshare failed: Invalid argument', {}, /CONFIG_USER_NS/],
  ['unshare: unshare failed: Function not implemented', {}, /no namespaces at all/],
  ["unshare: unrecognized option: 'U'", {}, /install util-linux/],
  ['unshare: something else', {}, /typetun doctor/],
  ['', {}, /^it ended without a word; /],
];

for (const [complaint, settings, message] of CASES) {
  test(`"${complaint}" with ${JSON.stringify(settings)} has its remedy`, () => {
    const said = explainRefusal(complaint === '' ? '\n' : `${complaint}\nmore\n`, {
      ...OPEN,
      ...settings,
    });
    assert.match(said, message);
    assert.ok(said.startsWith(complaint === '' ? 'it ended' : `"${complaint}"; `));
  });
}
