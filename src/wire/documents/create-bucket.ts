/**
 * The request document of CreateBucket.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
 * @module
 */

import { S3Error } from '../../s3/errors.js';
import { DOCUMENT_BYTES_MAX } from '../../s3/limits.js';
import { NO_TAGS, type Tags } from '../../s3/tags.js';
import { childOf, childText, malformedXml, readXml } from '../xml-reader.js';
import { tagsOf } from './tagging.js';

/** What a new bucket shall be. */
export interface CreateBucketConfiguration {
  /** As sent; undefined without one. */
  readonly locationConstraint: string | undefined;
  readonly tags: Tags;
}

const ELEMENTS: ReadonlySet<string> = new Set(['LocationConstraint', 'Tags', 'Location', 'Bucket']);

/**
 * Reads the configuration; the body may be missing.
 *
 * The settings of directory buckets are refused rather than dropped.
 *
 * @throws {S3Error} BadRequest, InvalidTag, MalformedXML, MaxMessageLengthExceeded, NotImplemented.
 */
export function parseCreateBucketConfiguration(document: string): CreateBucketConfiguration {
  if (document === '') return { locationConstraint: undefined, tags: NO_TAGS };
  const root = readXml(document, {
    root: 'CreateBucketConfiguration',
    charactersMax: DOCUMENT_BYTES_MAX,
  });
  for (const { name } of root.children) {
    if (!ELEMENTS.has(name)) throw malformedXml(`${name} is not known here`);
  }
  if (childOf(root, 'Location') !== undefined || childOf(root, 'Bucket') !== undefined) {
    const message = 'Buckets can be created only in the general purpose form';
    throw new S3Error('NotImplemented', {}, { message });
  }
  const tags = childOf(root, 'Tags');
  return {
    locationConstraint: childText(root, 'LocationConstraint'),
    tags: tags === undefined ? NO_TAGS : tagsOf(tags, 'bucket'),
  };
}
