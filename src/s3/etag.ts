/**
 * ETags: MD5 hex for objects that came in one piece, MD5 of the part MD5s with a count otherwise.
 *
 * Inside the server an ETag has no quotes; they are added at the door.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 * @module
 */

import { createHash } from 'node:crypto';

const WEAK_PREFIX = 'W/';

/** The ETag as headers show it. */
export function quoteEtag(etag: string): string {
  return `"${etag}"`;
}

/**
 * The ETag a client meant, without the quotes it may or may not have sent. A weak ETag keeps its
 * prefix and so never equals a stored one.
 */
export function parseEtag(text: string): string {
  const trimmed = text.trim();
  const isQuoted = trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"');
  return isQuoted ? trimmed.slice(1, -1) : trimmed;
}

/**
 * The ETag of a multipart object.
 *
 * @param md5Hexes - MD5 of each part in part order, hex.
 */
export function multipartEtag(md5Hexes: readonly string[]): string {
  const hash = createHash('md5');
  for (const md5Hex of md5Hexes) hash.update(md5Hex, 'hex');
  return `${hash.digest('hex')}-${md5Hexes.length}`;
}

/**
 * Says whether a conditional header names this ETag: `*`, one ETag or a comma-separated list.
 *
 * @param strength - `strong` for If-Match: weak ETags never match. `weak` for If-None-Match.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-comparison-2
 */
export function matchesEtag(header: string, etag: string, strength: 'strong' | 'weak'): boolean {
  if (header === `"${etag}"` || header === etag || header.trim() === '*') return true;
  // No ETag of ours holds a comma, so splitting on it cannot cut one that would match.
  return header.split(',').some((candidate) => matchesOne(candidate.trim(), etag, strength));
}

function matchesOne(candidate: string, etag: string, strength: 'strong' | 'weak'): boolean {
  const isWeak = candidate.startsWith(WEAK_PREFIX);
  if (isWeak && strength === 'strong') return false;
  return parseEtag(isWeak ? candidate.slice(WEAK_PREFIX.length) : candidate) === etag;
}
