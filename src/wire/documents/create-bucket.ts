/**
 * The request document of CreateBucket.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
 * @module
 */

import { S3Error } from '../../s3/errors.js';
import { DOCUMENT_BYTES_MAX } from '../../s3/limits.js';
import { childOf, childText, malformedXml, readXml } from '../xml-reader.js';

/** What a new bucket shall be. */
export interface CreateBucketConfiguration {
  /** As sent; undefined without one. */
  readonly locationConstraint: string | undefined;
}

const ELEMENTS: ReadonlySet<string> = new Set(['LocationConstraint', 'Tags', 'Location', 'Bucket']);

/**
 * Reads the configuration; the body may be missing.
 *
 * Tags and the settings of directory buckets are refused rather than dropped; an empty set of
 * tags asks for nothing.
 *
 * @throws {S3Error} MalformedXML, MaxMessageLengthExceeded, NotImplemented.
 */
export function parseCreateBucketConfiguration(document: string): CreateBucketConfiguration {
  if (document === '') return { locationConstraint: undefined };
  const root = readXml(document, {
    root: 'CreateBucketConfiguration',
    charactersMax: DOCUMENT_BYTES_MAX,
  });
  for (const { name } of root.children) {
    if (!ELEMENTS.has(name)) throw malformedXml(`${name} is not known here`);
  }
  const hasTags = (childOf(root, 'Tags')?.children.length ?? 0) > 0;
  if (hasTags || childOf(root, 'Location') !== undefined || childOf(root, 'Bucket') !== undefined) {
    const message = 'Buckets can be created only without tags and in the general purpose form';
    throw new S3Error('NotImplemented', {}, { message });
  }
  return { locationConstraint: childText(root, 'LocationConstraint') };
}
