/**
 * Who may ask at all. A browser lends any page it shows its way to this machine, so a request must have been made by
 * hand or by a page of ours:
 *
 * - DNS rebinding makes a foreign name point here. Such a request bears the name in `Host`; ours bear an address.
 * - A foreign page's own requests bear its `Origin`, or say `cross-site` (Fetch Metadata).
 */

import { isIP } from 'node:net';

/** The headers that tell. */
export interface AskingHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
  readonly 'sec-fetch-mode'?: string | string[] | undefined;
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: number;
  /** For counters and the log. */
  readonly reason: string;
  /** For whoever asked: one line, with the remedy. */
  readonly message: string;
}

const MISDIRECTED = 421;
const FORBIDDEN = 403;
/** An address in brackets or without, or a name; then perhaps a port. */
const HOST = /^(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<name>[a-z0-9.-]+))(?::\d{1,5})?$/i;
const LOCALHOST = 'localhost';
const OWN_SITES: readonly (string | undefined)[] = [undefined, 'same-origin', 'none'];

/** What is wrong with who asks; undefined when nothing is. */
export function refusalOf(headers: AskingHeaders, method: string): Refusal | undefined {
  const { host = '', origin } = headers;
  if (!isOwnHost(host)) {
    return {
      status: MISDIRECTED,
      reason: 'host',
      message:
        'ask by an address or as localhost: other names are refused, as any page could make one point here',
    };
  }
  const site = headers['sec-fetch-site'];
  const isLink = method === 'GET' && headers['sec-fetch-mode'] === 'navigate';
  const isForeign = !OWN_SITES.includes(site?.toString()) && !isLink;
  if (
    isForeign ||
    (origin !== undefined && origin.toLowerCase() !== `http://${host}`.toLowerCase())
  ) {
    const message = 'the request was made by a page of another origin';
    return { status: FORBIDDEN, reason: 'origin', message };
  }
  return undefined;
}

function isOwnHost(host: string): boolean {
  const { ipv6, name } = HOST.exec(host)?.groups ?? {};
  if (ipv6 !== undefined) return isIP(ipv6) === 6;
  return name !== undefined && (isIP(name) === 4 || name.toLowerCase() === LOCALHOST);
}
