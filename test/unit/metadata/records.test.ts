/** Records of every kind: read back as written, and refused where a later version wrote more. */

import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { DamagedRecordError, RecordWriter } from '#src/metadata/record-codec.js';
import * as payloadRecords from '#src/metadata/payload-records.js';
import * as records from '#src/metadata/records.js';
import { CHECKSUM_ALGORITHMS } from '#src/s3/checksums.js';
import type { ObjectAttributes } from '#src/s3/object-attributes.js';
import { NewerFormatError } from '#src/util/newer-format-error.js';

const number = fc.maxSafeNat();
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const hex = (bytes: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((all) => Buffer.from(all).toString('hex'));
const type = fc.constantFrom('FULL_OBJECT', 'COMPOSITE');
const algorithm = fc.constantFrom(...CHECKSUM_ALGORITHMS);
const value = fc.uint8Array({ maxLength: 64 }).map((all) => Buffer.from(all).toString('base64'));
const checksum = fc.record({ algorithm, type, value });
const attributes: fc.Arbitrary<ObjectAttributes> = fc.record(
  {
    ...{ contentType: text, cacheControl: text, contentDisposition: text, contentEncoding: text },
    ...{ contentLanguage: text, expires: text, websiteRedirectLocation: text, storageClass: text },
    userMetadata: fc.dictionary(text, text, { noNullPrototype: true }),
  },
  { requiredKeys: ['userMetadata'] },
);
const placement = fc.oneof(
  fc.record({ kind: fc.constant('inline') }),
  fc.record({ kind: fc.constant('plain'), blobId: hex(16) }),
  fc.record({ kind: fc.constant('parts'), blobId: hex(16), uploadId: text }),
);
const tags = fc.array(fc.record({ key: text, value: text }), { maxLength: 3 });
// 2 is that of tags in records of objects and uploads.
const unknownTag = fc.nat().map((tag) => (tag === 1 ? 4 : tag * 2));
const extensions = fc
  .uniqueArray(fc.record({ tag: unknownTag, content: fc.uint8Array() }), {
    minLength: 1,
    maxLength: 3,
    selector: ({ tag }) => tag,
  })
  .map((all) => all.sort((a, b) => a.tag - b.tag));

/** What a reader gets besides its fields when it finds `{ extensions }`. */
interface Kind {
  readonly fields: Readonly<Record<string, fc.Arbitrary<unknown>>>;
  readonly encode: (record: never) => Buffer;
  readonly decode: (bytes: Uint8Array) => unknown;
}

const layoutFields = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 9 });

const KINDS: Readonly<Record<string, Kind>> = {
  bucket: {
    fields: { id: number, account: text, region: text, createdMs: number },
    encode: records.encodeBucket,
    decode: records.decodeBucket,
  },
  configuration: {
    fields: { document: text },
    encode: records.encodeConfiguration,
    decode: records.decodeConfiguration,
  },
  counters: {
    fields: { objectCount: number, objectBytes: number, uploadCount: number },
    encode: records.encodeCounters,
    decode: records.decodeCounters,
  },
  object: {
    fields: {
      ...{ sequence: number, versionId: text, sizeBytes: number, md5Hex: hex(16) },
      ...{ partsCount: number, lastModifiedMs: number, placement, attributes, tags },
      checksum: fc.option(checksum, { nil: undefined }),
    },
    encode: records.encodeObject,
    decode: records.decodeObject,
  },
  upload: {
    fields: {
      ...{ initiatedMs: number, revision: number, startSequence: number },
      ...{ isKeyDeleted: fc.boolean(), account: text, checksumType: type, attributes, tags },
      checksumAlgorithm: fc.option(algorithm, { nil: undefined }),
    },
    encode: records.encodeUpload,
    decode: records.decodeUpload,
  },
  part: {
    fields: {
      ...{ blobId: hex(16), sizeBytes: number, md5Hex: hex(16), lastModifiedMs: number, checksum },
    },
    encode: records.encodePart,
    decode: records.decodePart,
  },
  manifest: {
    fields: { parts: fc.array(fc.record({ partNumber: number, sizeBytes: number })) },
    encode: payloadRecords.encodeManifest,
    decode: payloadRecords.decodeManifest,
  },
};

for (const [name, kind] of Object.entries(KINDS)) {
  const record = fc.record({ ...kind.fields, extensions });
  test(`${name} records are read back as written, extensions and all`, () => {
    fc.assert(
      fc.property(record, ({ extensions: more, ...fields }) => {
        assert.deepEqual(plain(kind.decode(kind.encode(fields as never))), plain(fields));
        const extended = { ...fields, extensions: more };
        assert.deepEqual(plain(kind.decode(kind.encode(extended as never))), plain(extended));
      }),
    );
  });

  test(`${name} records with an extension that must be understood are refused`, () => {
    fc.assert(
      fc.property(record, (fields) => {
        const unknown = { ...fields, extensions: [{ tag: 7, content: new Uint8Array() }] };
        assert.throws(() => kind.decode(kind.encode(unknown as never)), NewerFormatError);
      }),
      { numRuns: 5 },
    );
  });
}

test('layout records are read back as written', () => {
  fc.assert(
    fc.property(layoutFields, fc.integer({ min: 0, max: 99 }), extensions, (crcs, cut, more) => {
      const blockSizeBytes = 100;
      const layout = {
        sizeBytes: crcs.length === 0 ? 0 : crcs.length * blockSizeBytes - cut,
        blockSizeBytes,
        blockChecksums: Uint32Array.from(crcs),
        extensions: more,
      };
      assert.deepEqual(
        payloadRecords.decodeLayout(payloadRecords.encodeLayout(layout)),
        plain(layout),
      );
    }),
  );
});

test('a layout record needs a checksum for every block', () => {
  const layout = { sizeBytes: 301, blockSizeBytes: 100, blockChecksums: Uint32Array.of(1, 2, 3) };
  assert.throws(
    () => payloadRecords.decodeLayout(payloadRecords.encodeLayout(layout)),
    DamagedRecordError,
  );
  const noBlocks = { ...layout, blockSizeBytes: 0 };
  assert.throws(
    () => payloadRecords.decodeLayout(payloadRecords.encodeLayout(noBlocks)),
    DamagedRecordError,
  );
});

test('garbage records are read back as written', () => {
  const place = { bucket: 'bucket', key: 'a/é', blobId: 'ab'.repeat(16) };
  for (const record of [
    { kind: 'blob', ...place },
    { kind: 'upload', ...place, uploadId: 'u'.repeat(32) },
    { kind: 'upload', ...place, uploadId: 'u'.repeat(32), blobId: '' },
  ] as const) {
    assert.deepEqual(payloadRecords.decodeGarbage(payloadRecords.encodeGarbage(record)), record);
  }
});

test('inline payloads are read back as written, and belong to the caller', () => {
  const payload = Buffer.from('payload');
  const record = payloadRecords.encodeInline(payload);
  const found = payloadRecords.decodeInline(record);
  assert.deepEqual(found, payload);
  record.fill(0);
  assert.deepEqual(found, payload);
});

test('a bucket without counters has none', () => {
  const none = { objectCount: 0, objectBytes: 0, uploadCount: 0 };
  assert.deepEqual(records.decodeCounters(undefined), none);
});

test('a part record without a checksum is damaged', () => {
  const writer = new RecordWriter();
  const record = writer.start(1).bytes(Buffer.alloc(16)).varint(1).raw(Buffer.alloc(16)).varint(1);
  assert.throws(() => records.decodePart(record.u8(0).finish()), DamagedRecordError);
});

/** Fields of an object record up to its checksum. */
function objectStart(): RecordWriter {
  const writer = new RecordWriter().start(1).varint(1).text('').varint(0).raw(Buffer.alloc(16));
  return writer.varint(0).varint(0);
}

test('numbers that a later version may give a meaning are refused', () => {
  const good = objectStart().u8(0).u8(0).varint(0).varint(0).finish();
  assert.equal(records.decodeObject(good).placement.kind, 'inline');
  const later: Readonly<Record<string, Buffer>> = {
    'checksum algorithm': objectStart().u8(11).u8(0).bytes(Buffer.alloc(4)).u8(0).finish(),
    'checksum type': objectStart().u8(1).u8(2).bytes(Buffer.alloc(4)).u8(0).finish(),
    placement: objectStart().u8(0).u8(3).bytes(Buffer.alloc(16)).finish(),
    attributes: objectStart()
      .u8(0)
      .u8(0)
      .varint(1 << 8)
      .text('x')
      .varint(0)
      .finish(),
  };
  for (const [what, record] of Object.entries(later)) {
    assert.throws(() => records.decodeObject(record), NewerFormatError, what);
  }
  const garbage = new RecordWriter().start(1).u8(3).text('b').text('k').finish();
  assert.throws(() => payloadRecords.decodeGarbage(garbage), NewerFormatError);
});

test('names of user metadata are data, not members of an object', () => {
  const userMetadata = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<
    string,
    string
  >;
  const record = records.encodeUpload({
    ...{ initiatedMs: 0, revision: 0, startSequence: 0, isKeyDeleted: false, account: 'main' },
    ...{
      checksumAlgorithm: undefined,
      checksumType: 'FULL_OBJECT',
      attributes: { userMetadata },
      tags: [],
    },
  });
  assert.deepEqual(Object.entries(records.decodeUpload(record).attributes.userMetadata), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});

/** The same without prototypes, which carry no data: user metadata has none. */
function plain(record: unknown): unknown {
  return structuredClone(record);
}
