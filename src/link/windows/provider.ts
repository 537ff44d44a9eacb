/** Opens the Windows link: loads the DLL, makes the adapter, configures it, and undoes it all on failure. */

import { createHash, randomBytes } from 'node:crypto';
import { TunError, TunErrorCode } from '../../errors.ts';
import { MAX_RING_BYTES, MIN_RING_BYTES } from '../../limits.ts';
import { IpHelper } from '../../os/ip-helper.ts';
import { kernel32, WinError, winErrorName } from '../../os/win32.ts';
import type { Link, LinkConfig, LinkProvider } from '../link.ts';
import { WindowsControl } from './control.ts';
import { guidBytes, hyphenated } from './guid.ts';
import { waitForRows } from './interface-rows.ts';
import { Session } from './session.ts';
import { type AdapterHandle, WindowsLink } from './windows-link.ts';
import { loadWintun, type Wintun } from './wintun.ts';

/** What Windows shows as the kind of adapter: "typetun Tunnel". */
export const TUNNEL_TYPE = 'typetun';

/** Bytes of the random part of a name, and of a GUID. */
const NAME_BYTES = 4;
const GUID_BYTES = 16;
/** A packet in the ring: its size in front, and all on 4 bytes (wintun's README, "Usage"). */
const RING_HEADER_BYTES = 4;

/** Libraries to use in place of the system's own: for tests. */
export interface SystemLibraries {
  readonly iphlpapi?: string;
  readonly powrprof?: string;
}

/** `wintun.dll` as a link provider. */
export function windowsLink(libraries: SystemLibraries = {}): LinkProvider {
  return { name: 'windows', open: (config) => openAdapter(config, libraries) };
}

async function openAdapter(config: LinkConfig, libraries: SystemLibraries): Promise<Link> {
  refuseUnknown(config);
  const options = config.wintun ?? {};
  const wintun = loadWintun(options);
  const helper = new IpHelper(libraries.iphlpapi);
  const name = config.name ?? `${TUNNEL_TYPE}-${randomBytes(NAME_BYTES).toString('hex')}`;
  const existing = options.existing === true;
  if (!existing) refuseTakenName(helper, name);
  const handle = existing
    ? openExisting(wintun, name)
    : createNew(wintun, name, options.guid ?? guidFor(config.name));
  const adapter: AdapterHandle = { close: () => wintun.closeAdapter(handle), stays: existing };
  let session: Session | undefined;
  let control: WindowsControl | undefined;
  try {
    const luid = new BigUint64Array(1);
    wintun.getAdapterLuid(handle, luid);
    const families = await waitForRows(helper, luid[0]!);
    session = new Session(wintun, handle, options.ringBytes ?? ringFor(config));
    session.begin();
    control = new WindowsControl(helper, luid[0]!, families, name, config.ipv6LinkLocal);
    const info = control.setUp(config);
    return new WindowsLink(adapter, session, control, info, libraries.powrprof);
  } catch (error) {
    if (existing) control?.clear();
    session?.close();
    await adapter.close();
    throw error;
  }
}

/** Bytes of a ring with room for the host's queue, of packets of the MTU's size. */
export function ringFor({ hostQueueLength, mtu }: LinkConfig): number {
  const wanted = hostQueueLength * (mtu + RING_HEADER_BYTES);
  let bytes = MIN_RING_BYTES;
  while (bytes < wanted && bytes < MAX_RING_BYTES) bytes *= 2;
  return bytes;
}

function refuseUnknown({ netns, offload, persist, owner, group }: LinkConfig): void {
  if (netns !== undefined) {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      `netns is "${netns}", but Windows has no network namespaces; leave it out`,
    );
  }
  if (offload === 'carry') {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      "offload is 'carry', but wintun.dll hands over no super-packets; leave it out, or say 'off'",
    );
  }
  if (persist === true || owner !== undefined || group !== undefined) {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      'an adapter of wintun.dll is gone with the program that made it, and has no owner; leave persist, owner and group out',
    );
  }
}

/** A name of one's own makes a GUID of one's own, so that Windows knows the network again. */
function guidFor(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const hash = createHash('sha256').update(`typetun adapter ${name.toLowerCase()}`).digest();
  return formatGuid(hash.subarray(0, GUID_BYTES));
}

/** Version 8 (of one's own making) and its variant (RFC 9562, sections 4 and 5.8). */
const VERSION_AT = 6;
const VERSION = 0x80;
const VERSION_MASK = 0x0f;
const VARIANT_AT = 8;
const VARIANT = 0x80;
const VARIANT_MASK = 0x3f;

function formatGuid(bytes: Buffer): string {
  bytes[VERSION_AT] = (bytes[VERSION_AT]! & VERSION_MASK) | VERSION;
  bytes[VARIANT_AT] = (bytes[VARIANT_AT]! & VARIANT_MASK) | VARIANT;
  return hyphenated(bytes);
}

function refuseTakenName(helper: IpHelper, name: string): void {
  if (helper.call('aliasToLuid', name, new BigUint64Array(1)) !== WinError.SUCCESS) return;
  throw nameTaken(name);
}

function nameTaken(name: string, errno?: number): TunError {
  return new TunError(
    TunErrorCode.NAME_TAKEN,
    `the interface name "${name}" is taken; choose another, or leave the name out to get a free one`,
    { syscall: 'WintunCreateAdapter', errno },
  );
}

function createNew(wintun: Wintun, name: string, guid: string | undefined): number {
  const bytes = guid === undefined ? null : guidBytes(guid);
  const handle = wintun.createAdapter(name, TUNNEL_TYPE, bytes);
  if (handle !== 0) return handle;
  throw adapterError(kernel32().getLastError(), name, 'WintunCreateAdapter', wintun.path);
}

function openExisting(wintun: Wintun, name: string): number {
  const handle = wintun.openAdapter(name);
  if (handle !== 0) return handle;
  throw adapterError(kernel32().getLastError(), name, 'WintunOpenAdapter', wintun.path);
}

function adapterError(errno: number, name: string, syscall: string, path: string): TunError {
  const details = { syscall, errno };
  if (errno === WinError.ACCESS_DENIED) {
    return new TunError(
      TunErrorCode.NO_PRIVILEGE,
      'making a network adapter takes an administrator; start this program as one ("Run as administrator")',
      details,
    );
  }
  if (errno === WinError.ALREADY_EXISTS || errno === WinError.OBJECT_ALREADY_EXISTS) {
    return nameTaken(name, errno);
  }
  if (errno === WinError.NOT_FOUND || errno === WinError.FILE_NOT_FOUND) {
    return new TunError(
      TunErrorCode.NOT_FOUND,
      `there is no Wintun adapter named "${name}" (${winErrorName(errno)}); leave wintun.existing out to make it`,
      details,
    );
  }
  return new TunError(
    TunErrorCode.NO_DRIVER,
    `${syscall} of ${path} failed for "${name}": ${winErrorName(errno)}; does Windows let drivers be installed?`,
    details,
  );
}
