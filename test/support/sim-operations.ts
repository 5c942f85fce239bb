/**
 * The operations whose crashes and failures are tried, and the store they begin on.
 *
 * @module
 */

import assert from 'node:assert/strict';

import { S3Error } from '#src/s3/errors.js';
import type { OpenStore } from '#src/store/open-store.js';
import type { Upload } from '#src/store/store.js';

import { checksumOf, piecesOf } from '../model/store-bytes.js';
import { bytesOf, md5, type Payload } from '../model/system.js';
import { currentImage } from './crash-images.js';
import { SimDisk } from './sim-disk.js';
import { BASE, dumpOf, openSimStore, type IndexDump, type SimStore } from './sim-store.js';

/** Three sectors, the last not full. */
const LARGE_BYTES = 1500;
const SMALL_BYTES = 20;
const OLD = 'old';
const UPLOADED = 'uploaded';

/** By name: what a step does. One that the store refuses has done nothing. */
export const SIM_OPERATIONS: Readonly<Record<string, (store: OpenStore) => Promise<unknown>>> = {
  putSmall: (store) => put(store, 'new', { seed: 1, sizeBytes: SMALL_BYTES }),
  putLarge: (store) => put(store, 'new', { seed: 2, sizeBytes: LARGE_BYTES }),
  overwrite: (store) => put(store, OLD, { seed: 3, sizeBytes: LARGE_BYTES + 1 }),
  remove: (store) => store.deleteObject({ bucket: 'bucket', key: OLD }),
  copy: async (store) => {
    const source = store.headObject('bucket', OLD);
    await store.copyObject({
      ...{ source, bucket: 'fresh', key: 'copy', attributes: source.attributes, tags: [] },
      ...{ checksumAlgorithm: undefined, conditions: {} },
    });
  },
  uploadPart: async (store) => {
    const bytes = bytesOf({ seed: 4, sizeBytes: LARGE_BYTES });
    await using staged = await store.stagePart({
      ...{ ...uploadOf(store), partNumber: 2, sizeBytes: undefined },
    });
    await staged.write(Uint8Array.from(bytes));
    await staged.commit({ etag: md5(bytes), checksum: checksumOf('CRC64NVME', bytes) });
  },
  complete: async (store) => {
    const upload = uploadOf(store);
    const { parts } = store.listParts(upload, 0, 10);
    await store.completeUpload({
      ...{ bucket: upload.bucket, key: upload.key, uploadId: upload.uploadId, conditions: {} },
      parts: parts.map(({ partNumber, etag }) => ({ partNumber, etag, checksums: {} })),
      ...{ expectedChecksum: undefined, expectedChecksumType: undefined },
      ...{ expectedSizeBytes: undefined, partSizeBytesMin: 1024 },
      objectSizeBytesMax: Number.MAX_SAFE_INTEGER,
    });
  },
  abort: (store) => {
    const { bucket, key, uploadId } = uploadOf(store);
    return store.abortUpload(bucket, key, uploadId);
  },
  append: async (store) => {
    const bytes = bytesOf({ seed: 5, sizeBytes: LARGE_BYTES });
    const base = store.findObject('bucket', OLD);
    await using staged = await store.stageAppend({
      ...{ bucket: 'bucket', key: OLD, base, offsetBytes: base?.sizeBytes ?? 0 },
      ...{ sizeBytes: bytes.byteLength, partsCountMax: 100 },
    });
    await staged.write(Uint8Array.from(bytes));
    await staged.commit({
      ...{ attributes: { userMetadata: {} }, tags: [], etag: md5(bytes), conditions: {} },
      checksum: checksumOf(base?.checksum?.algorithm ?? 'CRC32', bytes),
    });
  },
  rename: (store) =>
    store.renameObject({
      ...{ bucket: 'bucket', sourceKey: OLD, key: 'renamed', conditions: {} },
      ...{ sourceConditions: undefined, memory: undefined },
    }),
  setTags: (store) => {
    const tags = [{ key: 'tag', value: 'value' }];
    return store.setObjectTags({ bucket: 'bucket', key: OLD, versionId: undefined, tags });
  },
  sweepGarbage: (store) => store.reclaimer.reclaimGarbage(() => true),
  sweepStaging: async (store) => {
    for (const dead of await store.reclaimer.stagingIncarnations()) {
      if (dead !== 'p1') await store.reclaimer.sweepIncarnation(dead);
    }
  },
  walkOrphans: (store) => store.reclaimer.sweepOrphans(-1),
};

/** A disk and an index that operations begin on, at rest. */
export interface Beginning {
  readonly dump: IndexDump;
  /** A disk of its own at each call. */
  disk(): SimDisk;
}

/**
 * A large object, an upload with a part, a replaced object that is not swept yet, what a killed
 * process had staged, and an orphan without a mark.
 */
export async function simBeginning(): Promise<Beginning> {
  const disk = new SimDisk();
  await disk.mkdir(BASE, {});
  const living = await openSimStore(disk, undefined, 'p0');
  const { store, index } = living;
  for (const bucket of ['bucket', 'fresh']) {
    await store.createBucket({ bucket, account: 'main', region: 'us-east-1' });
  }
  await put(store, OLD, { seed: 6, sizeBytes: LARGE_BYTES });
  await put(store, 'replaced', { seed: 7, sizeBytes: LARGE_BYTES });
  await put(store, 'replaced', { seed: 8, sizeBytes: SMALL_BYTES });
  await store.createUpload({
    ...{ bucket: 'bucket', key: UPLOADED, attributes: { userMetadata: {} }, tags: [] },
    ...{ checksumAlgorithm: undefined, checksumType: 'FULL_OBJECT', account: 'main' },
  });
  const part = bytesOf({ seed: 9, sizeBytes: LARGE_BYTES });
  const stagedPart = await store.stagePart({
    ...{ ...uploadOf(store), partNumber: 1, sizeBytes: undefined },
  });
  await stagedPart.write(Uint8Array.from(part));
  await stagedPart.commit({ etag: md5(part), checksum: checksumOf('CRC64NVME', part) });
  for (const key of ['abandoned', 'orphan']) {
    const staged = await store.stageObject({ bucket: 'bucket', key, sizeBytes: LARGE_BYTES });
    await staged.write(new Uint8Array(LARGE_BYTES));
    if (key === 'orphan') await removeMarks(disk);
  }
  const image = currentImage(disk.root);
  return { dump: dumpOf(index), disk: () => new SimDisk(image.restore()) };
}

/** Opens it as the process whose crashes are tried, with nothing left to be flushed. */
export async function openBeginning(
  beginning: Beginning,
  onCommit?: () => void,
): Promise<{ disk: SimDisk; living: SimStore }> {
  const first = beginning.disk();
  await openSimStore(first, undefined, 'p1');
  const disk = new SimDisk(currentImage(first.root).restore());
  return { disk, living: await openSimStore(disk, beginning.dump, 'p1', onCommit) };
}

async function put(store: OpenStore, key: string, payload: Payload): Promise<void> {
  const bytes = bytesOf(payload);
  await using staged = await store.stageObject({
    ...{ bucket: 'bucket', key, sizeBytes: bytes.byteLength },
  });
  for (const piece of piecesOf(payload)) await staged.write(piece);
  await staged.commit({
    ...{ attributes: { userMetadata: {} }, tags: [], etag: md5(bytes), conditions: {} },
    checksum: checksumOf('CRC32', bytes),
  });
}

/** The upload, whether it is still there or not: then the store refuses. */
function uploadOf(store: OpenStore): Upload {
  const markers = { keyMarker: '', uploadIdMarker: '', countMax: 1 };
  const page = store.listUploads({ bucket: 'bucket', prefix: '', delimiter: '', ...markers });
  const [upload] = page.uploads;
  if (upload === undefined) throw new S3Error('NoSuchUpload');
  return upload;
}

async function removeMarks(disk: SimDisk): Promise<void> {
  const path = `${BASE}/.s3ish/staging/p0`;
  const marks: string[] = [];
  for await (const { name } of await disk.opendir(path)) marks.push(name);
  assert(marks.length > 0);
  const newest = marks.sort().at(-1) ?? '';
  await disk.unlink(`${path}/${newest}`);
}
