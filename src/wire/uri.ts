/**
 * Percent-encoding as S3 applies it: decoded once, strictly; encoded with AWS's reserved set.
 *
 * Nothing here normalises. `//`, `.` and `..` are ordinary text, `+` is a plus, and whatever
 * decodes to the same text is the same key.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @module
 */

import { S3Error } from '../s3/errors.js';

/** Decoders of bytes that are not UTF-8 leave it behind, so it is refused unless escaped. */
const REPLACEMENT_CHARACTER = '\uFFFD';

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;
const UNRESERVED_OR_SLASH = /^[A-Za-z0-9\-._~/]*$/;
/** What `encodeURIComponent` leaves alone although AWS escapes it. */
const LEFT_BARE = /[!'()*]/g;

/**
 * Decodes percent-escapes exactly once.
 *
 * @throws {S3Error} InvalidURI for a bad escape, NUL, or bytes that are not UTF-8 (overlong forms
 * and surrogates included).
 */
export function decodeUriComponentStrict(text: string): string {
  if (text.includes(REPLACEMENT_CHARACTER)) throw invalidUri(text);
  const decoded = text.includes('%') ? decodeEscapes(text) : text;
  if (decoded.includes('\0')) throw invalidUri(text);
  return decoded;
}

/** Encodes everything but `A-Z a-z 0-9 - . _ ~`, with upper-case hexadecimal digits. */
export function encodeUriComponentAws(text: string): string {
  if (UNRESERVED.test(text)) return text;
  return encodeURIComponent(text).replace(LEFT_BARE, escapeCharacter);
}

/** Like {@link encodeUriComponentAws}, but keeps `/`. */
export function encodePathAws(path: string): string {
  if (UNRESERVED_OR_SLASH.test(path)) return path;
  return encodeUriComponentAws(path).replaceAll('%2F', '/');
}

function decodeEscapes(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidUri(text);
  }
}

function escapeCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function invalidUri(text: string): S3Error {
  // A NUL that arrived bare cannot stand in the error document.
  return new S3Error('InvalidURI', { URI: text.replaceAll('\0', '%00') });
}
