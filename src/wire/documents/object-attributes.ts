/**
 * The answer of GetObjectAttributes.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
 * @module
 */

import type { ObjectChecksum } from '../../s3/object-attributes.js';
import { STANDARD_STORAGE_CLASS } from '../../s3/storage-class.js';
import type { AttributeName, PartsPageParameters } from '../object-attributes-headers.js';
import { textElement, wrapElement, xmlDocument } from '../xml-writer.js';
import { checksumElements, checksumValueElement } from './checksum.js';

/** An object as its attributes show it. */
export interface DescribedObject {
  /** Without quotes, as it stays in this document alone. */
  readonly etag: string;
  readonly checksum: ObjectChecksum | undefined;
  readonly attributes: { readonly storageClass?: string };
  readonly sizeBytes: number;
  /** Undefined for objects that came in one piece. */
  readonly partsCount: number | undefined;
}

/** A page of the parts of an object. */
export interface ObjectPartsPage extends PartsPageParameters {
  readonly parts: readonly {
    readonly partNumber: number;
    readonly sizeBytes: number;
    /** Base64, in the object's algorithm. */
    readonly checksum: string | undefined;
  }[];
  readonly isTruncated: boolean;
}

/**
 * `GetObjectAttributesResponse` with the attributes asked for.
 *
 * @param page - undefined when the parts of the object are only counted.
 */
export function objectAttributesDocument(
  object: DescribedObject,
  requested: ReadonlySet<AttributeName>,
  page: ObjectPartsPage | undefined,
): string {
  const { etag, checksum, sizeBytes } = object;
  const storageClass = object.attributes.storageClass ?? STANDARD_STORAGE_CLASS;
  // A checksum of the checksums of parts stands here without their number, as on AWS.
  const elements: readonly (readonly [name: AttributeName, element: string])[] = [
    ['ETag', textElement('ETag', etag)],
    ['Checksum', checksum ? wrapElement('Checksum', checksumElements(checksum)) : ''],
    ['ObjectParts', partsElement(object, page)],
    ['StorageClass', textElement('StorageClass', storageClass)],
    ['ObjectSize', textElement('ObjectSize', sizeBytes)],
  ];
  const wanted = elements.filter(([name]) => requested.has(name));
  return xmlDocument('GetObjectAttributesResponse', wanted.map(([, element]) => element).join(''));
}

function partsElement(object: DescribedObject, page: ObjectPartsPage | undefined): string {
  const { partsCount, checksum } = object;
  if (partsCount === undefined) return '';
  let elements = textElement('PartsCount', partsCount);
  if (page !== undefined) {
    const { partNumberMarker, countMax, parts, isTruncated } = page;
    elements +=
      textElement('PartNumberMarker', partNumberMarker) +
      textElement('NextPartNumberMarker', parts.at(-1)?.partNumber ?? 0) +
      textElement('MaxParts', countMax) +
      textElement('IsTruncated', isTruncated);
    for (const part of parts) elements += partElement(part, checksum);
  }
  return wrapElement('ObjectParts', elements);
}

function partElement(
  { partNumber, sizeBytes, checksum: value }: ObjectPartsPage['parts'][number],
  checksum: ObjectChecksum | undefined,
): string {
  const isShown = checksum !== undefined && value !== undefined;
  return wrapElement(
    'Part',
    textElement('PartNumber', partNumber) +
      textElement('Size', sizeBytes) +
      (isShown ? checksumValueElement(checksum.algorithm, value) : ''),
  );
}
