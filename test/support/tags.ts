/**
 * Tags as tests set them and look at them.
 *
 * @module
 */

import { GetObjectTaggingCommand, HeadObjectCommand, type Tag } from '@aws-sdk/client-s3';

import { escapeXml } from '#src/wire/xml-writer.js';

import type { Fixture } from './operation-suite.js';

/** Key and value. */
export type Pair = readonly [key: string, value: string];

/** `n` tags that differ. */
export function manyTags(count: number): Pair[] {
  return Array.from({ length: count }, (_, index) => [`key ${index}`, String(index)] as const);
}

/** As the SDK takes them. */
export function tagSet(pairs: readonly Pair[]): Tag[] {
  return pairs.map(([Key, Value]) => ({ Key, Value }));
}

/** A `Tagging` document, whatever the tags are. */
export function taggingXml(pairs: readonly Pair[]): string {
  const tags = pairs.map(
    ([key, value]) => `<Tag><Key>${escapeXml(key)}</Key><Value>${escapeXml(value)}</Value></Tag>`,
  );
  return `<Tagging><TagSet>${tags.join('')}</TagSet></Tagging>`;
}

/** The tags of an object, and the count that HEAD tells. */
export async function tagsOf(
  { client, bucket }: Pick<Fixture, 'client' | 'bucket'>,
  key: string,
): Promise<{ readonly pairs: Pair[]; readonly count: number | undefined }> {
  const name = { Bucket: bucket, Key: key };
  const { TagSet } = await client.send(new GetObjectTaggingCommand(name));
  const { TagCount } = await client.send(new HeadObjectCommand(name));
  const pairs = (TagSet ?? []).map(({ Key = '', Value = '' }): Pair => [Key, Value]);
  return { pairs, count: TagCount };
}
