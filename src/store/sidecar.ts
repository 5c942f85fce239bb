/**
 * `metadata.json`: what lies beside a blob so that its record can be made again without the index.
 *
 * @see docs/ON_DISK_FORMAT.md, "Sidecars"
 * @module
 */

import { crc32 } from 'node:zlib';

import type { BlobLayout } from '../blobs/blob-store.js';
import type { ObjectAttributes, ObjectChecksum } from '../s3/object-attributes.js';
import { NO_TAGS, type Tags } from '../s3/tags.js';
import { NewerFormatError } from '../util/newer-format-error.js';

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
  /** The object's tags now: changing them makes a new blob. Not written when there are none. */
  readonly tags: Tags;
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
  /** As in {@link ObjectSidecar}. */
  readonly tags: Tags;
  readonly uploadId: string;
  readonly parts: readonly {
    readonly partNumber: number;
    readonly sizeBytes: number;
    readonly blobId: string;
  }[];
}

export type Sidecar = ObjectSidecar | PartSidecar | ManifestSidecar;

export function writeSidecar(sidecar: Sidecar, layout: BlobLayout): string {
  const { sizeBytes, blockSizeBytes, blockChecksums } = layout;
  const blocks = { sizeBytes, blockSizeBytes, blockCrc32: Array.from(blockChecksums) };
  const isTagged = sidecar.kind !== 'part' && sidecar.tags.length > 0;
  const members = isTagged ? sidecar : { ...sidecar, tags: undefined };
  const text = JSON.stringify({ format: SIDECAR_FORMAT, ...members, ...blocks }).slice(0, -1);
  return `${text},"crc32":${crc32(text)}}\n`;
}

/**
 * Reads what {@link writeSidecar} wrote. Members that later versions added are left alone.
 *
 * @throws {NewerFormatError} another format.
 * @throws {SyntaxError} not a finished sidecar, or one that does not match its own checksum.
 */
export function readSidecar(text: string): {
  sidecar: Sidecar;
  layout: BlobLayout;
  /** Whether it has a checksum of its own, which earlier versions did not write. */
  isChecked: boolean;
} {
  const stored = JSON.parse(text) as StoredSidecar;
  const { format, sizeBytes, blockSizeBytes, blockCrc32, crc32: checksum, ...sidecar } = stored;
  if (format !== SIDECAR_FORMAT) {
    throw new NewerFormatError(
      `The sidecar has format ${String(format)}; this version of s3ish reads ${SIDECAR_FORMAT}`,
    );
  }
  if (checksum !== undefined) requireChecksum(text);
  const blockChecksums = Uint32Array.from(blockCrc32);
  const whole = sidecar.kind === 'part' ? sidecar : { ...sidecar, tags: sidecar.tags ?? NO_TAGS };
  const layout = { sizeBytes, blockSizeBytes, blockChecksums };
  return { sidecar: whole, layout, isChecked: checksum !== undefined };
}

/** The checksum covers everything before itself, and nothing may follow it. */
function requireChecksum(text: string): void {
  const [, covered, checksum] = /^(.*),"crc32":(\d+)\}\n$/s.exec(text) ?? [];
  if (covered === undefined || crc32(covered) !== Number(checksum)) {
    throw new SyntaxError('The sidecar does not match its checksum');
  }
}

type Untagged<Kind> = Omit<Kind, 'tags'> & { readonly tags?: Tags };

type StoredSidecar = (PartSidecar | Untagged<ObjectSidecar> | Untagged<ManifestSidecar>) & {
  readonly format: unknown;
  readonly sizeBytes: number;
  readonly blockSizeBytes: number;
  readonly blockCrc32: readonly number[];
  readonly crc32?: unknown;
};
