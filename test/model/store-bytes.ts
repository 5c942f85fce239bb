/**
 * Bytes and records as a model run gives them to a store and sees them come back.
 *
 * @module
 */

import assert from 'node:assert/strict';

import { checksumOf as digestOf } from '#src/s3/checksums.js';
import type { ChecksumAlgorithm, ObjectChecksum } from '#src/s3/object-attributes.js';
import type { Tags } from '#src/s3/tags.js';
import type { ObjectVersion, OpenObject } from '#src/store/store.js';

import { bytesOf, md5, type Payload } from './system.js';

export async function read(open: OpenObject, range: readonly [number, number] | undefined) {
  return { ...describe(open.version), md5: md5(await bytesIn(open, range)) };
}

export async function bytesIn(open: OpenObject, range: readonly [number, number] | undefined) {
  const [startByte, endByte] = range ?? [0, open.version.sizeBytes];
  try {
    const body = open.read({ startByte, endByte });
    const pieces: Uint8Array[] = [];
    if (body instanceof Uint8Array) pieces.push(body);
    else for await (const piece of body) pieces.push(Uint8Array.from(piece));
    return Buffer.concat(pieces);
  } finally {
    open.close();
  }
}

export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): ObjectChecksum {
  return { algorithm, type: 'FULL_OBJECT', value: digestOf(algorithm, bytes) };
}

export function tagOf(tags: Tags): string | undefined {
  assert(tags.length <= 1);
  return tags[0]?.value;
}

export function describe({ etag, sizeBytes, attributes, lastModifiedMs }: ObjectVersion) {
  const modifiedSecs = Math.floor(lastModifiedMs / 1000);
  return { etag, sizeBytes, meta: attributes.userMetadata['meta'], modifiedSecs };
}

/** In pieces of odd sizes, as they come from a socket. */
export function piecesOf(payload: Payload): Uint8Array[] {
  const bytes = bytesOf(payload);
  // Not so small that a run does little else: every piece is awaited.
  const step = Math.max(Math.ceil(bytes.length / 100), 1 + ((payload.seed * 7919) % 100_000));
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += step) {
    pieces.push(Uint8Array.from(bytes.subarray(start, start + step)));
  }
  return pieces;
}
