/**
 * Signature Version 4 for S3: the texts that are signed, and the key that signs them.
 *
 * Pure functions shared by the verifier and by `presign.ts`. S3 differs from other services: the
 * path is encoded once and never normalised, and the payload hash is whatever the request says.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * @module
 */

import { createHmac, hash, timingSafeEqual } from 'node:crypto';

import { decodeUriComponentStrict, encodePathAws } from './uri.js';

/** The only algorithm offered. */
export const SIGNATURE_ALGORITHM = 'AWS4-HMAC-SHA256';
/** Service of the credential scope. */
export const SCOPE_SERVICE = 's3';
/** Last part of the credential scope. */
export const SCOPE_TERMINAL = 'aws4_request';
/** Payload hash of a request whose signature leaves the payload open. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

const ALREADY_CANONICAL = /^[A-Za-z0-9\-._~/]*$/;
const WHITE_SPACE_RUN = /[ \t]+/g;

/** What a canonical request is made of. */
export interface CanonicalRequestInput {
  readonly method: string;
  /** Byte for byte as sent. */
  readonly rawPath: string;
  readonly canonicalQuery: string;
  /** Lower-case names; copies of a repeated header joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly repeatedHeaders: ReadonlySet<string>;
  /** Lower-case names in the order of the signature. */
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
}

/** The canonical request. A signed header that did not arrive counts as empty. */
export function canonicalRequest(input: CanonicalRequestInput): string {
  let text = `${input.method}\n${canonicalPath(input.rawPath)}\n${input.canonicalQuery}\n`;
  let names = '';
  for (const name of input.signedHeaders) {
    const value = input.headers.get(name) ?? '';
    text += `${name}:${canonicalValue(value, input.repeatedHeaders.has(name))}\n`;
    names += names === '' ? name : `;${name}`;
  }
  return `${text}\n${names}\n${input.payloadHash}`;
}

/** The string to sign of a canonical request. */
export function stringToSign(timestamp: string, scope: string, request: string): string {
  return `${SIGNATURE_ALGORITHM}\n${timestamp}\n${scope}\n${hash('sha256', request)}`;
}

/** `20130524/us-east-1/s3/aws4_request`. */
export function credentialScope(date: string, region: string): string {
  return `${date}/${region}/${SCOPE_SERVICE}/${SCOPE_TERMINAL}`;
}

/** Derives the key that signs for one day, region and S3. Costs four HMACs: keep the result. */
export function deriveSigningKey(secret: string, date: string, region: string): Uint8Array {
  const dateKey = hmac(`AWS4${secret}`, date);
  const regionKey = hmac(dateKey, region);
  const serviceKey = hmac(regionKey, SCOPE_SERVICE);
  return hmac(serviceKey, SCOPE_TERMINAL);
}

/** Compares two signatures in time that depends on their lengths alone. */
export function signaturesEqual(expected: string, provided: string): boolean {
  const expectedBytes = Buffer.from(expected);
  const providedBytes = Buffer.from(provided);
  return (
    expectedBytes.length === providedBytes.length && timingSafeEqual(expectedBytes, providedBytes)
  );
}

// Decoded and encoded again, so that every spelling of one path has one signature.
function canonicalPath(rawPath: string): string {
  if (ALREADY_CANONICAL.test(rawPath)) return rawPath;
  return encodePathAws(decodeUriComponentStrict(rawPath));
}

function canonicalValue(value: string, isRepeated: boolean): string {
  const joined = isRepeated ? value.replaceAll(', ', ',') : value;
  const trimmed = joined.trim();
  if (!trimmed.includes('  ') && !trimmed.includes('\t')) return trimmed;
  return trimmed.replaceAll(WHITE_SPACE_RUN, ' ');
}

function hmac(key: string | Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
