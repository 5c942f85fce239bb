/**
 * Identifiers: unique, unguessable where it matters, ordered by time where that helps the index.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';

import { customAlphabet } from 'nanoid';

// 32 letters, so that a random byte maps to a letter without rejection.
const upperCaseId = customAlphabet('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 16);
const lowerCaseId = customAlphabet('0123456789abcdefghjkmnpqrstvwxyz', 20);

/** `x-amz-request-id`: 16 upper-case letters and digits. */
export function newRequestId(): string {
  return upperCaseId();
}

/** Blob id: 12 hex digits of milliseconds, 20 of randomness, so that new ids sort last. */
export function newBlobId(nowMs: number): string {
  return timePrefix(nowMs) + randomBytes(10).toString('hex');
}

/** Upload id: 32 characters that sort by the time of initiation. */
export function newUploadId(nowMs: number): string {
  return timePrefix(nowMs) + lowerCaseId();
}

/** Name of one run of one process: `[0-9a-z]`, sorts by start time. */
export function newIncarnation(nowMs: number): string {
  return timePrefix(nowMs) + lowerCaseId();
}

function timePrefix(nowMs: number): string {
  return Math.floor(nowMs).toString(16).padStart(12, '0');
}
