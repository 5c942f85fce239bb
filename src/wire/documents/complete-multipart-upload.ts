/**
 * The request and answer of CompleteMultipartUpload.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 * @module
 */

import { CHECKSUM_ALGORITHMS } from '../../s3/checksums.js';
import { S3Error } from '../../s3/errors.js';
import { parseEtag } from '../../s3/etag.js';
import { COMPLETE_DOCUMENT_BYTES_MAX, PARTS_COUNT_MAX } from '../../s3/limits.js';
import type { ChecksumAlgorithm, ObjectChecksum } from '../../s3/object-attributes.js';
import type { XmlElement } from '../xml-reader.js';
import { malformedXml, readXmlInTurns } from '../xml-reader.js';
import { etagElement, textElement, xmlDocument } from '../xml-writer.js';
import { checksumElements } from './checksum.js';

/** A part as the client lists it. */
export interface ListedPart {
  readonly partNumber: number;
  /** Without quotes. */
  readonly etag: string;
  /** Checksums the client repeated, as sent. */
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

/** What a completed upload became. */
export interface CompletedUpload {
  /** URL of the object as the client addresses it, key percent-encoded. */
  readonly location: string;
  readonly bucket: string;
  readonly key: string;
  /** Without quotes. */
  readonly etag: string;
  readonly checksum: ObjectChecksum | undefined;
  readonly partsCount: number;
}

// A part, its number, its ETag and a checksum; 10,000 parts with more do not fit in the document.
const ELEMENTS_PER_PART = 6;
const WHOLE_NUMBER = /^\s*([+-]?\d{1,10})\s*$/;
const NO_CHECKSUMS: ListedPart['checksums'] = {};

const ALGORITHM_OF_ELEMENT: ReadonlyMap<string, ChecksumAlgorithm> = new Map(
  CHECKSUM_ALGORITHMS.map((algorithm) => [`Checksum${algorithm}`, algorithm]),
);

/**
 * Reads the list of parts, in the order of the client. Elements that S3 does not know are ignored.
 *
 * @throws {S3Error} InvalidArgument, InvalidRequest, MalformedXML, MaxMessageLengthExceeded.
 */
export async function parseCompleteMultipartUpload(
  document: string,
): Promise<readonly ListedPart[]> {
  const root = await readXmlInTurns(document, {
    root: 'CompleteMultipartUpload',
    charactersMax: COMPLETE_DOCUMENT_BYTES_MAX,
    elementsCountMax: PARTS_COUNT_MAX * ELEMENTS_PER_PART,
    whenEmpty: 'InvalidRequest',
  });
  const elements = root.children.filter(({ name }) => name === 'Part');
  if (elements.length === 0) throw malformedXml('there is no Part');
  if (elements.length > PARTS_COUNT_MAX) throw malformedXml('there are too many Parts');
  return elements.map(listedPart);
}

/** `CompleteMultipartUploadResult`. */
export function completeMultipartUploadDocument(completed: CompletedUpload): string {
  return xmlDocument(
    'CompleteMultipartUploadResult',
    textElement('Location', completed.location) +
      textElement('Bucket', completed.bucket) +
      textElement('Key', completed.key) +
      etagElement(completed.etag) +
      checksumElements(completed.checksum, completed.partsCount),
  );
}

function listedPart(part: XmlElement): ListedPart {
  let partNumber: number | undefined;
  let etag: string | undefined;
  let checksums: Partial<Record<ChecksumAlgorithm, string>> | undefined;
  for (const { name, text } of part.children) {
    const algorithm = ALGORITHM_OF_ELEMENT.get(name);
    if (name === 'PartNumber') partNumber = wholeNumber(text);
    else if (name === 'ETag') etag = parseEtag(text);
    else if (algorithm !== undefined) (checksums ??= {})[algorithm] = text.trim();
  }
  if (partNumber === undefined) throw malformedXml('a Part has no number');
  if (etag === undefined) throw malformedXml('a Part has no ETag');
  if (partNumber < 1 || partNumber > PARTS_COUNT_MAX) throw invalidPartNumber(partNumber);
  return { partNumber, etag, checksums: checksums ?? NO_CHECKSUMS };
}

function wholeNumber(text: string): number {
  const digits = WHOLE_NUMBER.exec(text)?.[1];
  if (digits === undefined) throw malformedXml('a PartNumber is not a whole number');
  return Number(digits);
}

function invalidPartNumber(partNumber: number): S3Error {
  return new S3Error(
    'InvalidArgument',
    { ArgumentName: 'partNumber', ArgumentValue: partNumber },
    { message: `Part number must be an integer between 1 and ${PARTS_COUNT_MAX}, inclusive` },
  );
}
