/**
 * IP addresses and networks as people write them.
 *
 * @module
 */

import { isIP, isIPv4 } from 'node:net';

/** An address with the number of leading bits that count. */
export interface Network {
  readonly address: string;
  readonly prefixBits: number;
  readonly family: 'ipv4' | 'ipv6';
}

const NETWORK = /^([0-9A-Fa-f:.]+)(?:\/(0|[1-9][0-9]{0,2}))?$/;
const MAPPED = /^::ffff:/i;
const WITH_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?$/;

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; undefined when the text is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', bits] = NETWORK.exec(text) ?? [];
  const version = isIP(address);
  // Peers of a dual-stack socket are compared in their IPv4 form: this would never match.
  if (version === 0 || MAPPED.test(address)) return undefined;
  const bitsMax = version === 4 ? 32 : 128;
  const prefixBits = bits === undefined ? bitsMax : Number(bits);
  if (prefixBits > bitsMax) return undefined;
  return { address, prefixBits, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/**
 * Reads an address as proxies write it, with or without brackets and port; undefined for anything
 * else, such as `unknown` or a name.
 */
export function parseForwardedAddress(text: string): string | undefined {
  const [, bracketed, plain] = WITH_PORT.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  if (isIP(address) === 0) return undefined;
  const mapped = MAPPED.test(address) ? address.slice(7) : '';
  return isIPv4(mapped) ? mapped : address;
}
