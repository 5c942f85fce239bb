/**
 * Every row of the index, by itself and against the rows it names.
 *
 * A row and those it names are read in one turn and so from one snapshot: a transaction is in it as
 * a whole or not at all, and what does not fit together is wrong, also beside a running server.
 *
 * @module
 */

import { isUtf8 } from 'node:buffer';

import type { Entry, ReadView, Table } from '../metadata/environment.js';
import {
  blobIdKey,
  EPOCH_KEY,
  FORMAT_KEY,
  keyOfObjectKey,
  NEXT_BUCKET_ID_KEY,
  partsOfUploadKey,
  SEQUENCE_KEY,
  sequenceOfGarbageKey,
  UPLOAD_ID_BYTES,
} from '../metadata/keys.js';
import { decodeGarbage, decodeInline, decodeLayout } from '../metadata/payload-records.js';
import { decodeNumber } from '../metadata/record-codec.js';
import {
  decodeBucket,
  decodeConfiguration,
  decodeCounters,
  decodeObject,
  decodePart,
  decodeUpload,
} from '../metadata/records.js';
import { assertKey, isBucketName } from '../s3/names.js';
import { asBuffer } from '../util/bytes.js';
import {
  findingOfRecord,
  pagesOf,
  readable,
  type CheckContext,
  type Report,
} from './check-context.js';
import { checkGarbage, checkLayoutOf, checkManifest, checkPayload } from './check-references.js';
import type { Finding } from './findings.js';

type CheckRow = (context: CheckContext, row: Entry, report: Report) => void;

const BUCKET_ID_BYTES = 4;
const GARBAGE_KEY_BYTES = 12;
const UPLOAD_ID = /^[0-9a-f]{12}[0-9a-z]{20}$/;
const SYSTEM_KEYS = [FORMAT_KEY, EPOCH_KEY, SEQUENCE_KEY];

/** In an order in which a payload that changes hands meanwhile is met at its old or its new place. */
const CHECKS: readonly (readonly [Table, CheckRow])[] = [
  ['system', (_context, { value }) => void decodeNumber(value)],
  ['buckets', checkBucket],
  ['configurations', checkConfiguration],
  ['counters', checkCounters],
  ['uploads', checkUpload],
  ['objects', checkObject],
  ['versions', checkVersion],
  ['parts', checkPart],
  ['manifests', checkManifestRow],
  ['garbage', checkGarbageRow],
  ['layouts', checkLayout],
  ['inline', checkInline],
];

/** Goes through all tables. What refers to a payload is noted in `context.used`. */
export async function checkRows(context: CheckContext): Promise<void> {
  checkSystem(context.store.environment, (finding) => context.report(finding));
  for (const [table, check] of CHECKS) {
    for (const rows of pagesOf(context, table)) {
      for (const row of rows) checkRow(context, table, check, row);
      // Other work has its turn, and the snapshot does not grow old.
      await new Promise(setImmediate);
    }
  }
}

function checkRow(context: CheckContext, table: Table, check: CheckRow, row: Entry): void {
  const object = nameOfRow(context, table, row.key);
  context.counts.rows += 1;
  const report: Report = (name, problem) => context.report({ class: name, object, problem });
  if (context.store.environment.get(table, row.key) === undefined) {
    report('row-unreachable', `a search in ${table} does not find this row`);
  }
  try {
    check(context, row, report);
  } catch (error) {
    context.report(findingOfRecord(object, error));
    context.counts.unreadable += 1;
  }
}

/** `bucket/key` for rows of a key, else the table and the key in hex or as text. */
function nameOfRow(context: CheckContext, table: Table, key: Uint8Array): string {
  const bytes = asBuffer(key);
  if ((table === 'objects' || table === 'uploads') && bytes.length > BUCKET_ID_BYTES) {
    const bucket = context.buckets.nameOf(bytes.readUInt32BE(0));
    const isUpload = table === 'uploads' && bytes.length > UPLOAD_ID_BYTES + BUCKET_ID_BYTES;
    const name = isUpload ? partsOfUploadKey(bytes).key : keyOfObjectKey(bytes);
    if (bucket !== undefined) return `${bucket}/${name}`;
  }
  const isText = table === 'system' || table === 'buckets' || table === 'manifests';
  return `${table} ${bytes.toString(isText ? 'latin1' : 'hex')}`;
}

function checkSystem(environment: ReadView, report: (finding: Finding) => void): void {
  for (const key of SYSTEM_KEYS) {
    if (environment.get('system', key) !== undefined) continue;
    // A store that was never written to has no sequence yet.
    if (key === SEQUENCE_KEY && environment.get('system', NEXT_BUCKET_ID_KEY) === undefined) {
      continue;
    }
    const name = key.toString('latin1');
    report({ class: 'system-record-missing', object: `system ${name}`, problem: 'it is missing' });
  }
}

function checkBucket(context: CheckContext, { key, value }: Entry, report: Report): void {
  const name = asBuffer(key).toString('utf8');
  if (!isBucketName(name)) report('bad-bucket-name', 'no bucket may have this name');
  const { id } = decodeBucket(value);
  const other = context.buckets.nameOf(id);
  if (other !== undefined && other !== name) {
    report('bucket-id-shared', `its id ${id} is also that of ${other}`);
  }
  const bytes = context.store.environment.get('system', NEXT_BUCKET_ID_KEY);
  const next = bytes && readable(() => decodeNumber(bytes));
  if (bytes === undefined) report('bucket-id-unissued', `its id is ${id}, and none was given yet`);
  if (next !== undefined && id >= next) {
    report('bucket-id-unissued', `its id is ${id}, and ${next} is the next to be given`);
  }
}

function checkConfiguration(context: CheckContext, { key, value }: Entry, report: Report): void {
  requireBucket(context, key, report);
  decodeConfiguration(value);
}

function checkCounters(context: CheckContext, { key, value }: Entry, report: Report): void {
  requireBucket(context, key, report);
  decodeCounters(value);
}

function checkUpload(context: CheckContext, { key, value }: Entry, report: Report): void {
  requireBucket(context, key, report);
  const { uploadId } = partsOfUploadKey(key);
  const end = key.byteLength - UPLOAD_ID_BYTES - 1;
  const isSplit = end > BUCKET_ID_BYTES && key[end] === 0 && UPLOAD_ID.test(uploadId);
  if (!isSplit || !isObjectKey(key.subarray(BUCKET_ID_BYTES, end))) {
    report('bad-key', 'no upload can have this key');
  }
  const { startSequence } = decodeUpload(value);
  context.used.add(`upload ${uploadId}`);
  checkSequence(context, startSequence, report);
}

function checkObject(context: CheckContext, { key, value }: Entry, report: Report): void {
  context.counts.objects += 1;
  requireBucket(context, key, report);
  if (!isObjectKey(key.subarray(BUCKET_ID_BYTES))) report('bad-key', 'no object can have this key');
  const record = decodeObject(value);
  checkSequence(context, record.sequence, report);
  checkPayload(context, record, report);
}

/** None is written yet; what a later version wrote is only read. */
function checkVersion(context: CheckContext, { key, value }: Entry, report: Report): void {
  requireBucket(context, key, report);
  const record = decodeObject(value);
  checkSequence(context, record.sequence, report);
  checkPayload(context, record, report);
}

function checkPart(context: CheckContext, { key, value }: Entry, report: Report): void {
  const uploadId = asBuffer(key).toString('latin1', 0, UPLOAD_ID_BYTES);
  if (key.byteLength !== UPLOAD_ID_BYTES + 2 || !UPLOAD_ID.test(uploadId)) {
    report('bad-key', 'no part can have this key');
  }
  const { blobId, sizeBytes } = decodePart(value);
  context.used.add(`layout ${blobId}`);
  checkLayoutOf(context, blobId, sizeBytes, report);
}

function checkManifestRow(context: CheckContext, { key, value }: Entry, report: Report): void {
  const uploadId = asBuffer(key).toString('latin1');
  if (!UPLOAD_ID.test(uploadId)) report('bad-key', 'no manifest can have this key');
  checkManifest(context, uploadId, value, report);
}

function checkGarbageRow(context: CheckContext, { key, value }: Entry, report: Report): void {
  if (key.byteLength !== GARBAGE_KEY_BYTES) report('bad-key', 'no garbage can have this key');
  else checkSequence(context, sequenceOfGarbageKey(key), report);
  const record = decodeGarbage(value);
  if (record.blobId !== '') context.used.add(`layout ${record.blobId}`);
  if (record.kind === 'upload') {
    context.used.add(`upload ${record.uploadId}`);
    context.used.add(`manifest ${record.uploadId}`);
  }
  checkGarbage(context, record, report);
}

function checkLayout(_context: CheckContext, { key, value }: Entry, report: Report): void {
  if (key.byteLength !== blobIdKey('00'.repeat(16)).byteLength) {
    report('bad-key', 'no blob has this id');
  }
  decodeLayout(value);
}

function checkInline(context: CheckContext, { key, value }: Entry, report: Report): void {
  if (key.byteLength !== 8) report('bad-key', 'no payload can have this key');
  else checkSequence(context, Number(asBuffer(key).readBigUInt64BE(0)), report);
  decodeInline(value);
}

function requireBucket({ buckets }: CheckContext, key: Uint8Array, report: Report): void {
  if (key.byteLength < BUCKET_ID_BYTES) {
    report('bad-key', 'the key is too short for a bucket id');
    return;
  }
  const id = asBuffer(key).readUInt32BE(0);
  // One whose record cannot be read may have this id.
  if (buckets.nameOf(id) === undefined && !buckets.isIncomplete)
    report('row-without-bucket', `no bucket has id ${id}`);
}

function checkSequence({ store }: CheckContext, sequence: number, report: Report): void {
  const bytes = store.environment.get('system', SEQUENCE_KEY);
  const last = bytes && readable(() => decodeNumber(bytes));
  if (last === undefined || sequence <= last) return;
  report('sequence-behind', `its sequence is ${sequence}, and the last one given was ${last}`);
}

function isObjectKey(bytes: Uint8Array): boolean {
  if (!isUtf8(bytes)) return false;
  try {
    assertKey(asBuffer(bytes).toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
