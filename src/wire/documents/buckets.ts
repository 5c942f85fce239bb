/**
 * Answers about buckets: ListBuckets, GetBucketLocation, GetBucketVersioning.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
 * @module
 */

import { isoDate } from '../../s3/dates.js';
import { locationConstraintOf } from '../../s3/location.js';
import {
  escapeXml,
  optionalElement,
  textElement,
  wrapElement,
  xmlDocument,
} from '../xml-writer.js';
import { ownerElement } from './owner.js';

/** A bucket as ListBuckets shows it. */
export interface ListedBucket {
  readonly name: string;
  readonly region: string;
  readonly createdMs: number;
}

/** A page of buckets. */
export interface BucketsPage {
  readonly ownerId: string;
  readonly buckets: readonly ListedBucket[];
  /** Echoed when the request had one. */
  readonly prefix: string;
  /** Token of the next page; undefined on the last. */
  readonly continuationToken: string | undefined;
}

/** `ListAllMyBucketsResult`. */
export function listBucketsDocument(page: BucketsPage): string {
  let buckets = '';
  for (const { name, region, createdMs } of page.buckets) {
    buckets +=
      `<Bucket><Name>${name}</Name><CreationDate>${isoDate(createdMs)}</CreationDate>` +
      `<BucketRegion>${escapeXml(region)}</BucketRegion>` +
      `<BucketArn>${bucketArn(name)}</BucketArn></Bucket>`;
  }
  return xmlDocument(
    'ListAllMyBucketsResult',
    ownerElement('Owner', page.ownerId) +
      wrapElement('Buckets', buckets) +
      optionalElement('ContinuationToken', page.continuationToken) +
      (page.prefix === '' ? '' : textElement('Prefix', page.prefix)),
  );
}

/** The name of a bucket across all of S3. */
export function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}

/** `LocationConstraint` of GetBucketLocation. */
export function locationDocument(region: string): string {
  return xmlDocument('LocationConstraint', escapeXml(locationConstraintOf(region)));
}

/** `VersioningConfiguration` of a bucket that was never versioned: empty. */
export function versioningDocument(): string {
  return xmlDocument('VersioningConfiguration', '');
}
