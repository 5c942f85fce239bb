/**
 * How cases change the rows of a store.
 *
 * @module
 */

import { crc32 } from 'node:zlib';

import type { FindingClass } from '#src/maintenance/findings.js';
import type { Table, WriteView } from '#src/metadata/environment.js';
import { bucketIdKey, objectKey, partKey } from '#src/metadata/keys.js';
import { encodeLayout } from '#src/metadata/payload-records.js';
import {
  decodeCounters,
  decodeObject,
  decodePart,
  encodeCounters,
  encodeObject,
  encodePart,
  type CountersRecord,
  type ObjectRecord,
  type PartRecord,
} from '#src/metadata/records.js';

import type { FsckStore, StoredFiles } from './fsck-store.js';

export interface FsckCase {
  readonly what: string;
  readonly damage: (store: FsckStore) => unknown;
  readonly classes: readonly FindingClass[];
  /** Part of the object named by at least one finding. */
  readonly object?: string;
}

export const UNKNOWN_ID = 'f'.repeat(32);
export const UNKNOWN_UPLOAD = `${'0'.repeat(12)}${'z'.repeat(20)}`;

export const rowKeyOf = ({ bucketId }: FsckStore, key: string): Buffer => objectKey(bucketId, key);

/** Gives a row another value. */
export const rewrite = (
  store: FsckStore,
  table: Table,
  key: Buffer,
  change: (value: Buffer) => Buffer,
): Promise<void> =>
  store.change((txn) => {
    const value = txn.get(table, key);
    if (value === undefined) throw new Error(`there is no such row of ${table}`);
    txn.put(table, key, change(Buffer.from(value)));
  });
export const move = (store: FsckStore, table: Table, from: Buffer, to: Buffer): Promise<void> =>
  store.change((txn) => {
    const value = Buffer.from(txn.get(table, from) ?? []);
    txn.remove(table, from);
    txn.put(table, to, value);
  });
export const put = (store: FsckStore, table: Table, key: Buffer, value: Buffer): Promise<void> =>
  store.change((txn) => txn.put(table, key, value));
export const remove = (store: FsckStore, table: Table, key: Buffer): Promise<void> =>
  store.change((txn) => txn.remove(table, key));

export const changeObject = (
  store: FsckStore,
  key: string,
  change: (one: ObjectRecord) => object,
) =>
  rewrite(store, 'objects', rowKeyOf(store, key), (value) => {
    const record = decodeObject(value);
    return encodeObject({ ...record, ...change(record) });
  });
export const changePart = (store: FsckStore, change: (one: PartRecord) => object) =>
  rewrite(store, 'parts', partKey(store.uploadId, 1), (value) => {
    const record = decodePart(value);
    return encodePart({ ...record, ...change(record) });
  });
export const changeCounters = (store: FsckStore, change: (one: CountersRecord) => object) =>
  rewrite(store, 'counters', bucketIdKey(store.bucketId), (value) => {
    const record = decodeCounters(value);
    return encodeCounters({ ...record, ...change(record) });
  });
export const flipped = (value: Buffer): Buffer => {
  value.writeUInt8(value.readUInt8(value.length - 1) ^ 1, value.length - 1);
  return value;
};
export const ofFormat2 = (value: Buffer): Buffer => {
  value.writeUInt8(2, 0);
  value.writeUInt32LE(crc32(value.subarray(5), crc32(Buffer.of(2))), 1);
  return value;
};
export const copyOfObject = (txn: WriteView, store: FsckStore, to: Buffer): void => {
  txn.put('objects', to, Buffer.from(txn.get('objects', rowKeyOf(store, 'inline')) ?? []));
};
export const newLayout = encodeLayout({
  ...{ sizeBytes: 0, blockSizeBytes: 262_144, blockChecksums: new Uint32Array() },
});
export const plainFiles = ({ files }: FsckStore): StoredFiles => files('plain');
