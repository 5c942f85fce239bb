/**
 * An object being written: payload first, then the record that makes it exist.
 *
 * @see docs/LIFECYCLE.md, "PutObject"
 * @module
 */

import type { PlacementRecord } from '../metadata/records.js';
import { CommitError } from '../metadata/commit-error.js';
import { S3Error } from '../s3/errors.js';
import { FencedError } from '../util/fenced-error.js';
import { publishObject } from './object-actions.js';
import { requireBucketRecord, type StoreContext } from './context.js';
import { versionOf } from './object-version.js';
import { writeSidecar } from './sidecar.js';
import { StagedPayload } from './staged-payload.js';
import type { CommitObject, ObjectVersion, StagedObject } from './store.js';

/** @throws {S3Error} InsufficientStorage, NoSuchBucket. */
export function stageObject(
  context: StoreContext,
  input: { readonly bucket: string; readonly key: string; readonly sizeBytes: number | undefined },
): StagedObject {
  const { id } = requireBucketRecord(context, input.bucket);
  context.headroom.require(input.sizeBytes ?? 0);
  const payload = new StagedPayload(context, { ...input, inlineBytesMax: context.inlineBytesMax });
  return {
    write: (piece) => payload.write(piece),
    commit: (commit) => commitObject(context, { ...input, bucketId: id, payload, commit }),
    [Symbol.asyncDispose]: () => payload[Symbol.asyncDispose](),
  };
}

interface Commit {
  readonly bucket: string;
  readonly bucketId: number;
  readonly key: string;
  readonly payload: StagedPayload;
  readonly commit: CommitObject;
}

async function commitObject(context: StoreContext, input: Commit): Promise<ObjectVersion> {
  const { bucket, key, bucketId, payload } = input;
  const { attributes, tags, etag, checksum, conditions } = input.commit;
  const lastModifiedMs = context.nowMs();
  const sealed = await payload.seal((blobId, layout) =>
    writeSidecar(
      {
        kind: 'object',
        bucket,
        key,
        blobId,
        versionId: '',
        lastModifiedMs,
        md5: etag,
        checksum,
        attributes,
        tags,
      },
      layout,
    ),
  );
  const placement: PlacementRecord =
    sealed.kind === 'inline' ? { kind: 'inline' } : { kind: 'plain', blobId: sealed.blobId };
  const record = await payload.publish(
    () =>
      context.environment.write(publishObject, {
        bucket,
        bucketId,
        key,
        record: {
          versionId: '',
          sizeBytes: sealed.kind === 'inline' ? sealed.bytes.byteLength : sealed.layout.sizeBytes,
          md5Hex: etag,
          partsCount: 0,
          lastModifiedMs,
          checksum,
          placement,
          attributes,
          tags,
        },
        inline: sealed.kind === 'inline' ? sealed.bytes : undefined,
        layout: sealed.kind === 'plain' ? sealed.layout : undefined,
        conditions,
      }),
    isRefusal,
  );
  return versionOf(bucket, key, record);
}

/**
 * Whether a commit that failed has certainly changed nothing, so that the payload is unused: an S3
 * error and a fence are decided before anything is written, and the index says what it took back.
 */
export function isRefusal(error: unknown): boolean {
  if (error instanceof CommitError) return error.isUndone;
  return error instanceof S3Error || error instanceof FencedError;
}
