/**
 * The store as a model run sees it, and what must be on its disk at the end.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { checksumOf as digestOf } from '#src/s3/checksums.js';
import { S3Error } from '#src/s3/errors.js';
import type { ChecksumAlgorithm, ObjectChecksum } from '#src/s3/object-attributes.js';
import type { Tags } from '#src/s3/tags.js';
import { openStore, type OpenStore } from '#src/store/open-store.js';
import type { ObjectVersion, OpenObject } from '#src/store/store.js';
import { newIncarnation } from '#src/util/ids.js';

import { metaOf, type Model } from './model.js';
import { assertSidecarsTell } from './sidecars.js';
import {
  byBytes,
  bytesOf,
  INLINE_BYTES_MAX,
  md5,
  PART_SIZE_BYTES_MIN,
  type Action,
  type Outcome,
  type Payload,
  type System,
} from './system.js';

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

export class StoreSystem implements System {
  readonly #backend: 'file' | 'memory';
  readonly #basePath: string;
  #store: OpenStore;
  readonly #uploads: { bucket: string; key: string; uploadId: string }[] = [];

  private constructor(backend: 'file' | 'memory', basePath: string, store: OpenStore) {
    this.#backend = backend;
    this.#basePath = basePath;
    this.#store = store;
  }

  static async open(backend: 'file' | 'memory'): Promise<StoreSystem> {
    const basePath = await mkdtemp(join(tmpdir(), 's3ish-model-'));
    return new StoreSystem(backend, basePath, await openStoreIn(backend, basePath));
  }

  async close(): Promise<void> {
    await this.#store.close();
    await rm(this.#basePath, { recursive: true, force: true });
  }

  async apply(action: Action): Promise<Outcome> {
    this.#store.refresh();
    try {
      return await this.#apply(action);
    } catch (error) {
      if (error instanceof S3Error) return error.code;
      throw error;
    }
  }

  async #apply(action: Action): Promise<Outcome> {
    const store = this.#store;
    switch (action.kind) {
      case 'createBucket':
        await store.createBucket({ bucket: action.bucket, account: 'main', region: 'us-east-1' });
        return 'ok';
      case 'deleteBucket':
        await store.deleteBucket(action.bucket);
        return 'ok';
      case 'counters':
        return store.bucketCounters(action.bucket);
      case 'put':
        return this.#put(action);
      case 'get':
        return read(await store.openObject(action.bucket, action.key), action.range);
      case 'head':
        return describe(store.headObject(action.bucket, action.key));
      case 'getWhile': {
        const open = await store.openObject(action.bucket, action.key);
        const changed = await this.apply(action.change);
        await this.#sweep();
        return [await read(open, undefined), changed];
      }
      case 'delete':
        await store.deleteObject(action);
        return 'ok';
      case 'deleteMany': {
        const entries = action.keys.map((key) => ({ key }));
        const results = await store.deleteObjects(action.bucket, entries);
        assert.deepEqual(
          results,
          action.keys.map(() => undefined),
        );
        return 'ok';
      }
      case 'copy':
        return this.#copy(action);
      case 'rename': {
        const { bucket, sourceKey, key, conditions } = action;
        const wishes = { conditions, sourceConditions: undefined, memory: undefined };
        const version = await store.renameObject({ bucket, sourceKey, key, ...wishes });
        return { etag: version.etag };
      }
      case 'append':
        return this.#append(action);
      case 'setTag': {
        const { bucket, key, tag } = action;
        const tags = tag === undefined ? [] : [{ key: 'tag', value: tag }];
        await store.setObjectTags({ bucket, key, versionId: undefined, tags });
        return 'ok';
      }
      case 'getTag':
        return { tag: tagOf(store.headObject(action.bucket, action.key).tags) };
      case 'list':
        return this.#list(action);
      case 'createUpload': {
        const { bucket, key, seed } = action;
        const { uploadId } = await store.createUpload({
          ...{
            bucket,
            key,
            account: 'main',
            attributes: { userMetadata: { meta: `seed ${seed}` } },
            tags: [],
          },
          ...{ checksumAlgorithm: undefined, checksumType: 'FULL_OBJECT' },
        });
        this.#uploads.push({ bucket, key, uploadId });
        return 'ok';
      }
      case 'uploadPart':
        return this.#uploadPart(action);
      case 'complete': {
        const version = await store.completeUpload({
          ...this.#upload(action.upload),
          parts: action.parts.map((part) => ({ ...part, checksums: {} })),
          conditions: action.conditions,
          ...{ expectedChecksum: undefined, expectedChecksumType: undefined },
          ...{ expectedSizeBytes: undefined, partSizeBytesMin: PART_SIZE_BYTES_MIN },
          objectSizeBytesMax: Number.MAX_SAFE_INTEGER,
        });
        return { etag: version.etag };
      }
      case 'abort': {
        const { bucket, key, uploadId } = this.#upload(action.upload);
        await store.abortUpload(bucket, key, uploadId);
        return 'ok';
      }
      case 'listParts':
        return this.#listParts(action);
      case 'listUploads':
        return this.#listUploads(action);
      case 'sweep':
        await this.#sweep();
        return 'ok';
      case 'reopen':
        await this.#reopen();
        return 'ok';
    }
  }

  /** Sweeps everything away that may go, then compares what is left with the model. */
  async assertNothingLeftOver(model: Model): Promise<void> {
    await this.#sweep();
    const left = await this.#store.reclaimer.reclaimGarbage(() => true);
    assert.deepEqual(left, { removedCount: 0, waitingCount: 0 }, 'the garbage list is empty');
    assert.equal(await this.#store.reclaimer.sweepOrphans(-1), 0, 'no blob is an orphan');
    if (this.#backend === 'memory') return;
    await this.#reopen();
    const files = readdirSync(this.#basePath, { recursive: true }).map(String);
    const payloads = files
      .filter((name) => name.endsWith('/data') && !name.startsWith('.s3ish'))
      .map((name) => md5(readFileSync(join(this.#basePath, name))));
    assert.deepEqual(payloads.sort(), payloadsOf(model).sort(), 'payloads on disk');
    const sidecars = files.filter((name) => name.endsWith('/metadata.json'));
    assert.equal(sidecars.length, payloads.length, 'each payload has its sidecar');
    const texts = sidecars.map((name) => readFileSync(join(this.#basePath, name), 'utf8'));
    assertSidecarsTell(texts, model);
    const marks = readdirSync(join(this.#basePath, '.s3ish/staging'), { recursive: true });
    assert.equal(marks.length, 1, 'only the directory of the living process is left');
  }

  async #put(action: Omit<Of<'put'>, 'kind'>): Promise<Outcome> {
    const { bucket, key, payload, conditions } = action;
    const bytes = bytesOf(payload);
    // Every other payload is announced; the placement is decided late for the rest.
    const sizeBytes = payload.seed % 2 === 0 ? bytes.length : undefined;
    await using staged = await this.#store.stageObject({ bucket, key, sizeBytes });
    for (const piece of piecesOf(payload)) await staged.write(piece);
    const version = await staged.commit({
      attributes: { userMetadata: { meta: metaOf(action) } },
      tags: [],
      etag: md5(bytes),
      checksum: checksumOf('CRC32', bytes),
      conditions,
    });
    return { etag: version.etag };
  }

  async #append({ bucket, key, payload, offsetBytes = 0 }: Of<'append'>): Promise<Outcome> {
    const bytes = bytesOf(payload);
    const base = this.#store.findObject(bucket, key);
    await using staged = await this.#store.stageAppend({
      ...{ bucket, key, base, offsetBytes, sizeBytes: bytes.length, partsCountMax: 10_000 },
    });
    for (const piece of piecesOf(payload)) await staged.write(piece);
    const version = await staged.commit({
      ...{ attributes: { userMetadata: { meta: metaOf({ payload }) } }, tags: [] },
      ...{ etag: md5(bytes), conditions: {} },
      checksum: checksumOf(base?.checksum?.algorithm ?? 'CRC32', bytes),
    });
    // What the parts come to is what the bytes themselves come to.
    const open = await this.#store.openObject(bucket, key);
    const whole = await bytesIn(open, undefined);
    const { algorithm = 'CRC32' } = version.checksum ?? {};
    assert.deepEqual(version.checksum, checksumOf(algorithm, whole));
    return { etag: version.etag };
  }

  async #copy({ bucket, key, source, conditions }: Of<'copy'>): Promise<Outcome> {
    if (this.#store.findBucket(bucket) === undefined) return 'NoSuchBucket';
    const found = this.#store.headObject(source.bucket, source.key);
    const version = await this.#store.copyObject({
      ...{ source: found, bucket, key, attributes: found.attributes, tags: found.tags },
      ...{ checksumAlgorithm: undefined, conditions },
    });
    return { etag: version.etag };
  }

  #list({ bucket, prefix, delimiter, startAfter, countMax }: Of<'list'>): Outcome {
    const pages: Outcome[] = [];
    let [after, afterIsCommonPrefix] = [startAfter, false];
    for (;;) {
      const page = this.#store.listObjects({
        ...{ bucket, prefix, delimiter, after, afterIsCommonPrefix, countMax },
      });
      const objects = page.objects.map(({ key, etag, sizeBytes }) => [key, etag, sizeBytes]);
      pages.push({ objects, prefixes: page.commonPrefixes });
      if (!page.isTruncated || page.last === undefined) return pages;
      [after, afterIsCommonPrefix] = [page.last.name, page.last.isCommonPrefix];
    }
  }

  async #uploadPart({ upload, partNumber, payload }: Of<'uploadPart'>): Promise<Outcome> {
    const bytes = bytesOf(payload);
    await using staged = await this.#store.stagePart({
      ...{ ...this.#upload(upload), partNumber, sizeBytes: undefined },
    });
    for (const piece of piecesOf(payload)) await staged.write(piece);
    const checksum = checksumOf('CRC64NVME', bytes);
    const part = await staged.commit({ etag: md5(bytes), checksum });
    return { etag: part.etag };
  }

  #listParts({ upload: number, countMax }: Of<'listParts'>): Outcome {
    const { bucket, key, uploadId } = this.#upload(number);
    const upload = this.#store.headUpload(bucket, key, uploadId);
    const found: Outcome[] = [];
    let after = 0;
    for (;;) {
      const { parts, isTruncated } = this.#store.listParts(upload, after, countMax);
      for (const part of parts) found.push([part.partNumber, part.etag, part.sizeBytes]);
      if (!isTruncated) return found;
      after = parts.at(-1)?.partNumber ?? after;
    }
  }

  #listUploads({ bucket, prefix, countMax }: Of<'listUploads'>): Outcome {
    const found: { key: string; number: number }[] = [];
    let [keyMarker, uploadIdMarker] = ['', ''];
    for (;;) {
      const page = this.#store.listUploads({
        ...{ bucket, prefix, delimiter: '', keyMarker, uploadIdMarker, countMax },
      });
      for (const { key, uploadId } of page.uploads) {
        found.push({ key, number: this.#uploads.findIndex((one) => one.uploadId === uploadId) });
      }
      if (!page.isTruncated) break;
      [keyMarker, uploadIdMarker] = [page.nextKeyMarker, page.nextUploadIdMarker];
    }
    return found.sort((one, other) => byBytes(one.key, other.key) || one.number - other.number);
  }

  #upload(number: number): { bucket: string; key: string; uploadId: string } {
    const upload = this.#uploads[number];
    assert(upload !== undefined);
    return upload;
  }

  /** As the sweeper does: what the readers of this process may still need stays. */
  async #sweep(): Promise<void> {
    for (;;) {
      const { readableFrom, heldUploads } = this.#store.readReport();
      const { removedCount } = await this.#store.reclaimer.reclaimGarbage(
        (sequence, uploadId) =>
          sequence <= readableFrom && !(uploadId !== undefined && heldUploads.includes(uploadId)),
      );
      if (removedCount === 0) return;
    }
  }

  async #reopen(): Promise<void> {
    if (this.#backend === 'memory') return;
    await this.#store.close();
    this.#store = await openStoreIn(this.#backend, this.#basePath);
  }
}

function openStoreIn(backend: 'file' | 'memory', basePath: string): Promise<OpenStore> {
  return openStore({
    ...{ backend, basePath, metadataPath: join(basePath, '.s3ish', 'metadata') },
    ...{ isFsyncEnabled: false, inlineBytesMax: INLINE_BYTES_MAX },
    incarnation: newIncarnation(Date.now()),
  });
}

async function read(open: OpenObject, range: readonly [number, number] | undefined) {
  return { ...describe(open.version), md5: md5(await bytesIn(open, range)) };
}

async function bytesIn(open: OpenObject, range: readonly [number, number] | undefined) {
  const [startByte, endByte] = range ?? [0, open.version.sizeBytes];
  try {
    const body = open.read({ startByte, endByte });
    const pieces: Uint8Array[] = [];
    if (body instanceof Uint8Array) pieces.push(body);
    else for await (const piece of body) pieces.push(Uint8Array.from(piece));
    return Buffer.concat(pieces);
  } finally {
    open.close();
  }
}

function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): ObjectChecksum {
  return { algorithm, type: 'FULL_OBJECT', value: digestOf(algorithm, bytes) };
}

function tagOf(tags: Tags): string | undefined {
  assert(tags.length <= 1);
  return tags[0]?.value;
}

function describe({ etag, sizeBytes, attributes }: ObjectVersion) {
  return { etag, sizeBytes, meta: attributes.userMetadata['meta'] };
}

/** In pieces of odd sizes, as they come from a socket. */
function piecesOf(payload: Payload): Uint8Array[] {
  const bytes = bytesOf(payload);
  const step = 1 + ((payload.seed * 7919) % 100_000);
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += step) {
    pieces.push(Uint8Array.from(bytes.subarray(start, start + step)));
  }
  return pieces;
}

/** Digests of all blobs that the model's contents need. */
function payloadsOf(model: Model): string[] {
  const blobs: Buffer[] = [];
  for (const objects of model.buckets.values()) {
    for (const object of objects.values()) {
      if (object.upload !== undefined) {
        blobs.push(Buffer.alloc(0), ...object.parts.map(({ bytes }) => bytes));
      } else if (object.bytes.length > INLINE_BYTES_MAX) blobs.push(object.bytes);
    }
  }
  for (const { isOpen, parts } of model.uploads) if (isOpen) blobs.push(...parts.values());
  return blobs.map(md5);
}
