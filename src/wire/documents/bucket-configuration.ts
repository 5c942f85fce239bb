/**
 * Answers about the configuration of a bucket that nobody has configured.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 * @module
 */

import { textElement, wrapElement, xmlDocument } from '../xml-writer.js';

/** `BucketLoggingStatus`: requests are not logged into a bucket. */
export function bucketLoggingDocument(): string {
  return xmlDocument('BucketLoggingStatus', '');
}

/** `RequestPaymentConfiguration`. */
export function requestPaymentDocument(): string {
  return xmlDocument('RequestPaymentConfiguration', textElement('Payer', 'BucketOwner'));
}

/** `AccelerateConfiguration`: never accelerated. */
export function accelerateDocument(): string {
  return xmlDocument('AccelerateConfiguration', '');
}

/** `NotificationConfiguration`: nobody is notified. */
export function notificationDocument(): string {
  return xmlDocument('NotificationConfiguration', '');
}

/** `OwnershipControls`: everything in a bucket belongs to its owner. */
export function ownershipControlsDocument(): string {
  const rule = wrapElement('Rule', textElement('ObjectOwnership', 'BucketOwnerEnforced'));
  return xmlDocument('OwnershipControls', rule);
}

/** `PublicAccessBlockConfiguration`: nothing is public. */
export function publicAccessBlockDocument(): string {
  const settings = [
    'BlockPublicAcls',
    'IgnorePublicAcls',
    'BlockPublicPolicy',
    'RestrictPublicBuckets',
  ];
  return xmlDocument(
    'PublicAccessBlockConfiguration',
    settings.map((name) => textElement(name, true)).join(''),
  );
}

/** A list of configurations, under the root it has on AWS, that holds none. */
export function noConfigurationsDocument(root: string): string {
  return xmlDocument(root, textElement('IsTruncated', false));
}
