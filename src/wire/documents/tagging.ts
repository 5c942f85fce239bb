/**
 * `Tagging`: the tags of an object or a bucket, both ways.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html
 * @module
 */

import { DOCUMENT_BYTES_MAX } from '../../s3/limits.js';
import { assertTags, type Tag, type TagOwner, type Tags } from '../../s3/tags.js';
import { malformedXml, readXml, type XmlElement } from '../xml-reader.js';
import { textElement, wrapElement, xmlDocument } from '../xml-writer.js';

/**
 * Reads the request. What the schema does not know is refused.
 *
 * @throws {S3Error} BadRequest, InvalidTag, MalformedXML, MissingRequestBodyError.
 */
export function parseTagging(document: string, owner: TagOwner): Tags {
  const root = readXml(document, {
    root: 'Tagging',
    charactersMax: DOCUMENT_BYTES_MAX,
    whenEmpty: 'MissingRequestBodyError',
  });
  const [tagSet, ...others] = root.children;
  if (tagSet?.name !== 'TagSet' || others.length > 0) throw malformedXml('there is no one TagSet');
  return tagsOf(tagSet, owner);
}

/** The `Tag` elements inside another. @throws {S3Error} BadRequest, InvalidTag, MalformedXML. */
export function tagsOf(element: XmlElement, owner: TagOwner): Tags {
  const tags = element.children.map(tagOf);
  assertTags(tags, owner);
  return tags;
}

/** The answer; an object without tags has an empty set. */
export function taggingDocument(tags: Tags): string {
  const elements = tags.map(({ key, value }) =>
    wrapElement('Tag', textElement('Key', key) + textElement('Value', value)),
  );
  return xmlDocument('Tagging', wrapElement('TagSet', elements.join('')));
}

function tagOf({ name, children }: XmlElement): Tag {
  if (name !== 'Tag') throw malformedXml(`${name} is not known here`);
  const key = children.find((child) => child.name === 'Key');
  const value = children.find((child) => child.name === 'Value');
  if (key === undefined || value === undefined || children.length !== 2) {
    throw malformedXml('a Tag has one Key and one Value');
  }
  return { key: key.text, value: value.text };
}
