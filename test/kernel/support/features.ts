/** What the kernel leaves to the reader of a device, as ethtool would show it. */

import assert from 'node:assert/strict';
import { addressOf } from '#dist/os/address.js';
import { libc } from '#dist/os/libc.js';
import { inNetworkNamespace } from '#dist/os/namespaces.js';

/** Whether the kernel would hand over TCP super-packets, and leave checksums to the reader. */
export function features(netns: string, name: string): number[] {
  const siocethtool = 0x8946;
  return [0x1e, 0x16].map((command) =>
    inNetworkNamespace(netns, () => {
      const value = new Uint32Array([command, 99]);
      const request = Buffer.alloc(40);
      request.write(name);
      request.writeBigUInt64LE(BigInt(addressOf(value)), 16);
      const socket = libc().socket(2, 2, 0);
      assert.equal(libc().ioctl(socket, siocethtool, request), 0);
      libc().close(socket);
      return value[1]!;
    }),
  );
}
