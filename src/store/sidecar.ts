/**
 * `metadata.json`: what lies beside a blob so that its record can be made again without the index.
 *
 * @see docs/ON_DISK_FORMAT.md, "Sidecars"
 * @module
 */

import type { BlobLayout } from '../blobs/blob-store.js';
import type { ObjectAttributes, ObjectChecksum } from '../s3/object-attributes.js';

const SIDECAR_FORMAT = 1;

interface SidecarBase {
  readonly bucket: string;
  readonly key: string;
  readonly blobId: string;
  readonly lastModifiedMs: number;
  readonly md5: string;
  readonly checksum: ObjectChecksum | undefined;
}

/** Sidecar of an object's only blob. */
export interface ObjectSidecar extends SidecarBase {
  readonly kind: 'object';
  readonly versionId: string;
  readonly attributes: ObjectAttributes;
}

/** Sidecar of one part. */
export interface PartSidecar extends SidecarBase {
  readonly kind: 'part';
  readonly uploadId: string;
  readonly partNumber: number;
}

/** Sidecar of a completed upload: its blob is empty, the bytes are in the parts. */
export interface ManifestSidecar extends SidecarBase {
  readonly kind: 'manifest';
  readonly versionId: string;
  readonly attributes: ObjectAttributes;
  readonly uploadId: string;
  readonly parts: readonly {
    readonly partNumber: number;
    readonly sizeBytes: number;
    readonly blobId: string;
  }[];
}

export function writeSidecar(
  sidecar: ObjectSidecar | PartSidecar | ManifestSidecar,
  layout: BlobLayout,
): string {
  const { sizeBytes, blockSizeBytes, blockChecksums } = layout;
  const blocks = { sizeBytes, blockSizeBytes, blockCrc32: Array.from(blockChecksums) };
  return `${JSON.stringify({ format: SIDECAR_FORMAT, ...sidecar, ...blocks })}\n`;
}
