/**
 * Tags of objects and buckets: what they may be.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html
 * @module
 */

import { S3Error } from './errors.js';
import {
  BUCKET_TAGS_COUNT_MAX,
  OBJECT_TAGS_COUNT_MAX,
  TAG_KEY_CHARACTERS_MAX,
  TAG_VALUE_CHARACTERS_MAX,
} from './limits.js';

export interface Tag {
  readonly key: string;
  /** May be empty. */
  readonly value: string;
}

/** In the order of the request that set them; keys are distinct. */
export type Tags = readonly Tag[];

export const NO_TAGS: Tags = Object.freeze([]);

/** What is tagged. */
export type TagOwner = 'object' | 'bucket';

const COUNT_MAX: Readonly<Record<TagOwner, number>> = {
  object: OBJECT_TAGS_COUNT_MAX,
  bucket: BUCKET_TAGS_COUNT_MAX,
};
const COUNT_MESSAGE: Readonly<Record<TagOwner, string>> = {
  object: `Object tags cannot be greater than ${OBJECT_TAGS_COUNT_MAX}`,
  bucket: `Bucket tag count cannot be greater than ${BUCKET_TAGS_COUNT_MAX}`,
};
// Letters, separators and numbers of any script; no control characters, marks or symbols.
const CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const SYSTEM_PREFIX = /^aws:/i;

/**
 * Checks the tags of one object or bucket.
 *
 * Too many are BadRequest, as AWS answers today; some test suites still expect its older
 * InvalidTag. Lengths are counted in UTF-16 units, the form in which AWS keeps tags.
 *
 * @throws {S3Error} BadRequest, InvalidTag.
 */
export function assertTags(tags: Tags, owner: TagOwner): void {
  if (tags.length > COUNT_MAX[owner]) {
    throw new S3Error('BadRequest', {}, { message: COUNT_MESSAGE[owner] });
  }
  for (const tag of tags) assertTag(tag);
  const repeated = repeatedTag(tags);
  if (repeated === undefined) return;
  throw invalidTag(repeated, 'Cannot provide multiple Tags with the same key');
}

/** The first tag whose key an earlier one has. */
export function repeatedTag(tags: Tags): Tag | undefined {
  const keys = new Set<string>();
  for (const tag of tags) {
    if (keys.has(tag.key)) return tag;
    keys.add(tag.key);
  }
  return undefined;
}

/** Whether two sets are the same, order included. */
export function isSameTags(one: Tags, other: Tags): boolean {
  return (
    one.length === other.length &&
    one.every(({ key, value }, index) => key === other[index]?.key && value === other[index].value)
  );
}

function assertTag(tag: Tag): void {
  const { key, value } = tag;
  if (SYSTEM_PREFIX.test(key)) {
    throw invalidTag(tag, 'System tags cannot be added/updated by requester');
  }
  if (key === '' || key.length > TAG_KEY_CHARACTERS_MAX || !CHARACTERS.test(key)) {
    throw invalidTag(tag, 'The TagKey you have provided is invalid');
  }
  if (value.length > TAG_VALUE_CHARACTERS_MAX || !CHARACTERS.test(value)) {
    throw invalidTag(tag, 'The TagValue you have provided is invalid');
  }
}

function invalidTag({ key, value }: Tag, message: string): S3Error {
  return new S3Error('InvalidTag', { TagKey: key, TagValue: value }, { message });
}
