/**
 * What proxies say about the request they passed on: `X-Forwarded-*` and `Forwarded`.
 *
 * Anybody can send these headers, so only those of trusted peers are read, from the right: that is
 * the end where the nearest proxy added its own. `Forwarded` counts only when there is none of the
 * others, whichever way a client may have added it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7239
 * @module
 */

import { parseForwardedAddress } from '../util/network.js';

/** What a trusted proxy says; undefined when it says nothing, or nothing that makes sense. */
export interface Forwarding {
  /** The client, or the first proxy on the way from it that is not trusted. */
  readonly clientAddress: string;
  /** As the client sent it. */
  readonly host: string | undefined;
  readonly scheme: 'http' | 'https' | undefined;
}

interface Hop {
  readonly address: string | undefined;
  readonly host: string | undefined;
  readonly scheme: string | undefined;
}

const HOST_CHARS_MAX = 260;
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?$/;
const FORWARDED_TOKEN = /[ \t]*(?:([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]*)|([;,]))[ \t]*/y;

/**
 * Reads the headers of a request from `peer`.
 *
 * @param isTrusted - says whether an address is that of a trusted proxy.
 * @returns undefined when the peer is not trusted.
 */
export function readForwarding(
  headers: ReadonlyMap<string, string>,
  peer: string,
  isTrusted: (address: string) => boolean,
): Forwarding | undefined {
  if (!isTrusted(peer)) return undefined;
  const addresses = headers.get('x-forwarded-for');
  const host = lastOf(headers.get('x-forwarded-host'));
  const scheme = lastOf(headers.get('x-forwarded-proto'));
  if (addresses !== undefined || host !== undefined || scheme !== undefined) {
    const hops = listOf(addresses).map((address) => ({ address, host, scheme }));
    const { clientAddress } = walk(hops, peer, isTrusted);
    return { clientAddress, ...checked(host, scheme) };
  }
  const hops = parseForwarded(headers.get('forwarded') ?? '') ?? [];
  const { clientAddress, hop } = walk(hops, peer, isTrusted);
  return { clientAddress, ...checked(hop?.host, hop?.scheme) };
}

/** Goes back from the peer as long as the way is known and trusted. */
function walk(
  hops: readonly Hop[],
  peer: string,
  isTrusted: (address: string) => boolean,
): { readonly clientAddress: string; readonly hop: Hop | undefined } {
  let clientAddress = peer;
  let hop: Hop | undefined;
  for (let index = hops.length - 1; index >= 0 && isTrusted(clientAddress); index -= 1) {
    hop = hops[index];
    const address = parseForwardedAddress(hop?.address ?? '');
    if (address === undefined) break;
    clientAddress = address;
  }
  return { clientAddress, hop };
}

function checked(
  host: string | undefined,
  scheme: string | undefined,
): Pick<Forwarding, 'host' | 'scheme'> {
  const isHost = host !== undefined && host.length <= HOST_CHARS_MAX && HOST.test(host);
  const lowerScheme = scheme?.toLowerCase();
  return {
    host: isHost ? host : undefined,
    scheme: lowerScheme === 'http' || lowerScheme === 'https' ? lowerScheme : undefined,
  };
}

/** Elements of a `Forwarded` header in order; undefined when it is malformed. */
function parseForwarded(text: string): Hop[] | undefined {
  const hops: Hop[] = [];
  let pairs = new Map<string, string>();
  FORWARDED_TOKEN.lastIndex = 0;
  while (FORWARDED_TOKEN.lastIndex < text.length) {
    const match = FORWARDED_TOKEN.exec(text);
    if (match === null) return undefined;
    const [, name, value = '', separator] = match;
    if (name !== undefined) pairs.set(name.toLowerCase(), unquoted(value));
    if (separator !== ',') continue;
    hops.push(hopOf(pairs));
    pairs = new Map();
  }
  hops.push(hopOf(pairs));
  return hops;
}

function hopOf(pairs: ReadonlyMap<string, string>): Hop {
  return { address: pairs.get('for'), host: pairs.get('host'), scheme: pairs.get('proto') };
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value;
}

function listOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').map((entry) => entry.trim());
}

function lastOf(text: string | undefined): string | undefined {
  return listOf(text).at(-1);
}
