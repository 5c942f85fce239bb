/**
 * Object attributes inside a record.
 *
 * ```text
 * attributes = present:varint (text for each set bit, low first)  count:varint (name:text value:text)*
 * ```
 *
 * A bit beyond the list was set by a later version, and its text cannot be told from what follows.
 *
 * @module
 */

import type { ObjectAttributes } from '../s3/object-attributes.js';
import { NewerFormatError } from '../util/newer-format-error.js';
import type { RecordReader, RecordWriter } from './record-codec.js';

// The position in this list is the bit in the record: append only.
const TEXT_MEMBERS = [
  'contentType',
  'cacheControl',
  'contentDisposition',
  'contentEncoding',
  'contentLanguage',
  'expires',
  'websiteRedirectLocation',
  'storageClass',
] as const satisfies readonly Exclude<keyof ObjectAttributes, 'userMetadata'>[];

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({});

type Writable<Shape> = { -readonly [Member in keyof Shape]: Shape[Member] };

export function putAttributes(writer: RecordWriter, attributes: ObjectAttributes): void {
  let present = 0;
  TEXT_MEMBERS.forEach((member, bit) => {
    if (attributes[member] !== undefined) present |= 1 << bit;
  });
  writer.varint(present);
  for (const member of TEXT_MEMBERS) {
    const value = attributes[member];
    if (value !== undefined) writer.text(value);
  }
  const entries = Object.entries(attributes.userMetadata);
  writer.varint(entries.length);
  for (const [name, value] of entries) writer.text(name).text(value);
}

export function attributesOf(reader: RecordReader): ObjectAttributes {
  const present = reader.varint();
  if (present >= 1 << TEXT_MEMBERS.length) {
    throw new NewerFormatError('record has attributes unknown to this version');
  }
  const attributes: Writable<ObjectAttributes> = { userMetadata: NO_METADATA };
  for (let bit = 0, rest = present; rest !== 0; bit += 1, rest >>>= 1) {
    const member = TEXT_MEMBERS[bit];
    if (rest % 2 === 1 && member !== undefined) attributes[member] = reader.text();
  }
  const count = reader.varint();
  if (count > 0) attributes.userMetadata = pairsOf(reader, count);
  return attributes;
}

function pairsOf(reader: RecordReader, count: number): Readonly<Record<string, string>> {
  const pairs: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index < count; index += 1) {
    const name = reader.text();
    pairs[name] = reader.text();
  }
  return pairs;
}
