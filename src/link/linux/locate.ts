/**
 * Where the device of a descriptor is. The kernel tells its network namespace to whom has CAP_NET_ADMIN
 * in it (TUNGETDEVNETNS). For everybody else there is the carrier: what is set through the descriptor
 * shows in rtnetlink, if it is the same device.
 */

import { isTunError, TunErrorCode } from '../../errors.ts';
import { libc } from '../../os/libc.ts';
import { inNamespace, isPresentNamespace } from '../../os/namespaces.ts';
import { NetlinkSocket } from '../../os/netlink-socket.ts';
import { readLink } from './device-state.ts';
import { getDeviceNamespace, setCarrier, TunFlag, type TunInterface } from './tun-requests.ts';

/**
 * Runs `visit` in the network namespace that the device is in, with its interface index; where that
 * is another which this process may not enter, in the present one and without.
 */
export function visitDevice<T>(
  fd: number,
  device: TunInterface,
  visit: (index: number | undefined) => T,
): T {
  const namespace = getDeviceNamespace(fd);
  if (namespace < 0) return visit(indexByCarrier(fd, device));
  try {
    if (isPresentNamespace(namespace)) return visit(indexOf(device));
    return visitNamespace(namespace, device, visit);
  } finally {
    libc().close(namespace);
  }
}

function visitNamespace<T>(
  namespace: number,
  device: TunInterface,
  visit: (index: number | undefined) => T,
): T {
  let entered = false;
  try {
    return inNamespace(namespace, `that of "${device.name}"`, () => {
      entered = true;
      return visit(indexOf(device));
    });
  } catch (error) {
    if (entered || !isTunError(error, TunErrorCode.NETNS)) throw error;
    return visit(undefined);
  }
}

/** Undefined when it was renamed or removed this moment. */
function indexOf({ name }: TunInterface): number | undefined {
  const index = libc().ifNameToIndex(name);
  return index === 0 ? undefined : index;
}

/** The index in the present namespace, if what has the name there is the device. */
function indexByCarrier(fd: number, device: TunInterface): number | undefined {
  const index = indexOf(device);
  if (index === undefined) return undefined;
  const socket = NetlinkSocket.open();
  try {
    const link = readLink(socket, index);
    const persistent = (device.flags & TunFlag.PERSIST) !== 0;
    if (link.tun?.type !== 'tun' || link.tun.persistent !== persistent) return undefined;
    // There and back, so that chance is no proof, and in the end as it was.
    for (const carrier of [!link.carrier, link.carrier]) {
      setCarrier(fd, carrier);
      if (readLink(socket, index).carrier === carrier) continue;
      setCarrier(fd, true);
      return undefined;
    }
    return index;
  } catch (error) {
    if (isTunError(error, TunErrorCode.ADAPTER_REMOVED)) return undefined;
    throw error;
  } finally {
    socket.close();
  }
}
