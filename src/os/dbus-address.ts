/**
 * Where the system bus listens.
 *
 * Source: D-Bus Specification, "Server Addresses" and "System message bus".
 */

/** The specification's is the second; the first is where it is when `/var/run` is no link to it. */
const DEFAULT_ADDRESS =
  'unix:path=/run/dbus/system_bus_socket;unix:path=/var/run/dbus/system_bus_socket';

/** The address list of the system bus. */
export function systemBusAddress(): string {
  return process.env['DBUS_SYSTEM_BUS_ADDRESS'] || DEFAULT_ADDRESS;
}

/**
 * The Unix sockets of an address list, in its order, as `node:net` names them: an abstract one
 * starts with a zero. Other transports, which do not tell the bus who we are, and what is malformed
 * are left out.
 */
export function socketPaths(addresses: string): string[] {
  return addresses.split(';').flatMap((address) => {
    if (!address.startsWith('unix:')) return [];
    const pairs = address.slice('unix:'.length).split(',');
    const path = unescaped(pairs, 'path=');
    const abstract = unescaped(pairs, 'abstract=');
    if (path) return [path];
    return abstract ? [`\0${abstract}`] : [];
  });
}

/** The value of a key, unescaped; undefined when it is not there, or cannot be part of a name. */
function unescaped(pairs: readonly string[], key: string): string | undefined {
  const escaped = pairs.find((pair) => pair.startsWith(key))?.slice(key.length);
  if (escaped === undefined) return undefined;
  try {
    const value = decodeURIComponent(escaped);
    return value.includes('\0') ? undefined : value;
  } catch {
    return undefined;
  }
}
