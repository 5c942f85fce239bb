/**
 * Tags inside the records of objects and uploads: extension 2, absent when there are none.
 *
 * ```text
 * tags = count:varint (key:text value:text)*
 * ```
 *
 * @see docs/ON_DISK_FORMAT.md, "Records"
 * @module
 */

import { NO_TAGS, type Tag, type Tags } from '../s3/tags.js';
import { RecordReader, RecordWriter, type Extensible, type Extension } from './record-codec.js';

/** Even: a program that does not know tags keeps them and serves the object as ever. */
const TAGS_EXTENSION = 2;

const writer = new RecordWriter();

/** The extensions of a record with its tags among them, in the order they are written. */
export function withTags(
  tags: Tags,
  extensions: readonly Extension[] | undefined,
): readonly Extension[] | undefined {
  if (tags.length === 0) return extensions;
  writer.start().varint(tags.length);
  for (const { key, value } of tags) writer.text(key).text(value);
  const own = { tag: TAGS_EXTENSION, content: writer.content() };
  return [...(extensions ?? []), own].sort((one, other) => one.tag - other.tag);
}

/** Takes the tags of a record from among its extensions. */
export function splitTags({ extensions }: Extensible): { readonly tags: Tags } & Extensible {
  if (extensions === undefined) return { tags: NO_TAGS };
  const own = extensions.find(({ tag }) => tag === TAGS_EXTENSION);
  if (own === undefined) return { tags: NO_TAGS, extensions };
  const others = extensions.filter((extension) => extension !== own);
  const tags = tagsOf(own.content);
  return others.length === 0 ? { tags } : { tags, extensions: others };
}

function tagsOf(content: Uint8Array): Tags {
  const reader = RecordReader.ofContent(content, 'tags');
  const tags: Tag[] = [];
  for (let count = reader.varint(); count > 0; count -= 1) {
    tags.push({ key: reader.text(), value: reader.text() });
  }
  return tags;
}
