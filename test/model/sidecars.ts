/**
 * What must lie in files: the payloads, and what the sidecars alone say of all objects, by the rule
 * of docs/ON_DISK_FORMAT.md, "Sidecars".
 *
 * @module
 */

import assert from 'node:assert/strict';

import { readSidecar, type ManifestSidecar, type ObjectSidecar } from '#src/store/sidecar.js';

import type { Model } from './model.js';
import { INLINE_BYTES_MAX, md5 } from './system.js';

type Current = ObjectSidecar | ManifestSidecar;

/** Compares every object whose payload lies in files with what could be made of it again. */
export function assertSidecarsTell(texts: readonly string[], model: Model): void {
  const found = currentOf(texts).map((sidecar) => ({
    ...{ bucket: sidecar.bucket, key: sidecar.key, etag: etagOf(sidecar) },
    meta: sidecar.attributes.userMetadata['meta'],
    tags: sidecar.tags.map(({ value }) => value),
    parts: sidecar.kind === 'manifest' ? sidecar.parts.map(({ sizeBytes }) => sizeBytes) : [],
  }));
  const wanted = [...model.buckets].flatMap(([bucket, objects]) =>
    [...objects]
      .filter(([, { upload, bytes }]) => upload !== undefined || bytes.length > INLINE_BYTES_MAX)
      .map(([key, { etag, meta, tag, parts }]) => ({
        ...{ bucket, key, etag, meta, tags: tag === undefined ? [] : [tag] },
        parts: parts.map(({ bytes }) => bytes.length),
      })),
  );
  assert.deepEqual(found.sort(byPlace), wanted.sort(byPlace), 'what the sidecars tell');
}

function currentOf(texts: readonly string[]): Current[] {
  const sidecars = texts
    .map((text) => readSidecar(text).sidecar)
    .filter((sidecar): sidecar is Current => sidecar.kind !== 'part');
  const partIds = new Set(
    sidecars.flatMap((one) =>
      one.kind === 'manifest' ? one.parts.map(({ blobId }) => blobId) : [],
    ),
  );
  const byKey = new Map<string, Current>();
  for (const sidecar of sidecars) {
    const place = `${sidecar.bucket}/${sidecar.key}`;
    const other = byKey.get(place);
    if (partIds.has(sidecar.blobId)) continue;
    if (other === undefined || other.blobId < sidecar.blobId) byKey.set(place, sidecar);
  }
  return [...byKey.values()];
}

function etagOf(sidecar: Current): string {
  return sidecar.kind === 'manifest' ? `${sidecar.md5}-${sidecar.parts.length}` : sidecar.md5;
}

function byPlace(
  one: { readonly bucket: string; readonly key: string },
  other: { readonly bucket: string; readonly key: string },
): number {
  return `${one.bucket}/${one.key}` < `${other.bucket}/${other.key}` ? -1 : 1;
}

/** Digests of all blobs that the model's contents need. */
export function payloadsOf(model: Model): string[] {
  const blobs: Buffer[] = [];
  for (const objects of model.buckets.values()) {
    for (const object of objects.values()) {
      if (object.upload !== undefined) {
        blobs.push(Buffer.alloc(0), ...object.parts.map(({ bytes }) => bytes));
      } else if (object.bytes.length > INLINE_BYTES_MAX) blobs.push(object.bytes);
    }
  }
  for (const { isOpen, parts } of model.uploads) if (isOpen) blobs.push(...parts.values());
  return blobs.map(md5);
}
