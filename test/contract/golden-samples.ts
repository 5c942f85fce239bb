/**
 * One sample of everything that format 1 writes. Their bytes are in test/golden/format-1 and were
 * written once: a change that makes a sample differ from them is a new format.
 *
 * @module
 */

import * as keys from '#src/metadata/keys.js';
import { encodeNumber } from '#src/metadata/record-codec.js';
import * as payloadRecords from '#src/metadata/payload-records.js';
import * as records from '#src/metadata/records.js';
import { withRenameMemory } from '#src/metadata/rename-memory.js';
import { CHECKSUM_ALGORITHMS } from '#src/s3/checksums.js';
import type { ChecksumAlgorithm, ObjectAttributes } from '#src/s3/object-attributes.js';
import { corsConfigurationDocument } from '#src/wire/documents/cors-configuration.js';
import type { Tags } from '#src/s3/tags.js';
import type { Sidecar } from '#src/store/sidecar.js';

const BLOB_ID = '0123456789abcdef0123456789abcdef';
const UPLOAD_ID = '0123456789abgoldengoldengolden12';
const MD5 = '00112233445566778899aabbccddeeff';
const NOW_MS = 1_700_000_000_123;

const ATTRIBUTES: ObjectAttributes = {
  contentType: 'text/plain',
  cacheControl: 'no-cache',
  contentDisposition: 'inline',
  contentEncoding: 'gzip',
  contentLanguage: 'en',
  expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
  websiteRedirectLocation: '/elsewhere',
  storageClass: 'STANDARD_IA',
  userMetadata: { name: 'value', näme: '' },
};
const NO_ATTRIBUTES: ObjectAttributes = { userMetadata: {} };
const TAGS: Tags = [
  { key: 'näme', value: 'a b+c/é' },
  { key: 'empty', value: '' },
];

const OBJECT: records.ObjectRecord = {
  sequence: 300,
  versionId: '',
  sizeBytes: 5 * 1024 ** 4,
  md5Hex: MD5,
  partsCount: 0,
  lastModifiedMs: NOW_MS,
  checksum: undefined,
  placement: { kind: 'inline' },
  attributes: NO_ATTRIBUTES,
  tags: [],
};

const UPLOAD: records.UploadRecord = {
  initiatedMs: NOW_MS,
  revision: 3,
  startSequence: 299,
  isKeyDeleted: false,
  account: 'main',
  checksumAlgorithm: undefined,
  checksumType: 'FULL_OBJECT',
  attributes: NO_ATTRIBUTES,
  tags: [],
};

function partWith(algorithm: ChecksumAlgorithm): records.PartRecord {
  const checksum = { algorithm, type: 'FULL_OBJECT', value: 'AQIDBA==' } as const;
  return { blobId: BLOB_ID, sizeBytes: 5, md5Hex: MD5, lastModifiedMs: NOW_MS, checksum };
}

interface RecordSample {
  readonly written: Uint8Array;
  /** What reading gives again, and the value it must be. */
  readonly read: (bytes: Uint8Array) => unknown;
  readonly value: unknown;
}

function sample<Value>(
  encode: (value: Value) => Uint8Array,
  read: (bytes: Uint8Array) => Value,
  value: Value,
): RecordSample {
  return { written: encode(value), read, value };
}

const object = (more: Partial<records.ObjectRecord>): RecordSample =>
  sample(records.encodeObject, records.decodeObject, { ...OBJECT, ...more });
const upload = (more: Partial<records.UploadRecord>): RecordSample =>
  sample(records.encodeUpload, records.decodeUpload, { ...UPLOAD, ...more });

export const RECORD_SAMPLES: Readonly<Record<string, RecordSample>> = {
  bucket: sample(records.encodeBucket, records.decodeBucket, {
    ...{ id: 7, account: 'main', region: 'eu-west-1', createdMs: NOW_MS },
  }),
  'bucket with an extension': sample(records.encodeBucket, records.decodeBucket, {
    ...{ id: 7, account: 'main', region: 'eu-west-1', createdMs: NOW_MS },
    extensions: [{ tag: 200, content: Uint8Array.of(1, 2, 3) }],
  }),
  configuration: sample(records.encodeConfiguration, records.decodeConfiguration, {
    document: '<Tagging><TagSet><Tag><Key>é</Key><Value></Value></Tag></TagSet></Tagging>',
  }),
  'configuration cors': sample(records.encodeConfiguration, records.decodeConfiguration, {
    document: corsConfigurationDocument([
      {
        ...{ id: 'é', allowedHeaders: ['x-*'], allowedMethods: ['GET', 'PUT'] },
        ...{ allowedOrigins: ['*'], exposeHeaders: ['ETag'], maxAgeSeconds: 3000 },
      },
    ]),
  }),
  counters: sample(records.encodeCounters, records.decodeCounters, {
    ...{ objectCount: 3, objectBytes: Number.MAX_SAFE_INTEGER, uploadCount: 1 },
  }),
  'object inline': object({}),
  'object plain': object({
    versionId: 'AAAAAAAAASwAAAAAAAAAAAAAAAAAAAAA',
    checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AQIDBAUGBwg=' },
    placement: { kind: 'plain', blobId: BLOB_ID },
    attributes: ATTRIBUTES,
  }),
  'object of parts': object({
    partsCount: 2,
    checksum: { algorithm: 'SHA1', type: 'COMPOSITE', value: 'AQIDBA==' },
    placement: { kind: 'parts', blobId: BLOB_ID, uploadId: UPLOAD_ID },
  }),
  'object renamed with a token': object({
    extensions: withRenameMemory({}, { parameters: '0f'.repeat(32), token: 'token-1' }),
  }),
  'object with tags': object({ tags: TAGS }),
  'object with tags between extensions': object({
    tags: TAGS,
    extensions: [
      { tag: 0, content: Uint8Array.of(1) },
      { tag: 200, content: Uint8Array.of(2, 3) },
    ],
  }),
  'upload plain': upload({}),
  'upload with tags': upload({ tags: TAGS }),
  'upload with everything': upload({
    isKeyDeleted: true,
    checksumAlgorithm: 'CRC32C',
    checksumType: 'COMPOSITE',
    attributes: ATTRIBUTES,
  }),
  ...Object.fromEntries(
    CHECKSUM_ALGORITHMS.map((algorithm) => [
      `part ${algorithm}`,
      sample(records.encodePart, records.decodePart, partWith(algorithm)),
    ]),
  ),
  layout: sample(payloadRecords.encodeLayout, payloadRecords.decodeLayout, {
    ...{ sizeBytes: 262_145, blockSizeBytes: 262_144 },
    blockChecksums: Uint32Array.of(0x01020304, 0xfffefdfc),
  }),
  'layout empty': sample(payloadRecords.encodeLayout, payloadRecords.decodeLayout, {
    ...{ sizeBytes: 0, blockSizeBytes: 262_144, blockChecksums: new Uint32Array() },
  }),
  manifest: sample(payloadRecords.encodeManifest, payloadRecords.decodeManifest, {
    parts: [
      { partNumber: 1, sizeBytes: 5_242_880 },
      { partNumber: 10_000, sizeBytes: 1 },
    ],
  }),
  'garbage blob': sample(payloadRecords.encodeGarbage, payloadRecords.decodeGarbage, {
    ...{ kind: 'blob', bucket: 'bucket', key: 'a/é', blobId: BLOB_ID },
  }),
  'garbage upload': sample(payloadRecords.encodeGarbage, payloadRecords.decodeGarbage, {
    ...{ kind: 'upload', bucket: 'bucket', key: 'a/é', uploadId: UPLOAD_ID, blobId: BLOB_ID },
  }),
  'garbage aborted upload': sample(payloadRecords.encodeGarbage, payloadRecords.decodeGarbage, {
    ...{ kind: 'upload', bucket: 'bucket', key: 'a/é', uploadId: UPLOAD_ID, blobId: '' },
  }),
  inline: sample<Uint8Array>(
    payloadRecords.encodeInline,
    payloadRecords.decodeInline,
    Buffer.from('payload'),
  ),
};

export const KEY_SAMPLES: Readonly<Record<string, Uint8Array>> = {
  'buckets key': keys.bucketKey('my.bucket'),
  'configurations key': keys.configurationKey(258, 'tagging'),
  'counters key': keys.bucketIdKey(258),
  'objects key': keys.objectKey(258, 'a/é'),
  'versions key': keys.versionKey(258, 'a/é', 300),
  'inline key': keys.sequenceKey(300),
  'layouts key': keys.blobIdKey(BLOB_ID),
  'manifests key': keys.manifestKey(UPLOAD_ID),
  'uploads key': keys.uploadKey(258, 'a/é', UPLOAD_ID),
  'parts key': keys.partKey(UPLOAD_ID, 10_000),
  'garbage key': keys.garbageKey(300, 2),
  'system keys': Buffer.concat([
    ...[keys.SEQUENCE_KEY, keys.EPOCH_KEY, keys.NEXT_BUCKET_ID_KEY, keys.FORMAT_KEY],
  ]),
  'system number': encodeNumber(258),
};

const SIDECAR = {
  bucket: 'bucket',
  key: 'a/é',
  blobId: BLOB_ID,
  lastModifiedMs: NOW_MS,
  md5: MD5,
} as const;

export const SIDECAR_LAYOUT = {
  sizeBytes: 262_145,
  blockSizeBytes: 262_144,
  blockChecksums: Uint32Array.of(0x01020304, 0xfffefdfc),
};

const OBJECT_SIDECAR: Sidecar = {
  kind: 'object',
  ...SIDECAR,
  checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AQIDBAUGBwg=' },
  versionId: '',
  attributes: ATTRIBUTES,
  tags: [],
};

const MANIFEST_SIDECAR: Sidecar = {
  kind: 'manifest',
  ...SIDECAR,
  checksum: { algorithm: 'SHA1', type: 'COMPOSITE', value: 'AQIDBA==' },
  versionId: '',
  attributes: NO_ATTRIBUTES,
  tags: [],
  uploadId: UPLOAD_ID,
  parts: [
    { partNumber: 1, sizeBytes: 5_242_880, blobId: BLOB_ID },
    { partNumber: 10_000, sizeBytes: 1, blobId: BLOB_ID },
  ],
};

/** By the name of their file; members in the order in which they are written. */
export const SIDECAR_SAMPLES: Readonly<Record<string, Sidecar>> = {
  object: OBJECT_SIDECAR,
  'object-with-tags': { ...OBJECT_SIDECAR, tags: TAGS },
  part: {
    kind: 'part',
    ...SIDECAR,
    checksum: { algorithm: 'SHA256', type: 'FULL_OBJECT', value: 'AQIDBA==' },
    uploadId: UPLOAD_ID,
    partNumber: 10_000,
  },
  manifest: MANIFEST_SIDECAR,
  'manifest-with-tags': { ...MANIFEST_SIDECAR, tags: TAGS },
};
