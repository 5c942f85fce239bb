// The order that makes an acknowledged write survive a power cut: every file and directory of a
// payload is flushed before the index can name it. A kill -9 cannot show this, since the kernel
// keeps what it was given; so the flushes themselves are watched.

import assert from 'node:assert/strict';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { prepareDataPaths } from '#src/cluster/data-paths.js';
import { bumpEpoch, openStore, type OpenStore } from '#src/store/open-store.js';
import { newIncarnation } from '#src/util/ids.js';

const BUCKET = 'bucket';
const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const CHECKSUM = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AAAAAAAAAAA=' } as const;
const COMMIT = {
  ...{ attributes: { userMetadata: {} }, tags: [], etag: MD5, checksum: CHECKSUM, conditions: {} },
} as const;

interface Fixture {
  readonly store: OpenStore;
  readonly basePath: string;
  /**
   * Runs a write and lists what it flushed, relative to the data directory, ids replaced. At the
   * end of every flush the write must still be invisible.
   */
  flushesOf(isVisible: () => boolean, write: () => Promise<unknown>): Promise<string[]>;
}

async function fixture(context: TestContext): Promise<Fixture> {
  const flushes = await watchFlushes(context);
  const basePath = temporaryDirectory(context);
  const store = await openStore({
    ...{ backend: 'file', basePath, metadataPath: join(basePath, '.s3ish/metadata') },
    ...{ isFsyncEnabled: true, inlineBytesMax: 16, incarnation: newIncarnation(Date.now()) },
  });
  context.after(() => store.close());
  await store.createBucket({ bucket: BUCKET, account: 'main', region: 'us-east-1' });
  return {
    ...{ store, basePath },
    flushesOf: async (isVisible, write) => {
      flushes.paths.length = 0;
      flushes.onFlush = () => {
        store.refresh();
        assert(!isVisible(), 'nothing names the payload before its last flush');
      };
      await write();
      flushes.onFlush = () => undefined;
      store.refresh();
      assert(isVisible(), 'the write has happened');
      return flushes.paths
        .filter((path) => path === basePath || path.startsWith(`${basePath}/`))
        .map((path) => path.slice(basePath.length).replace(/[0-9a-f]{32}/, 'ID'))
        .sort();
    },
  };
}

function temporaryDirectory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 's3ish-order-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Every flush of this process from now on: the path when it has ended. */
async function watchFlushes(context: TestContext) {
  const watch = { paths: [] as string[], onFlush: (): void => undefined };
  const probe = await open('/dev/null');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  for (const method of ['sync', 'datasync'] as const) {
    const flush: () => Promise<void> = Reflect.get(prototype, method);
    context.mock.method(prototype, method, async function (this: FileHandle) {
      const path = readlinkSync(`/proc/self/fd/${this.fd}`);
      await flush.call(this);
      watch.onFlush();
      watch.paths.push(path);
    });
  }
  return watch;
}

/** What leads to a blob of the key `key`, and the blob; the first blob of a bucket adds the base. */
const BLOB_FLUSHES = [
  '/bucket',
  '/bucket/2c',
  '/bucket/2c/key',
  '/bucket/2c/key/ID',
  '/bucket/2c/key/ID/data',
  '/bucket/2c/key/ID/metadata.json',
];

async function put({ store }: Fixture, key: string, text: string): Promise<void> {
  await using staged = await store.stageObject({ bucket: BUCKET, key, sizeBytes: undefined });
  await staged.write(Buffer.from(text));
  await staged.commit(COMMIT);
}

function isThere({ store }: Fixture, key: string): () => boolean {
  return () =>
    store.listObjects({
      ...{ bucket: BUCKET, prefix: key, delimiter: '', after: '', afterIsCommonPrefix: false },
      countMax: 1,
    }).objects.length === 1;
}

test('an object is flushed with every directory above it before its record', async (context) => {
  const used = await fixture(context);
  const flushes = await used.flushesOf(isThere(used, 'key'), () =>
    put(used, 'key', 'longer than the inline limit'),
  );
  assert.deepEqual(flushes, ['', ...BLOB_FLUSHES]);
});

test('an inline object needs no flush besides that of the index', async (context) => {
  const used = await fixture(context);
  const flushes = await used.flushesOf(isThere(used, 'key'), () => put(used, 'key', 'short'));
  assert.deepEqual(flushes, []);
});

test('a copy is flushed with its own directories; the bytes already are', async (context) => {
  const used = await fixture(context);
  await put(used, 'source', 'longer than the inline limit');
  const source = used.store.headObject(BUCKET, 'source');
  const flushes = await used.flushesOf(isThere(used, 'key'), () =>
    used.store.copyObject({
      ...{ source, bucket: BUCKET, key: 'key', attributes: { userMetadata: {} }, tags: [] },
      ...{ checksumAlgorithm: undefined, conditions: {} },
    }),
  );
  assert.deepEqual(
    flushes,
    BLOB_FLUSHES.filter((path) => !path.endsWith('/data')),
  );
});

test('a part is flushed before its record, and a manifest before the object', async (context) => {
  const used = await fixture(context);
  const { store } = used;
  const upload = await store.createUpload({
    ...{ bucket: BUCKET, key: 'key', account: 'main', attributes: { userMetadata: {} }, tags: [] },
    ...{ checksumAlgorithm: undefined, checksumType: 'FULL_OBJECT' },
  });
  const { uploadId } = upload;
  const part = await used.flushesOf(
    () => store.listParts(upload, 0, 1).parts.length === 1,
    async () => {
      const place = { bucket: BUCKET, key: 'key', uploadId, partNumber: 1, sizeBytes: undefined };
      await using staged = await store.stagePart(place);
      await staged.commit({ etag: MD5, checksum: CHECKSUM });
    },
  );
  assert.deepEqual(part, ['', ...BLOB_FLUSHES]);
  const manifest = await used.flushesOf(isThere(used, 'key'), () =>
    store.completeUpload({
      ...{ bucket: BUCKET, key: 'key', uploadId, conditions: {} },
      parts: [{ partNumber: 1, etag: MD5, checksums: {} }],
      ...{ expectedChecksum: undefined, expectedChecksumType: undefined },
      ...{ expectedSizeBytes: undefined, partSizeBytesMin: 0, objectSizeBytesMax: 1 },
    }),
  );
  assert.deepEqual(manifest, BLOB_FLUSHES);
});

test('directories made for a new store are flushed into those above them', async (context) => {
  const { paths } = await watchFlushes(context);
  const root = temporaryDirectory(context);
  const basePath = join(root, 'new/data');
  const metadataPath = join(basePath, '.s3ish/metadata');
  await prepareDataPaths({ basePath, metadataPath });
  const above = [root, join(root, 'new'), basePath, join(basePath, '.s3ish')];
  assert.deepEqual(
    above.filter((path) => !paths.includes(path)),
    [],
  );
});

test('the file of a new index is flushed into its directory', async (context) => {
  const { paths } = await watchFlushes(context);
  const metadataPath = join(temporaryDirectory(context), 'metadata');
  await bumpEpoch(metadataPath, true);
  assert(paths.includes(metadataPath));
});
