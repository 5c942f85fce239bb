/**
 * Answers of CopyObject and UploadPartCopy.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 * @module
 */

import { isoDate } from '../../s3/dates.js';
import type { ObjectChecksum } from '../../s3/object-attributes.js';
import { etagElement, textElement, xmlDocument } from '../xml-writer.js';
import { checksumElements, checksumValueElement } from './checksum.js';

/** What a copy became. */
export interface CopyOutcome {
  /** Without quotes. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly checksum: ObjectChecksum | undefined;
}

/** `CopyObjectResult`. */
export function copyObjectDocument(copy: CopyOutcome): string {
  const checksum = checksumElements(copy.checksum);
  return xmlDocument('CopyObjectResult', dateAndEtag(copy) + checksum);
}

/** `CopyPartResult`. */
export function copyPartDocument(copy: CopyOutcome): string {
  const { checksum } = copy;
  const value =
    checksum === undefined ? '' : checksumValueElement(checksum.algorithm, checksum.value);
  return xmlDocument('CopyPartResult', dateAndEtag(copy) + value);
}

function dateAndEtag(copy: CopyOutcome): string {
  return textElement('LastModified', isoDate(copy.lastModifiedMs)) + etagElement(copy.etag);
}
