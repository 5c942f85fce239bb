/** Records: fields come back, damage is seen, and any body in a whole frame is read or refused. */

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { DamagedRecordError, RecordReader, RecordWriter } from '#src/metadata/record-codec.js';
import * as payloadRecords from '#src/metadata/payload-records.js';
import * as records from '#src/metadata/records.js';
import { NewerFormatError } from '#src/util/newer-format-error.js';

import { fuzzTarget, property } from '../../support/fuzz.js';

type Field =
  | { readonly kind: 'u8' | 'varint'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: readonly number[] };

/** Every decoder with its encoder. */
const CODECS = {
  bucket: [records.decodeBucket, records.encodeBucket],
  counters: [records.decodeCounters, records.encodeCounters],
  object: [records.decodeObject, records.encodeObject],
  upload: [records.decodeUpload, records.encodeUpload],
  part: [records.decodePart, records.encodePart],
  layout: [payloadRecords.decodeLayout, payloadRecords.encodeLayout],
  manifest: [payloadRecords.decodeManifest, payloadRecords.encodeManifest],
  garbage: [payloadRecords.decodeGarbage, payloadRecords.encodeGarbage],
  inline: [payloadRecords.decodeInline, payloadRecords.encodeInline],
} as const;

const BYTE = fc.integer({ min: 0, max: 255 });
const FIELDS: fc.Arbitrary<Field[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('u8' as const), value: BYTE }),
    fc.record({ kind: fc.constant('varint' as const), value: fc.maxSafeNat() }),
    fc.record({ kind: fc.constant('text' as const), value: fc.string({ unit: 'binary' }) }),
    fc.record({ kind: fc.constant('bytes' as const), value: fc.array(BYTE, { maxLength: 40 }) }),
  ),
  { maxLength: 12 },
);
/** Small numbers are lengths and members of lists; the rest are continued and too long ones. */
const BODY = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.nat(12) }, fc.constantFrom(16, 0x7f, 0x80, 0xff), BYTE),
  { maxLength: 60 },
);

fuzzTarget('record-codec', {
  'RecordReader reads every field back': property(FIELDS, (fields) => {
    const reader = new RecordReader(recordOf(fields), 1, 'test');
    for (const { kind, value } of fields) {
      const found: unknown = reader[kind]();
      assert.deepEqual(kind === 'bytes' ? [...(found as Buffer)] : found, value);
    }
    assert.equal(reader.rest().length, 0);
  }),
  'a record with one damaged byte, or cut anywhere, is refused': property(
    fc.record({ fields: FIELDS, at: fc.nat(), flips: fc.integer({ min: 1, max: 255 }) }),
    ({ fields, at, flips }) => {
      const record = recordOf(fields);
      const index = at % record.length;
      const damaged = Buffer.from(record);
      damaged[index] = (damaged[index] ?? 0) ^ flips;
      for (const bytes of [damaged, record.subarray(0, index)]) {
        assert.throws(() => new RecordReader(bytes, 1, 'test'), DamagedRecordError);
      }
    },
  ),
  'any body in a whole frame is a record that is written back the same, or is refused': property(
    fc.record({ kind: fc.constantFrom(...objectKeys(CODECS)), body: BODY }),
    ({ kind, body }) => {
      const [decode, encode] = CODECS[kind] as readonly [
        (bytes: Uint8Array) => unknown,
        (record: unknown) => Buffer,
      ];
      const record = decodedOr(() => decode(frameOf(body)));
      if (record !== undefined) assert.deepEqual(decode(encode(record)), record);
    },
    2000,
  ),
});

function objectKeys<Key extends string>(table: Readonly<Record<Key, unknown>>): Key[] {
  return Object.keys(table) as Key[];
}

function recordOf(fields: readonly Field[]): Buffer {
  const writer = new RecordWriter().start(1);
  for (const { kind, value } of fields) {
    if (kind === 'bytes') writer.bytes(Uint8Array.from(value));
    else if (kind === 'text') writer.text(value);
    else writer[kind](value);
  }
  return writer.finish();
}

function frameOf(body: readonly number[]): Buffer {
  return new RecordWriter().start(1).raw(Uint8Array.from(body)).finish();
}

function decodedOr(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    const isRefusal = error instanceof DamagedRecordError || error instanceof NewerFormatError;
    assert.ok(isRefusal, String(error));
    return undefined;
  }
}
