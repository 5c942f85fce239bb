/**
 * The request and answer of DeleteObjects.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 * @module
 */

import { S3Error } from '../../s3/errors.js';
import { parseEtag } from '../../s3/etag.js';
import { DELETE_COUNT_MAX, DELETE_DOCUMENT_BYTES_MAX } from '../../s3/limits.js';
import type { XmlElement } from '../xml-reader.js';
import { childOf, childText, malformedXml, readXmlInTurns } from '../xml-reader.js';
import { optionalElement, textElement, xmlDocument } from '../xml-writer.js';

/** One object to delete. The key is as sent: its length is checked for each entry apart. */
export interface DeleteEntry {
  readonly key: string;
  readonly versionId: string | undefined;
  /** ETag without quotes, or `*`. */
  readonly ifMatch: string | undefined;
}

/** A DeleteObjects request. */
export interface DeleteRequest {
  readonly isQuiet: boolean;
  readonly entries: readonly DeleteEntry[];
}

/** What became of one entry. */
export interface DeleteOutcome {
  readonly key: string;
  readonly versionId: string | undefined;
  /** Undefined when it is gone. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/**
 * Reads the request. Elements that S3 does not know are ignored, as AWS does.
 *
 * @throws {S3Error} MalformedXML, MaxMessageLengthExceeded, MissingRequestBodyError, NotImplemented.
 */
export async function parseDelete(document: string): Promise<DeleteRequest> {
  const root = await readXmlInTurns(document, {
    root: 'Delete',
    charactersMax: DELETE_DOCUMENT_BYTES_MAX,
    whenEmpty: 'MissingRequestBodyError',
  });
  const entries: DeleteEntry[] = [];
  for (const element of root.children) {
    if (element.name === 'Object') entries.push(deleteEntry(element));
  }
  if (entries.length === 0) throw malformedXml('there is no Object');
  if (entries.length > DELETE_COUNT_MAX) throw malformedXml('there are too many Objects');
  return { isQuiet: flag(childText(root, 'Quiet')), entries };
}

/** `DeleteResult`; successes are left out of a quiet one. */
export function deleteResultDocument(outcomes: readonly DeleteOutcome[], isQuiet: boolean): string {
  let content = '';
  for (const { key, versionId, error } of outcomes) {
    const name = textElement('Key', key) + optionalElement('VersionId', versionId);
    if (error !== undefined) {
      const reason = textElement('Code', error.code) + textElement('Message', error.message);
      content += `<Error>${name}${reason}</Error>`;
    } else if (!isQuiet) {
      content += `<Deleted>${name}</Deleted>`;
    }
  }
  return xmlDocument('DeleteResult', content);
}

function deleteEntry(element: XmlElement): DeleteEntry {
  const key = childText(element, 'Key');
  if (key === undefined || key === '') throw malformedXml('an Object has no Key');
  // Ignoring a condition would delete what the client wanted to keep.
  for (const condition of ['LastModifiedTime', 'Size']) {
    if (childOf(element, condition) !== undefined) {
      const message = `Deleting on condition of ${condition} is not offered`;
      throw new S3Error('NotImplemented', {}, { message });
    }
  }
  const versionId = childText(element, 'VersionId');
  const etag = childText(element, 'ETag');
  return {
    key,
    versionId: versionId === '' ? undefined : versionId,
    ifMatch: etag === undefined || etag === '' ? undefined : parseEtag(etag),
  };
}

function flag(text: string | undefined): boolean {
  const value = text?.trim().toLowerCase() ?? 'false';
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0' || value === '') return false;
  throw malformedXml('Quiet is neither true nor false');
}
