/**
 * The answer of ListObjectVersions.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 * @module
 */

import { isoDate } from '../../s3/dates.js';
import { STANDARD_STORAGE_CLASS } from '../../s3/storage-class.js';
import type { ListVersionsParameters } from '../list-parameters.js';
import { etagElement, optionalElement, textElement, xmlDocument } from '../xml-writer.js';
import { checksumKindElements } from './checksum.js';
import type { ListedObject } from './list-objects.js';
import type { NameWriter } from './names.js';
import { commonPrefixElements, delimiterElement, encodingElement, nameWriter } from './names.js';
import { ownerElement } from './owner.js';

/** A version as the listing shows it. */
export interface ListedVersion extends ListedObject {
  readonly versionId: string;
}

/** A page of versions, each the latest of its key. */
export interface VersionsPage {
  readonly versions: readonly ListedVersion[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page starts; undefined on the last. */
  readonly next: { readonly keyMarker: string; readonly versionIdMarker?: string } | undefined;
}

/** `ListVersionsResult`. Every object belongs to `ownerId`. */
export function listObjectVersionsDocument(
  bucket: string,
  parameters: ListVersionsParameters,
  page: VersionsPage,
  ownerId: string,
): string {
  const { prefix, delimiter, keyMarker, versionIdMarker, countMax, isUrlEncoded } = parameters;
  const { next } = page;
  const write = nameWriter(isUrlEncoded);
  return xmlDocument(
    'ListVersionsResult',
    textElement('Name', bucket) +
      write('Prefix', prefix) +
      write('KeyMarker', keyMarker) +
      textElement('VersionIdMarker', versionIdMarker) +
      (next === undefined ? '' : write('NextKeyMarker', next.keyMarker)) +
      optionalElement('NextVersionIdMarker', next?.versionIdMarker) +
      textElement('MaxKeys', countMax) +
      delimiterElement(write, delimiter) +
      encodingElement(isUrlEncoded) +
      textElement('IsTruncated', next !== undefined) +
      versionElements(page.versions, write, ownerElement('Owner', ownerId)) +
      commonPrefixElements(page.commonPrefixes, write),
  );
}

function versionElements(
  versions: readonly ListedVersion[],
  write: NameWriter,
  owner: string,
): string {
  let elements = '';
  for (const version of versions) {
    elements +=
      `<Version>${write('Key', version.key)}` +
      `<VersionId>${version.versionId}</VersionId><IsLatest>true</IsLatest>` +
      `<LastModified>${isoDate(version.lastModifiedMs)}</LastModified>` +
      etagElement(version.etag) +
      checksumKindElements(version.checksum) +
      `<Size>${version.sizeBytes}</Size>${owner}` +
      `<StorageClass>${version.attributes.storageClass ?? STANDARD_STORAGE_CLASS}</StorageClass>` +
      '</Version>';
  }
  return elements;
}
