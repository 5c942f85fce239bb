/**
 * Inconsistencies of the index, and the classes under which fsck must tell of each.
 *
 * @module
 */

import {
  blobIdKey,
  bucketIdKey,
  bucketKey,
  configurationKey,
  garbageKey,
  manifestKey,
  NEXT_BUCKET_ID_KEY,
  objectKey,
  partKey,
  SEQUENCE_KEY,
  sequenceKey,
  uploadKey,
} from '#src/metadata/keys.js';
import {
  decodeLayout,
  decodeManifest,
  encodeGarbage,
  encodeInline,
  encodeLayout,
  encodeManifest,
} from '#src/metadata/payload-records.js';
import { encodeNumber } from '#src/metadata/record-codec.js';
import {
  decodeBucket,
  encodeBucket,
  encodeConfiguration,
  encodeCounters,
} from '#src/metadata/records.js';

import {
  UNKNOWN_ID,
  UNKNOWN_UPLOAD,
  rowKeyOf,
  rewrite,
  move,
  put,
  remove,
  changeObject,
  changePart,
  changeCounters,
  flipped,
  ofFormat2,
  copyOfObject,
  newLayout,
  plainFiles,
  type FsckCase,
} from './fsck-changes.js';
import { BUCKET, EMPTY_BUCKET } from './fsck-store.js';

export const INDEX_CASES: readonly FsckCase[] = [
  {
    what: 'a flipped bit in an object record',
    classes: ['record-damaged'],
    object: 'bucket/inline',
    damage: (store) => rewrite(store, 'objects', rowKeyOf(store, 'inline'), flipped),
  },
  {
    what: 'a flipped bit in a bucket record',
    classes: ['record-damaged'],
    object: EMPTY_BUCKET,
    damage: (store) => rewrite(store, 'buckets', bucketKey(EMPTY_BUCKET), flipped),
  },
  {
    what: 'a flipped bit in an inline payload',
    classes: ['record-damaged'],
    damage: (store) =>
      rewrite(store, 'inline', sequenceKey(store.object('inline').sequence), flipped),
  },
  {
    what: 'a record without an end',
    classes: ['record-damaged'],
    damage: (store) =>
      rewrite(store, 'layouts', blobIdKey(plainFiles(store).blobId), (value) =>
        value.subarray(0, 9),
      ),
  },
  {
    what: 'a number record that is damaged',
    classes: ['record-damaged'],
    object: 'sequence',
    damage: (store) => rewrite(store, 'system', SEQUENCE_KEY, flipped),
  },
  {
    what: 'a record of a later version',
    classes: ['record-newer'],
    object: 'bucket/inline',
    damage: (store) => rewrite(store, 'objects', rowKeyOf(store, 'inline'), ofFormat2),
  },
  {
    what: 'an object key with a NUL',
    classes: ['bad-key'],
    damage: (store) =>
      move(store, 'objects', rowKeyOf(store, 'inline'), rowKeyOf(store, 'in\0line')),
  },
  {
    what: 'an object key that is no UTF-8',
    classes: ['bad-key'],
    damage: (store) =>
      move(
        store,
        'objects',
        rowKeyOf(store, 'inline'),
        Buffer.concat([rowKeyOf(store, 'in'), Buffer.of(0xc3, 0x28)]),
      ),
  },
  {
    what: 'an object key that climbs',
    classes: ['bad-key'],
    damage: (store) => move(store, 'objects', rowKeyOf(store, 'inline'), rowKeyOf(store, '../up')),
  },
  {
    what: 'an upload id in capitals',
    classes: ['bad-key'],
    damage: (store) =>
      move(
        store,
        'uploads',
        uploadKey(store.bucketId, 'begun', store.emptyUploadId),
        uploadKey(store.bucketId, 'begun', store.emptyUploadId.toUpperCase()),
      ),
  },
  {
    what: 'a garbage row with a short key',
    classes: ['bad-key'],
    damage: (store) =>
      put(
        store,
        'garbage',
        garbageKey(1, 0).subarray(0, 8),
        encodeGarbage({ kind: 'blob', bucket: BUCKET, key: 'gone', blobId: UNKNOWN_ID }),
      ),
  },
  {
    what: 'no format',
    classes: ['system-record-missing'],
    damage: (store) => remove(store, 'system', Buffer.from('format')),
  },
  {
    what: 'no sequence',
    classes: ['system-record-missing'],
    damage: (store) => remove(store, 'system', SEQUENCE_KEY),
  },
  {
    what: 'a sequence of the past',
    classes: ['sequence-behind'],
    damage: (store) => put(store, 'system', SEQUENCE_KEY, encodeNumber(1)),
  },
  {
    what: 'a bucket with a bad name',
    classes: ['bad-bucket-name'],
    damage: (store) => move(store, 'buckets', bucketKey(EMPTY_BUCKET), bucketKey('Bad_Name')),
  },
  {
    what: 'two buckets with one id',
    classes: ['bucket-id-shared'],
    damage: (store) =>
      rewrite(store, 'buckets', bucketKey(EMPTY_BUCKET), (value) => value).then(() =>
        store.change((txn) =>
          txn.put(
            'buckets',
            bucketKey('another'),
            Buffer.from(txn.get('buckets', bucketKey(EMPTY_BUCKET)) ?? []),
          ),
        ),
      ),
  },
  {
    what: 'a bucket id that was not given',
    classes: ['bucket-id-unissued'],
    damage: (store) =>
      rewrite(store, 'buckets', bucketKey(EMPTY_BUCKET), (value) =>
        encodeBucket({ ...decodeBucket(value), id: 77 }),
      ),
  },
  {
    what: 'no next bucket id',
    classes: ['bucket-id-unissued'],
    damage: (store) => remove(store, 'system', NEXT_BUCKET_ID_KEY),
  },
  {
    what: 'a configuration of no bucket',
    classes: ['row-without-bucket'],
    damage: (store) =>
      put(
        store,
        'configurations',
        configurationKey(999, 'tagging'),
        encodeConfiguration({ document: '' }),
      ),
  },
  {
    what: 'counters of no bucket',
    classes: ['row-without-bucket'],
    damage: (store) =>
      put(
        store,
        'counters',
        bucketIdKey(999),
        encodeCounters({ objectCount: 0, objectBytes: 0, uploadCount: 0 }),
      ),
  },
  {
    what: 'an object of no bucket',
    classes: ['row-without-bucket'],
    damage: (store) => store.change((txn) => copyOfObject(txn, store, objectKey(999, 'key'))),
  },
  {
    what: 'a count of objects that is one too high',
    classes: ['counters-wrong'],
    object: BUCKET,
    damage: (store) => changeCounters(store, (one) => ({ objectCount: one.objectCount + 1 })),
  },
  {
    what: 'a count of bytes that is one too low',
    classes: ['counters-wrong'],
    damage: (store) => changeCounters(store, (one) => ({ objectBytes: one.objectBytes - 1 })),
  },
  {
    what: 'a count of uploads that is wrong',
    classes: ['counters-wrong'],
    damage: (store) => changeCounters(store, (one) => ({ uploadCount: one.uploadCount + 5 })),
  },
  {
    what: 'no counters',
    classes: ['counters-wrong'],
    damage: (store) => remove(store, 'counters', bucketIdKey(store.bucketId)),
  },
  {
    what: 'a lost object',
    classes: ['counters-wrong', 'inline-payload-unused'],
    damage: (store) => remove(store, 'objects', rowKeyOf(store, 'inline')),
  },
  {
    what: 'no inline payload',
    classes: ['inline-payload-missing'],
    object: 'bucket/inline',
    damage: (store) => remove(store, 'inline', sequenceKey(store.object('inline').sequence)),
  },
  {
    what: 'an inline payload of another size',
    classes: ['inline-payload-wrong'],
    damage: (store) =>
      put(
        store,
        'inline',
        sequenceKey(store.object('inline').sequence),
        encodeInline(Buffer.alloc(3)),
      ),
  },
  {
    what: 'an inline payload of other bytes',
    classes: ['inline-payload-wrong'],
    damage: (store) =>
      put(
        store,
        'inline',
        sequenceKey(store.object('inline').sequence),
        encodeInline(Buffer.alloc(store.object('inline').sizeBytes)),
      ),
  },
  {
    what: 'an inline payload of nobody',
    classes: ['inline-payload-unused'],
    damage: (store) => put(store, 'inline', sequenceKey(1), encodeInline(Buffer.alloc(3))),
  },
  {
    what: 'no layout',
    classes: ['layout-missing'],
    object: 'bucket/plain',
    damage: (store) => remove(store, 'layouts', blobIdKey(plainFiles(store).blobId)),
  },
  {
    what: 'a layout of another size',
    classes: ['layout-differs'],
    damage: (store) => put(store, 'layouts', blobIdKey(plainFiles(store).blobId), newLayout),
  },
  {
    what: 'a layout of nobody',
    classes: ['layout-unused'],
    damage: (store) => put(store, 'layouts', blobIdKey(UNKNOWN_ID), newLayout),
  },
  {
    what: 'a layout with other checksums',
    classes: ['data-damaged', 'sidecar-differs'],
    damage: (store) =>
      rewrite(store, 'layouts', blobIdKey(plainFiles(store).blobId), (value) => {
        const layout = decodeLayout(value);
        return encodeLayout({
          ...layout,
          blockChecksums: layout.blockChecksums.map((one) => one ^ 1),
        });
      }),
  },
  {
    what: 'no manifest',
    classes: ['manifest-missing'],
    damage: (store) => remove(store, 'manifests', manifestKey(store.uploadId)),
  },
  {
    what: 'a manifest without the last part',
    classes: ['manifest-differs'],
    damage: (store) =>
      rewrite(store, 'manifests', manifestKey(store.uploadId), (value) =>
        encodeManifest({ parts: decodeManifest(value).parts.slice(0, -1) }),
      ),
  },
  {
    what: 'a manifest of nobody',
    classes: ['manifest-unused'],
    damage: (store) =>
      put(store, 'manifests', manifestKey(UNKNOWN_UPLOAD), encodeManifest({ parts: [] })),
  },
  {
    what: 'no row of a part',
    classes: ['layout-unused', 'part-missing'],
    damage: (store) => remove(store, 'parts', partKey(store.uploadId, 1)),
  },
  {
    what: 'a part of nobody',
    classes: ['part-unused'],
    damage: (store) =>
      store.change((txn) => {
        txn.put(
          'parts',
          partKey(UNKNOWN_UPLOAD, 1),
          Buffer.from(txn.get('parts', partKey(store.uploadId, 1)) ?? []),
        );
      }),
  },
  {
    what: 'a part with another ETag',
    classes: ['manifest-differs', 'sidecar-differs'],
    damage: (store) => changePart(store, () => ({ md5Hex: UNKNOWN_ID })),
  },
  {
    what: 'a living blob among the garbage',
    classes: ['garbage-in-use'],
    damage: (store) =>
      put(
        store,
        'garbage',
        garbageKey(2, 0),
        encodeGarbage({
          kind: 'blob',
          bucket: BUCKET,
          key: 'plain',
          blobId: plainFiles(store).blobId,
        }),
      ),
  },
  {
    what: 'a living part among the garbage',
    classes: ['garbage-in-use'],
    damage: (store) =>
      put(
        store,
        'garbage',
        garbageKey(2, 0),
        encodeGarbage({ kind: 'blob', bucket: BUCKET, key: 'parts', blobId: store.part(1).blobId }),
      ),
  },
  {
    what: 'a living upload among the garbage',
    classes: ['garbage-in-use'],
    damage: (store) =>
      put(
        store,
        'garbage',
        garbageKey(2, 0),
        encodeGarbage({
          kind: 'upload',
          bucket: BUCKET,
          key: 'parts',
          uploadId: store.uploadId,
          blobId: '',
        }),
      ),
  },
  {
    what: 'an object with another ETag',
    classes: ['sidecar-differs'],
    damage: (store) => changeObject(store, 'plain', () => ({ md5Hex: UNKNOWN_ID })),
  },
  {
    what: 'an object with another type',
    classes: ['sidecar-differs'],
    damage: (store) =>
      changeObject(store, 'plain', ({ attributes }) => ({
        attributes: { ...attributes, contentType: 'text/x-other' },
      })),
  },
  {
    what: 'an object with other tags',
    classes: ['sidecar-differs'],
    damage: (store) =>
      changeObject(store, 'plain', () => ({ tags: [{ key: 'another', value: 'tag' }] })),
  },
];
