/**
 * Listing objects and uploads: one page from the index, seeking past every common prefix.
 *
 * A page costs what it returns, whatever the bucket holds.
 *
 * @module
 */

import {
  afterPrefix,
  bucketIdKey,
  justAfter,
  keyOfObjectKey,
  objectKey,
  partsOfUploadKey,
  uploadKey,
} from '../metadata/keys.js';
import { decodeObject, decodeUpload } from '../metadata/records.js';
import type { Entry, Environment, Table } from '../metadata/environment.js';
import { requireBucketRecord, type StoreContext } from './context.js';
import { versionOf } from './object-version.js';
import type {
  ListObjects,
  ListUploads,
  ObjectPage,
  ObjectVersion,
  Upload,
  UploadPage,
} from './store.js';
import { uploadOf } from './upload-record.js';

/** What a scan yields: an entry of its own, or all entries that share a prefix. */
type Found =
  | { readonly kind: 'entry'; readonly name: string; readonly entry: Entry }
  | { readonly kind: 'prefix'; readonly name: string };

interface Scan {
  readonly table: Table;
  readonly bucketId: number;
  readonly prefix: string;
  readonly delimiter: string;
  readonly start: Buffer;
  readonly nameOf: (key: Uint8Array) => string;
}

/** Entries fetched at first when a delimiter may skip most of them; doubles while none is. */
const FETCH_COUNT_MIN = 1;

export function listObjects(context: StoreContext, input: ListObjects): ObjectPage {
  const { id } = requireBucketRecord(context, input.bucket);
  const objects: ObjectVersion[] = [];
  const commonPrefixes: string[] = [];
  const found = scan(
    context.environment,
    {
      table: 'objects',
      bucketId: id,
      prefix: input.prefix,
      delimiter: input.delimiter,
      start: resumeAt(id, input.prefix, input.after, input.afterIsCommonPrefix),
      nameOf: keyOfObjectKey,
    },
    input.countMax,
  );
  const page = found.slice(0, input.countMax);
  for (const one of page) {
    if (one.kind === 'prefix') commonPrefixes.push(one.name);
    else objects.push(versionOf(input.bucket, one.name, decodeObject(one.entry.value)));
  }
  const last = page.at(-1);
  return {
    objects,
    commonPrefixes,
    isTruncated: input.countMax > 0 && found.length > input.countMax,
    last: last && { name: last.name, isCommonPrefix: last.kind === 'prefix' },
  };
}

export function listUploads(context: StoreContext, input: ListUploads): UploadPage {
  const { id } = requireBucketRecord(context, input.bucket);
  const uploads: Upload[] = [];
  const commonPrefixes: string[] = [];
  const found = scan(
    context.environment,
    {
      table: 'uploads',
      bucketId: id,
      prefix: input.prefix,
      delimiter: input.delimiter,
      start: resumeUploadsAt(id, input),
      nameOf: (key) => partsOfUploadKey(key).key,
    },
    input.countMax,
  );
  const page = found.slice(0, input.countMax);
  let nextUploadIdMarker = '';
  for (const one of page) {
    if (one.kind === 'prefix') {
      commonPrefixes.push(one.name);
      nextUploadIdMarker = '';
      continue;
    }
    const { key, uploadId } = partsOfUploadKey(one.entry.key);
    uploads.push(uploadOf(input.bucket, key, uploadId, decodeUpload(one.entry.value)));
    nextUploadIdMarker = uploadId;
  }
  const isTruncated = input.countMax > 0 && found.length > input.countMax;
  return {
    uploads,
    commonPrefixes,
    isTruncated,
    nextKeyMarker: isTruncated ? (page.at(-1)?.name ?? '') : '',
    nextUploadIdMarker: isTruncated ? nextUploadIdMarker : '',
  };
}

/** One more than `countMax` things, so that the caller sees whether there is a next page. */
function scan(environment: Environment, what: Scan, countMax: number): Found[] {
  const found: Found[] = [];
  if (countMax === 0) return found;
  const prefixKey = objectKey(what.bucketId, what.prefix);
  const end = what.prefix === '' ? bucketIdKey(what.bucketId + 1) : afterPrefix(prefixKey);
  let start = what.start;
  let fetchCount = what.delimiter === '' ? countMax + 1 : FETCH_COUNT_MIN;
  while (found.length <= countMax) {
    const entries = environment.range(what.table, { start, end, countMax: fetchCount });
    let skipTo: Buffer | undefined;
    for (const entry of entries) {
      if (found.length > countMax) return found;
      const name = what.nameOf(entry.key);
      const common = commonPrefixOf(name, what.prefix, what.delimiter);
      if (common === undefined) {
        found.push({ kind: 'entry', name, entry });
        continue;
      }
      found.push({ kind: 'prefix', name: common });
      skipTo = afterPrefix(objectKey(what.bucketId, common));
      break;
    }
    const last = entries.at(-1);
    if (skipTo !== undefined) start = skipTo;
    else if (last === undefined || entries.length < fetchCount) return found;
    else start = justAfter(last.key);
    fetchCount = skipTo === undefined ? Math.min(fetchCount * 2, countMax + 1) : FETCH_COUNT_MIN;
  }
  return found;
}

function commonPrefixOf(name: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '') return undefined;
  const index = name.indexOf(delimiter, prefix.length);
  return index === -1 ? undefined : name.slice(0, index + delimiter.length);
}

/** First index key that is both within the prefix and strictly after `after`. */
function resumeAt(
  bucketId: number,
  prefix: string,
  after: string,
  isCommonPrefix: boolean,
): Buffer {
  const first = objectKey(bucketId, prefix);
  if (after === '') return first;
  const afterKey = objectKey(bucketId, after);
  return laterOf(first, isCommonPrefix ? afterPrefix(afterKey) : justAfter(afterKey));
}

function resumeUploadsAt(bucketId: number, input: ListUploads): Buffer {
  const first = objectKey(bucketId, input.prefix);
  if (input.keyMarker === '') return first;
  const { keyMarker, uploadIdMarker, delimiter } = input;
  // The marker is the common prefix that ended a page, not merely a key below one.
  if (commonPrefixOf(keyMarker, input.prefix, delimiter) === keyMarker) {
    return laterOf(first, afterPrefix(objectKey(bucketId, keyMarker)));
  }
  // Uploads of the marker's key sort after key + 00; 01 is above all of them, below longer keys.
  const resume =
    uploadIdMarker === ''
      ? Buffer.concat([objectKey(bucketId, keyMarker), Buffer.of(1)])
      : justAfter(uploadKey(bucketId, keyMarker, uploadIdMarker));
  return laterOf(first, resume);
}

function laterOf(one: Buffer, other: Buffer): Buffer {
  return Buffer.compare(one, other) >= 0 ? one : other;
}
