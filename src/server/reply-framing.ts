/**
 * The parts of an HTTP answer that both transports form alike.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';

import type { HeadRefusal } from './head-guard.js';
import type { TransportBody, TransportReply } from './transport.js';

/** A body that is pulled piece by piece. */
export type StreamBody = Extract<TransportBody, { readonly chunks: unknown }>;

const NO_BYTES = new Uint8Array(0);

const STATUS_TEXTS: readonly string[] = Array.from({ length: 600 }, (_, status) => {
  const reason = STATUS_CODES[status];
  return reason === undefined ? String(status) : `${status} ${reason}`;
});

/** What stands behind `HTTP/1.1 ` in the status line. */
export function statusText(status: number): string {
  const text = STATUS_TEXTS[status];
  assert(text !== undefined && status >= 200, `${status} is not the status of an answer`);
  return text;
}

/** True for 204 and 304, which have neither a body nor a Content-Length. */
export function hasNoContent(status: number): boolean {
  return status === 204 || status === 304;
}

/** True for a body that is pulled. */
export function isStream(body: TransportBody): body is StreamBody {
  return typeof body === 'object' && 'chunks' in body;
}

/** Bytes a body has or announces. */
export function bodyLength(body: TransportBody): number {
  if (body === undefined) return 0;
  if (typeof body === 'string') return Buffer.byteLength(body);
  return isStream(body) ? body.sizeBytes : body.byteLength;
}

/** A body in one piece as bytes. */
export function bodyBytes(body: undefined | string | Uint8Array): Uint8Array {
  if (body === undefined) return NO_BYTES;
  return typeof body === 'string' ? Buffer.from(body) : body;
}

/**
 * Header values go to the socket as they are, so a line break in one would end the head early and
 * let its author write the rest of the answer. Whoever echoes a client's text must have refused it.
 *
 * @throws {AssertionError} A value holds CR, LF or NUL.
 */
export function assertHeaders(reply: TransportReply): void {
  for (const name in reply.headers) {
    const value = reply.headers[name];
    assert(value !== undefined && !BREAKS.test(value), `a line break in the header ${name}`);
  }
}

const BREAKS = /[\0\r\n]/;

/** The text that goes with a refusal. */
export function refusalText(refusal: HeadRefusal): string {
  return `${refusal.reason}.\n`;
}

/** `::ffff:127.0.0.1` in any spelling is an IPv4 peer of a dual-stack socket: `127.0.0.1`. */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address;
  if (address.startsWith('::ffff:')) return address.slice(7);
  const mapped = /^0000:0000:0000:0000:0000:ffff:(..)(..):(..)(..)$/.exec(address);
  if (mapped === null) return address;
  return mapped
    .slice(1)
    .map((hex) => Number.parseInt(hex, 16))
    .join('.');
}
