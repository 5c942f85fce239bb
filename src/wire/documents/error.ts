/**
 * The error document. Unlike every other document it has no namespace.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 * @module
 */

import { XML_DECLARATION, textElement } from '../xml-writer.js';

/** An error as its document shows it. */
export interface ErrorFields {
  readonly code: string;
  readonly message: string;
  /** Further elements by name, which must be a valid element name. */
  readonly details: Readonly<Record<string, string | number>>;
  /** Equal to the headers `x-amz-request-id` and `x-amz-id-2`. */
  readonly requestId: string;
  readonly hostId: string;
}

/** `Error`. */
export function errorDocument(error: ErrorFields): string {
  let details = '';
  for (const [name, value] of Object.entries(error.details)) details += textElement(name, value);
  return (
    `${XML_DECLARATION}<Error>` +
    textElement('Code', error.code) +
    textElement('Message', error.message) +
    details +
    textElement('RequestId', error.requestId) +
    textElement('HostId', error.hostId) +
    '</Error>'
  );
}
