/**
 * Answers about uploads in progress: CreateMultipartUpload, ListParts, ListMultipartUploads.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
 * @module
 */

import { isoDate } from '../../s3/dates.js';
import type {
  ChecksumAlgorithm,
  ChecksumType,
  ObjectChecksum,
} from '../../s3/object-attributes.js';
import { ownerIdOf } from '../../s3/owner.js';
import { STANDARD_STORAGE_CLASS } from '../../s3/storage-class.js';
import type { ListPartsParameters, ListUploadsParameters } from '../list-parameters.js';
import { etagElement, textElement, xmlDocument } from '../xml-writer.js';
import { checksumValueElement } from './checksum.js';
import type { NameWriter } from './names.js';
import { commonPrefixElements, delimiterElement, encodingElement, nameWriter } from './names.js';
import { ownerElement } from './owner.js';

/** An upload as listings show it. */
export interface ListedUpload {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedMs: number;
  readonly attributes: { readonly storageClass?: string };
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType;
  /** Account of the initiator, who owns the result. */
  readonly account: string;
}

/** A part as ListParts shows it. */
export interface ListedUploadPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly checksum: ObjectChecksum;
}

/** A page of parts. */
export interface PartsPage {
  readonly parts: readonly ListedUploadPart[];
  readonly isTruncated: boolean;
}

/** A page of uploads. */
export interface UploadsPage {
  readonly uploads: readonly ListedUpload[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  readonly nextKeyMarker: string;
  readonly nextUploadIdMarker: string;
}

/** `InitiateMultipartUploadResult`. */
export function initiateMultipartUploadDocument(
  upload: Pick<ListedUpload, 'bucket' | 'key' | 'uploadId'>,
): string {
  return xmlDocument(
    'InitiateMultipartUploadResult',
    textElement('Bucket', upload.bucket) +
      textElement('Key', upload.key) +
      textElement('UploadId', upload.uploadId),
  );
}

/** `ListPartsResult`. */
export function listPartsDocument(
  upload: ListedUpload,
  parameters: ListPartsParameters,
  page: PartsPage,
): string {
  const nextMarker = page.parts.at(-1)?.partNumber ?? 0;
  return xmlDocument(
    'ListPartsResult',
    textElement('Bucket', upload.bucket) +
      textElement('Key', upload.key) +
      textElement('UploadId', upload.uploadId) +
      textElement('PartNumberMarker', parameters.partNumberMarker) +
      textElement('NextPartNumberMarker', nextMarker) +
      textElement('MaxParts', parameters.countMax) +
      textElement('IsTruncated', page.isTruncated) +
      uploadChecksumElements(upload) +
      partElements(page.parts, upload.checksumAlgorithm !== undefined) +
      ownersAndClass(upload),
  );
}

/** `ListMultipartUploadsResult`. */
export function listMultipartUploadsDocument(
  bucket: string,
  parameters: ListUploadsParameters,
  page: UploadsPage,
): string {
  const { prefix, delimiter, keyMarker, uploadIdMarker, countMax, isUrlEncoded } = parameters;
  const write = nameWriter(isUrlEncoded);
  return xmlDocument(
    'ListMultipartUploadsResult',
    textElement('Bucket', bucket) +
      write('KeyMarker', keyMarker) +
      textElement('UploadIdMarker', uploadIdMarker) +
      write('NextKeyMarker', page.nextKeyMarker) +
      textElement('NextUploadIdMarker', page.nextUploadIdMarker) +
      write('Prefix', prefix) +
      delimiterElement(write, delimiter) +
      encodingElement(isUrlEncoded) +
      textElement('MaxUploads', countMax) +
      textElement('IsTruncated', page.isTruncated) +
      uploadElements(page.uploads, write) +
      commonPrefixElements(page.commonPrefixes, write),
  );
}

// Parts of an upload without an algorithm have a checksum for our own use only.
function partElements(parts: readonly ListedUploadPart[], hasChecksum: boolean): string {
  let elements = '';
  for (const { partNumber, lastModifiedMs, etag, sizeBytes, checksum } of parts) {
    elements +=
      `<Part><PartNumber>${partNumber}</PartNumber>` +
      `<LastModified>${isoDate(lastModifiedMs)}</LastModified>${etagElement(etag)}` +
      `<Size>${sizeBytes}</Size>` +
      (hasChecksum ? checksumValueElement(checksum.algorithm, checksum.value) : '') +
      '</Part>';
  }
  return elements;
}

function uploadElements(uploads: readonly ListedUpload[], write: NameWriter): string {
  let elements = '';
  for (const upload of uploads) {
    elements +=
      `<Upload>${write('Key', upload.key)}${textElement('UploadId', upload.uploadId)}` +
      ownersAndClass(upload) +
      textElement('Initiated', isoDate(upload.initiatedMs)) +
      `${uploadChecksumElements(upload)}</Upload>`;
  }
  return elements;
}

function ownersAndClass(upload: ListedUpload): string {
  const ownerId = ownerIdOf(upload.account);
  return (
    ownerElement('Initiator', ownerId) +
    ownerElement('Owner', ownerId) +
    textElement('StorageClass', upload.attributes.storageClass ?? STANDARD_STORAGE_CLASS)
  );
}

function uploadChecksumElements(upload: ListedUpload): string {
  if (upload.checksumAlgorithm === undefined) return '';
  return (
    textElement('ChecksumAlgorithm', upload.checksumAlgorithm) +
    textElement('ChecksumType', upload.checksumType)
  );
}
