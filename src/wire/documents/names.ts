/**
 * Keys and prefixes in listings, as text or percent-encoded.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, encoding-type
 * @module
 */

import { encodePathAws } from '../uri.js';
import { textElement } from '../xml-writer.js';

/** Writes an element that holds a name. */
export type NameWriter = (element: string, name: string) => string;

/**
 * How a listing writes names. Percent-encoded names keep `/`, write a space as `%20` and a plus
 * as `%2B`, so that every decoder reads them alike; they never need XML escapes.
 */
export function nameWriter(isUrlEncoded: boolean): NameWriter {
  return isUrlEncoded ? encodedElement : textElement;
}

/** The `CommonPrefixes` of a listing. */
export function commonPrefixElements(prefixes: readonly string[], write: NameWriter): string {
  let elements = '';
  for (const prefix of prefixes) {
    elements += `<CommonPrefixes>${write('Prefix', prefix)}</CommonPrefixes>`;
  }
  return elements;
}

/** The `Delimiter` of a listing, left out when it has none. */
export function delimiterElement(write: NameWriter, delimiter: string): string {
  return delimiter === '' ? '' : write('Delimiter', delimiter);
}

/** The `EncodingType` of a listing, left out when names are plain. */
export function encodingElement(isUrlEncoded: boolean): string {
  return isUrlEncoded ? '<EncodingType>url</EncodingType>' : '';
}

function encodedElement(element: string, name: string): string {
  return `<${element}>${encodePathAws(name)}</${element}>`;
}
