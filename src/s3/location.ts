/**
 * Location constraints of new buckets. This server is one region; a constraint can only confirm it.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
 * @module
 */

import { S3Error } from './errors.js';

/** The region that has no location constraint: its buckets answer with an empty element. */
export const DEFAULT_REGION = 'us-east-1';

const ALIASES: ReadonlyMap<string, string> = new Map([['EU', 'eu-west-1']]);

// prettier-ignore
const AWS_REGIONS: ReadonlySet<string> = new Set([
  'af-south-1', 'ap-east-1', 'ap-east-2', 'ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3',
  'ap-south-1', 'ap-south-2', 'ap-southeast-1', 'ap-southeast-2', 'ap-southeast-3',
  'ap-southeast-4', 'ap-southeast-5', 'ap-southeast-6', 'ap-southeast-7', 'ca-central-1',
  'ca-west-1', 'cn-north-1', 'cn-northwest-1', 'eu-central-1', 'eu-central-2', 'eu-north-1',
  'eu-south-1', 'eu-south-2', 'eu-west-1', 'eu-west-2', 'eu-west-3', 'il-central-1',
  'me-central-1', 'me-south-1', 'mx-central-1', 'sa-east-1', 'us-east-2', 'us-gov-east-1',
  'us-gov-west-1', 'us-west-1', 'us-west-2',
]);

/**
 * Checks the location constraint of a new bucket. None at all is accepted in every region.
 *
 * @param region - the region of this server.
 * @throws {S3Error} IllegalLocationConstraintException, InvalidLocationConstraint.
 */
export function assertLocationConstraint(constraint: string | undefined, region: string): void {
  if (constraint === undefined || constraint === '') return;
  const wanted = ALIASES.get(constraint) ?? constraint;
  // AWS's first region is named by leaving the constraint out, and only so.
  if (wanted === region && wanted !== DEFAULT_REGION) return;
  if (wanted === DEFAULT_REGION || !AWS_REGIONS.has(wanted)) {
    throw new S3Error(
      'InvalidLocationConstraint',
      { LocationConstraint: constraint },
      { message: 'The specified location-constraint is not valid' },
    );
  }
  const message =
    `The ${constraint} location constraint is incompatible for the region specific endpoint ` +
    'this request was sent to.';
  throw new S3Error('IllegalLocationConstraintException', {}, { message });
}

/** The location constraint that a region's buckets show; empty for the default region. */
export function locationConstraintOf(region: string): string {
  return region === DEFAULT_REGION ? '' : region;
}
