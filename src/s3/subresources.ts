/**
 * Query keys that mean something to S3, so that routing can tell an operation we do not offer
 * from a parameter of one we do.
 *
 * A sub-resource that no operation claims is NotImplemented: if it fell through,
 * `PUT /bucket/key?acl` would overwrite the object with an access control list.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 * @module
 */

/** Query keys that select an operation. Case matters, as on AWS. */
export const SUBRESOURCES: ReadonlySet<string> = new Set([
  'abac',
  'accelerate',
  'acl',
  'analytics',
  'annotation',
  'annotations',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'location',
  'logging',
  'metadataAnnotationTable',
  'metadataConfiguration',
  'metadataInventoryTable',
  'metadataJournalTable',
  'metadataTable',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'partNumber',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'rename',
  'renameObject',
  'replication',
  'replication-metrics',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'session',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versioning',
  'versions',
  'website',
]);

/** Query keys that refine an operation and never select one. */
export const PARAMETERS: ReadonlySet<string> = new Set([
  'annotation-name',
  'bucket-region',
  'continuation-token',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'id',
  'key-marker',
  'list-type',
  'marker',
  'max-buckets',
  'max-directory-buckets',
  'max-keys',
  'max-parts',
  'max-uploads',
  'part-number-marker',
  'prefix',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'select-type',
  'start-after',
  'upload-id-marker',
  'version-id-marker',
  'versionId',
  'x-id',
]);

/** Query keys of a presigned URL, lower-case; their case varies between signers. */
const SIGNATURE_PREFIX = 'x-amz-';

/** What a query key is to S3. Keys it does not know are ignored, as AWS does. */
export function queryKeyKind(name: string): 'subresource' | 'parameter' | 'unknown' {
  if (SUBRESOURCES.has(name)) return 'subresource';
  if (PARAMETERS.has(name)) return 'parameter';
  const start = name.slice(0, SIGNATURE_PREFIX.length).toLowerCase();
  return start === SIGNATURE_PREFIX ? 'parameter' : 'unknown';
}
