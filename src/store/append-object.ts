/**
 * Appending: the new version is the old payload and one more, without copying what lies in files.
 *
 * Payloads in the index are small: the bytes are put together and stored as one write, inline or
 * in a blob. A payload in files stays where it is and becomes the first parts of a manifest, in
 * which the appended bytes are the last.
 *
 * @module
 */

import { createHash } from 'node:crypto';

import type { ObjectRecord, PartRecord, PlacementRecord } from '../metadata/records.js';
import { appendedChecksum } from '../s3/append.js';
import { S3Error } from '../s3/errors.js';
import { multipartEtag } from '../s3/etag.js';
import type { ObjectChecksum } from '../s3/object-attributes.js';
import { newBlobId, newUploadId } from '../util/ids.js';
import { appendObjectAction, type AppendActionInput } from './append-action.js';
import { findObjectRecord, requireBucketRecord, type StoreContext } from './context.js';
import { sealManifest } from './manifest.js';
import { versionOf } from './object-version.js';
import { openVersion, partsOfManifest } from './open-object.js';
import { writeSidecar } from './sidecar.js';
import { isRefusal } from './staged-object.js';
import { StagedPayload } from './staged-payload.js';
import type { AppendObject, CommitObject, StagedObject } from './store.js';

interface Append extends Omit<AppendObject, 'base'> {
  readonly bucketId: number;
  readonly base: ObjectRecord | undefined;
}

/** @throws {S3Error} InsufficientStorage, NoSuchBucket, OperationAborted, TooManyParts. */
export async function stageAppend(
  context: StoreContext,
  input: AppendObject,
): Promise<StagedObject> {
  const { bucket, key } = input;
  const { id: bucketId } = requireBucketRecord(context, bucket);
  const base = findObjectRecord(context, bucketId, key);
  if (base?.sequence !== input.base?.sequence) throw new S3Error('OperationAborted');
  context.headroom.require(input.sizeBytes);
  const append = { ...input, bucketId, base };
  if (base === undefined || base.placement.kind === 'inline') {
    return stageWhole(context, append, await inlineBytes(context, append));
  }
  return stagePart(context, append, base, base.placement);
}

async function inlineBytes(
  context: StoreContext,
  { bucket, key, base }: Append,
): Promise<Uint8Array> {
  if (base === undefined) return new Uint8Array();
  const open = await openVersion(context, versionOf(bucket, key, base));
  const bytes = open.read({ startByte: 0, endByte: base.sizeBytes });
  if (bytes instanceof Uint8Array) return bytes;
  throw new Error('an inline payload comes in one piece');
}

/** Everything is one payload: the bytes of the index, then the appended ones. */
async function stageWhole(
  context: StoreContext,
  append: Append,
  existing: Uint8Array,
): Promise<StagedObject> {
  const { bucket, key, base } = append;
  const sizeBytes = existing.byteLength + append.sizeBytes;
  const { inlineBytesMax } = context;
  const payload = new StagedPayload(context, { bucket, key, sizeBytes, inlineBytesMax });
  const md5 = existing.byteLength === 0 ? undefined : createHash('md5').update(existing);
  if (existing.byteLength > 0) await payload.write(existing);
  return {
    write: (piece) => {
      md5?.update(piece);
      return payload.write(piece);
    },
    commit: async (commit) => {
      const made = madeOf(context, append, commit, md5?.digest('hex') ?? commit.etag);
      const { lastModifiedMs, md5Hex, checksum, attributes, tags } = made;
      const sealed = await payload.seal((blobId, layout) =>
        writeSidecar(
          {
            ...{ kind: 'object', bucket, key, blobId, versionId: '', lastModifiedMs },
            ...{ md5: md5Hex, checksum, attributes, tags },
          },
          layout,
        ),
      );
      const placement: PlacementRecord =
        sealed.kind === 'inline' ? { kind: 'inline' } : { kind: 'plain', blobId: sealed.blobId };
      const record = await payload.publish(
        () =>
          context.environment.write(appendObjectAction, {
            ...actionOf(append, commit),
            record: { ...base, ...made, partsCount: 0, placement },
            inline: sealed.kind === 'inline' ? sealed.bytes : undefined,
            layout: sealed.kind === 'plain' ? sealed.layout : undefined,
            manifest: undefined,
          }),
        isRefusal,
      );
      return versionOf(bucket, key, record);
    },
    [Symbol.asyncDispose]: () => payload[Symbol.asyncDispose](),
  };
}

/** The payload of the base as parts, and the appended bytes as the next one. */
function stagePart(
  context: StoreContext,
  append: Append,
  base: ObjectRecord,
  placement: Exclude<PlacementRecord, { kind: 'inline' }>,
): StagedObject {
  const { bucket, key, sizeBytes } = append;
  const isManifest = placement.kind === 'parts';
  const uploadId = isManifest ? placement.uploadId : newUploadId(context.nowMs());
  // Read now, in the turn that found the base: later the rows may be gone with it.
  const before = isManifest
    ? partsOfManifest(context, uploadId)
    : [{ partNumber: 1, part: partOfObject(base, placement.blobId) }];
  if (before.length >= append.partsCountMax) throw new S3Error('TooManyParts');
  const partNumber = (before.at(-1)?.partNumber ?? 0) + 1;
  const payload = new StagedPayload(context, { bucket, key, sizeBytes, inlineBytesMax: 0 });
  return {
    write: (piece) => payload.write(piece),
    commit: async (commit) => {
      const { etag: md5Hex } = commit;
      const partChecksum = requireChecksum(commit.checksum);
      const etag = multipartEtag([...before.map(({ part }) => part.md5Hex), md5Hex]);
      const made = madeOf(context, append, commit, etag.slice(0, 32));
      const { lastModifiedMs, checksum, attributes, tags } = made;
      const sealed = await payload.seal((blobId, layout) =>
        writeSidecar(
          {
            ...{ kind: 'part', bucket, key, blobId, uploadId, partNumber },
            ...{ lastModifiedMs, md5: md5Hex, checksum: partChecksum },
          },
          layout,
        ),
      );
      if (sealed.kind === 'inline') throw new Error('a part is always a blob');
      const { blobId, layout } = sealed;
      const part = { blobId, sizeBytes, md5Hex, lastModifiedMs, checksum: partChecksum };
      const parts = [...before, { partNumber, part }].map((one) => ({
        ...{ partNumber: one.partNumber, sizeBytes: one.part.sizeBytes, blobId: one.part.blobId },
      }));
      const manifestBlobId = newBlobId(lastModifiedMs);
      const manifestBlob = await sealManifest(context, {
        ...{ bucket, key, blobId: manifestBlobId, lastModifiedMs, md5: made.md5Hex },
        ...{ checksum, attributes, tags, uploadId, parts },
      });
      const added = { partNumber, part, layout };
      const input: AppendActionInput = {
        ...actionOf(append, commit),
        record: {
          ...{ ...base, ...made, partsCount: parts.length },
          placement: { kind: 'parts', blobId: manifestBlobId, uploadId },
        },
        ...{ inline: undefined, layout: manifestBlob.layout, isPayloadKept: true },
        manifest: {
          ...{ uploadId, manifest: { parts } },
          // The rows of a manifest are there already; a single blob gets its row now.
          parts: isManifest
            ? [added]
            : [...before.map((one) => ({ ...one, layout: undefined })), added],
        },
      };
      try {
        const write = () => context.environment.write(appendObjectAction, input);
        const record = await payload.publish(write, isRefusal);
        await manifestBlob.keep();
        return versionOf(bucket, key, record);
      } catch (error) {
        // After any other failure the commit may have happened: the sweeper decides by the index.
        if (isRefusal(error)) await manifestBlob[Symbol.asyncDispose]();
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => payload[Symbol.asyncDispose](),
  };
}

/** What the new version says about itself. An object that is there keeps its attributes and tags. */
function madeOf(context: StoreContext, append: Append, commit: CommitObject, md5Hex: string) {
  const { base, sizeBytes } = append;
  return {
    versionId: '',
    sizeBytes: (base?.sizeBytes ?? 0) + sizeBytes,
    md5Hex,
    lastModifiedMs: context.nowMs(),
    checksum: appendedChecksum(base, requireChecksum(commit.checksum), sizeBytes),
    attributes: base?.attributes ?? commit.attributes,
    tags: base?.tags ?? commit.tags,
  };
}

function actionOf(append: Append, { conditions }: CommitObject) {
  const { bucket, bucketId, key, base, offsetBytes } = append;
  return { bucket, bucketId, key, conditions, offsetBytes, base };
}

function partOfObject(base: ObjectRecord, blobId: string): PartRecord {
  const { sizeBytes, md5Hex, lastModifiedMs } = base;
  return { blobId, sizeBytes, md5Hex, lastModifiedMs, checksum: requireChecksum(base.checksum) };
}

/** Only objects with a checksum are appended to, and every request computes one. */
function requireChecksum(checksum: ObjectChecksum | undefined): ObjectChecksum {
  if (checksum === undefined) throw new Error('an append has a checksum');
  return checksum;
}
