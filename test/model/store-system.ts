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

import { S3Error } from '#src/s3/errors.js';
import type { OpenStore } from '#src/store/open-store.js';

import type { Clock } from '../support/clocked-client.js';
import type { Backend } from '../support/in-process-server.js';
import type { Interruptions } from './interruptions.js';
import { metaOf, type Model } from './model.js';
import { openStoreAt, type OpenedStore, type StorePlace } from './opened-store.js';
import { assertSidecarsTell, payloadsOf } from './sidecars.js';
import { bytesIn, checksumOf, describe, piecesOf, read, tagOf } from './store-bytes.js';
import {
  byBytes,
  bytesOf,
  md5,
  NO_ANSWER,
  PART_SIZE_BYTES_MIN,
  type Action,
  type Interruption,
  type Outcome,
  type System,
} from './system.js';

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

export class StoreSystem implements System {
  readonly #place: StorePlace;
  #opened: OpenedStore;
  /** Of lives that ended in a crash. */
  readonly #crashed: Interruptions[] = [];
  readonly #uploads: { bucket: string; key: string; uploadId: string }[] = [];

  private constructor(place: StorePlace, opened: OpenedStore) {
    this.#place = place;
    this.#opened = opened;
  }

  static async open(backend: Backend, clock: Clock): Promise<StoreSystem> {
    const place = { backend, clock, basePath: await mkdtemp(join(tmpdir(), 's3ish-model-')) };
    return new StoreSystem(place, await openStoreAt(place));
  }

  get #store(): OpenStore {
    return this.#opened.store;
  }

  async close(): Promise<void> {
    await this.#store.close();
    for (const gate of this.#crashed) await gate.closeFiles();
    await rm(this.#place.basePath, { recursive: true, force: true });
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
      case 'copyPart':
        return this.#copyPart(action);
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
        await this.#reopen(action.isClean);
        return 'ok';
      case 'interrupt':
        return this.#interrupted(action.change, action.by);
      case 'clock':
        return 'ok';
    }
  }

  /** Sweeps everything away that may go, then compares what is left with the model. */
  async assertNothingLeftOver(model: Model): Promise<void> {
    // Blobs of commits whose outcome nobody knows are looked at when their process is gone.
    await this.#reopen(true);
    await this.#sweep();
    const left = await this.#store.reclaimer.reclaimGarbage(() => true);
    assert.deepEqual(left, { removedCount: 0, waitingCount: 0 }, 'the garbage list is empty');
    assert.equal(await this.#store.reclaimer.sweepOrphans(-1), 0, 'no blob is an orphan');
    if (this.#place.backend === 'memory') return;
    const { basePath } = this.#place;
    const files = readdirSync(basePath, { recursive: true }).map(String);
    const payloads = files
      .filter((name) => name.endsWith('/data') && !name.startsWith('.s3ish'))
      .map((name) => md5(readFileSync(join(basePath, name))));
    assert.deepEqual(payloads.sort(), payloadsOf(model).sort(), 'payloads on disk');
    const sidecars = files.filter((name) => name.endsWith('/metadata.json'));
    assert.equal(sidecars.length, payloads.length, 'each payload has its sidecar');
    const texts = sidecars.map((name) => readFileSync(join(basePath, name), 'utf8'));
    assertSidecarsTell(texts, model);
    const marks = readdirSync(join(basePath, '.s3ish/staging'), { recursive: true });
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
    // Above the store, where the request is looked at.
    if (offsetBytes !== (base?.sizeBytes ?? 0)) return 'InvalidWriteOffset';
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

  async #copyPart({ upload, partNumber, source, range }: Of<'copyPart'>): Promise<Outcome> {
    const place = this.#upload(upload);
    this.#store.headUpload(place.bucket, place.key, place.uploadId);
    const version = this.#store.headObject(source.bucket, source.key);
    const [startByte, endByte] = range ?? [0, version.sizeBytes];
    const part = await this.#store.copyPart({
      ...{ source: version, range: { startByte, endByte }, ...place, partNumber },
      checksumAlgorithm: 'CRC64NVME',
    });
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
    if (upload === undefined) throw new Error(`there is no upload ${number}`);
    return upload;
  }

  /** Everything goes well, or the action meets a fault, or it is never heard of again. */
  async #interrupted(change: Action, by: Interruption): Promise<Outcome> {
    const { gate } = this.#opened;
    const isCrash = by.kind === 'crash';
    // Nothing of a store in memory is left after a crash.
    if (isCrash && this.#place.backend === 'memory') return this.apply(change);
    gate.arm(by);
    const done = this.apply(change).catch((error: unknown) => {
      if (gate.hasStruck) return NO_ANSWER;
      throw error;
    });
    const outcome = await Promise.race([done, gate.crashed.then(() => NO_ANSWER)]);
    gate.disarm();
    if (isCrash) await this.#reopen(false);
    return outcome;
  }

  /**
   * As the sweeper does: what the readers of this process may still need stays, and what a process
   * that is no more had staged goes.
   */
  async #sweep(): Promise<void> {
    const { reclaimer } = this.#store;
    for (const incarnation of await reclaimer.stagingIncarnations()) {
      if (incarnation !== this.#opened.incarnation) await reclaimer.sweepIncarnation(incarnation);
    }
    for (;;) {
      const { readableFrom, heldUploads } = this.#store.readReport();
      const { removedCount } = await reclaimer.reclaimGarbage(
        (sequence, uploadId) =>
          sequence <= readableFrom && !(uploadId !== undefined && heldUploads.includes(uploadId)),
      );
      if (removedCount === 0) return;
    }
  }

  async #reopen(isClean: boolean): Promise<void> {
    if (this.#place.backend === 'memory') return;
    if (isClean) await this.#store.close();
    else {
      this.#crashed.push(this.#opened.gate);
      await this.#opened.crash();
    }
    this.#opened = await openStoreAt(this.#place);
  }
}
