/**
 * What a record says of its payload, against the rows that describe the payload.
 *
 * @module
 */

import { createHash } from 'node:crypto';

import {
  afterPrefix,
  blobIdKey,
  justAfter,
  manifestKey,
  objectKey,
  partKey,
  partsOfUploadKey,
  sequenceKey,
} from '../metadata/keys.js';
import {
  decodeInline,
  decodeLayout,
  decodeManifest,
  type GarbageRecord,
  type ManifestRecord,
} from '../metadata/payload-records.js';
import {
  decodeObject,
  decodePart,
  type ObjectRecord,
  type PartRecord,
} from '../metadata/records.js';
import { multipartEtag } from '../s3/etag.js';
import { readable, type CheckContext, type Report } from './check-context.js';

const UPLOADS_PAGE_COUNT = 100;

/** The payload of a version: the rows it needs, and what they say. */
export function checkPayload(context: CheckContext, record: ObjectRecord, report: Report): void {
  const { placement, sequence, sizeBytes } = record;
  if (placement.kind === 'inline') {
    context.used.add(`inline ${sequence}`);
    checkInlinePayload(context, record, report);
    return;
  }
  context.used.add(`layout ${placement.blobId}`);
  const isWhole = placement.kind === 'plain';
  checkLayoutOf(context, placement.blobId, isWhole ? sizeBytes : 0, report);
  if (isWhole) return;
  const { uploadId } = placement;
  context.used.add(`upload ${uploadId}`);
  context.used.add(`manifest ${uploadId}`);
  const bytes = context.store.environment.get('manifests', manifestKey(uploadId));
  if (bytes === undefined) {
    report('manifest-missing', `the manifest of upload ${uploadId} is missing`);
    return;
  }
  const manifest = readable(() => decodeManifest(bytes));
  if (manifest !== undefined) compareManifest(context, record, uploadId, manifest, report);
}

/** The layout of a blob, as what names it wants it. */
export function checkLayoutOf(
  { store }: CheckContext,
  blobId: string,
  sizeBytes: number,
  report: Report,
): void {
  const bytes = store.environment.get('layouts', blobIdKey(blobId));
  if (bytes === undefined) {
    report('layout-missing', `the layout of blob ${blobId} is missing`);
    return;
  }
  const layout = readable(() => decodeLayout(bytes));
  if (layout === undefined || layout.sizeBytes === sizeBytes) return;
  report(
    'layout-differs',
    `the layout of blob ${blobId} is for ${layout.sizeBytes} bytes, not ${sizeBytes}`,
  );
}

function checkInlinePayload(context: CheckContext, record: ObjectRecord, report: Report): void {
  const { sequence, sizeBytes, md5Hex } = record;
  const bytes = context.store.environment.get('inline', sequenceKey(sequence));
  if (bytes === undefined) {
    report('inline-payload-missing', `the payload of sequence ${sequence} is missing`);
    return;
  }
  const payload = readable(() => decodeInline(bytes));
  if (payload === undefined) return;
  const isSame =
    payload.byteLength === sizeBytes &&
    (record.partsCount > 0 || createHash('md5').update(payload).digest('hex') === md5Hex);
  if (isSame) return;
  report(
    'inline-payload-wrong',
    `the payload holds ${payload.byteLength} bytes, which are not the ${sizeBytes} of the record`,
  );
}

function compareManifest(
  context: CheckContext,
  record: ObjectRecord,
  uploadId: string,
  { parts }: ManifestRecord,
  report: Report,
): void {
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (sizeBytes !== record.sizeBytes || parts.length !== record.partsCount) {
    report(
      'manifest-differs',
      `the manifest lists ${parts.length} parts of ${sizeBytes} bytes, ` +
        `not ${record.partsCount} of ${record.sizeBytes}`,
    );
    return;
  }
  const rows = parts.map(({ partNumber }) => partOf(context, uploadId, partNumber));
  // What is missing is told where the manifest is looked at.
  if (rows.some((row) => typeof row !== 'object')) return;
  const md5Hexes = (rows as PartRecord[]).map((part) => part.md5Hex);
  const md5Hex = multipartEtag(md5Hexes).slice(0, 32);
  if (md5Hex === record.md5Hex) return;
  report('manifest-differs', `the ETags of the parts make ${md5Hex}, not ${record.md5Hex}`);
}

/** A manifest against the rows of its parts. */
export function checkManifest(
  context: CheckContext,
  uploadId: string,
  value: Uint8Array,
  report: Report,
): void {
  const { parts } = decodeManifest(value);
  for (const { partNumber, sizeBytes } of parts) {
    const part = partOf(context, uploadId, partNumber);
    if (part === 'missing') report('part-missing', `part ${partNumber} is missing`);
    else if (part !== 'damaged' && part.sizeBytes !== sizeBytes) {
      report(
        'manifest-differs',
        `part ${partNumber} holds ${part.sizeBytes} bytes, and the manifest says ${sizeBytes}`,
      );
    }
  }
}

function partOf(
  { store }: CheckContext,
  uploadId: string,
  partNumber: number,
): PartRecord | 'missing' | 'damaged' {
  const bytes = store.environment.get('parts', partKey(uploadId, partNumber));
  return bytes === undefined ? 'missing' : (readable(() => decodePart(bytes)) ?? 'damaged');
}

/** What the sweeper is about to remove must be nobody's. */
export function checkGarbage(context: CheckContext, record: GarbageRecord, report: Report): void {
  const { bucket, key, blobId } = record;
  const id = context.buckets.idOf(bucket);
  if (id === undefined) return;
  const { environment } = context.store;
  const bytes = environment.get('objects', objectKey(id, key));
  const placement = bytes && readable(() => decodeObject(bytes).placement);
  const uploadIds = uploadsOfKey(context, id, key);
  if (placement?.kind === 'parts') uploadIds.push(placement.uploadId);
  const isUsed =
    record.kind === 'upload'
      ? uploadIds.includes(record.uploadId)
      : (placement !== undefined && placement.kind !== 'inline' && placement.blobId === blobId) ||
        uploadIds.some((uploadId) => hasPart(context, uploadId, blobId));
  if (!isUsed) return;
  const what = record.kind === 'upload' ? `upload ${record.uploadId}` : `blob ${blobId}`;
  report('garbage-in-use', `${what} of ${bucket}/${key} is to be removed and is in use`);
}

function uploadsOfKey({ store }: CheckContext, bucketId: number, key: string): string[] {
  const start = Buffer.concat([objectKey(bucketId, key), Buffer.of(0)]);
  return store.environment
    .range('uploads', { start, end: afterPrefix(start), countMax: UPLOADS_PAGE_COUNT })
    .map((row) => partsOfUploadKey(row.key).uploadId);
}

function hasPart({ store }: CheckContext, uploadId: string, blobId: string): boolean {
  const end = partKey(uploadId, 0xffff);
  let start = partKey(uploadId, 0);
  for (;;) {
    const rows = store.environment.range('parts', { start, end, countMax: UPLOADS_PAGE_COUNT });
    if (rows.some(({ value }) => readable(() => decodePart(value).blobId) === blobId)) return true;
    const last = rows.at(-1);
    if (last === undefined || rows.length < UPLOADS_PAGE_COUNT) return false;
    start = justAfter(last.key);
  }
}
