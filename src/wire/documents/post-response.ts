/**
 * The answer of PostObject to a form that asks for 201. Unlike most documents it has no namespace.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 * @module
 */

import { etagElement, textElement, wrapElement, XML_DECLARATION } from '../xml-writer.js';

export interface PostedObject {
  readonly location: string;
  readonly bucket: string;
  readonly key: string;
  /** Without quotes. */
  readonly etag: string;
}

/** `PostResponse`. */
export function postResponseDocument({ location, bucket, key, etag }: PostedObject): string {
  return (
    XML_DECLARATION +
    wrapElement(
      'PostResponse',
      textElement('Location', location) +
        textElement('Bucket', bucket) +
        textElement('Key', key) +
        etagElement(etag),
    )
  );
}
