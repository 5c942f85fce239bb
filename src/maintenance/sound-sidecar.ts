/**
 * Whether a sidecar has every member of its kind, so that records can be made of it.
 *
 * Sidecars of earlier versions have no checksum of their own: a flipped bit or a file of somebody
 * else can be any JSON.
 *
 * @module
 */

import type { BlobLayout } from '../blobs/blob-store.js';
import { CHECKSUM_ALGORITHMS } from '../s3/checksums.js';
import type { Sidecar } from '../store/sidecar.js';

type Members = Readonly<Record<string, unknown>>;

const MD5_PATTERN = /^[0-9a-f]{32}$/;
const BLOB_ID_PATTERN = /^[0-9a-f]{32}$/;
const UPLOAD_ID_PATTERN = /^[0-9a-z]{32}$/;
const PART_NUMBER_MAX = 65_535;

export function isSound(sidecar: Sidecar, layout: BlobLayout): boolean {
  const members = sidecar as unknown as Members;
  return (
    isLayout(layout) &&
    ['bucket', 'key', 'blobId'].every((name) => typeof members[name] === 'string') &&
    matches(BLOB_ID_PATTERN, members['blobId']) &&
    members['key'] !== '' &&
    isCount(members['lastModifiedMs']) &&
    matches(MD5_PATTERN, members['md5']) &&
    (members['checksum'] === undefined || isChecksum(members['checksum'])) &&
    isOfItsKind(members)
  );
}

function isOfItsKind(members: Members): boolean {
  const { kind, uploadId, partNumber, parts } = members;
  if (kind === 'object') return isVersion(members);
  if (!matches(UPLOAD_ID_PATTERN, uploadId)) return false;
  if (kind === 'part') return isPartNumber(partNumber) && members['checksum'] !== undefined;
  return kind === 'manifest' && isVersion(members) && Array.isArray(parts) && parts.every(isPart);
}

function isVersion({ versionId, attributes, tags }: Members): boolean {
  if (typeof versionId !== 'string' || !isMembers(attributes)) return false;
  const { userMetadata, ...texts } = attributes;
  return (
    isMembers(userMetadata) &&
    [...Object.values(userMetadata), ...Object.values(texts)].every(isText) &&
    Array.isArray(tags) &&
    tags.every((tag) => isMembers(tag) && isText(tag['key']) && isText(tag['value']))
  );
}

function isPart(part: unknown): boolean {
  if (!isMembers(part)) return false;
  const { partNumber, sizeBytes, blobId } = part;
  return isPartNumber(partNumber) && isCount(sizeBytes) && matches(BLOB_ID_PATTERN, blobId);
}

function isChecksum(checksum: unknown): boolean {
  if (!isMembers(checksum)) return false;
  const { algorithm, type, value } = checksum;
  return (
    (CHECKSUM_ALGORITHMS as readonly unknown[]).includes(algorithm) &&
    (type === 'FULL_OBJECT' || type === 'COMPOSITE') &&
    isText(value)
  );
}

function isLayout({ sizeBytes, blockSizeBytes, blockChecksums }: BlobLayout): boolean {
  return (
    isCount(sizeBytes) &&
    isCount(blockSizeBytes) &&
    blockSizeBytes > 0 &&
    blockChecksums.length === Math.ceil(sizeBytes / blockSizeBytes)
  );
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isPartNumber(value: unknown): boolean {
  return isCount(value) && value >= 1 && value <= PART_NUMBER_MAX;
}

function matches(pattern: RegExp, value: unknown): boolean {
  return typeof value === 'string' && pattern.test(value);
}
