// The AWS CLI's s3api: one command for each operation that the registry offers.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';

import { notImplemented } from '#src/operations/not-implemented.js';
import { OPERATIONS } from '#src/operations/registry.js';

import { absent, openWorkbench, type Workbench } from '../support/workbench.js';

const MIB = 1024 * 1024;
const BUCKET = 'api-bucket';
const KEY = 'a key/ü+%.txt';
const BODY = 'the body of an object';
const TOGETHER_COUNT = 4;

/** Rows of the registry that are no operation of the CLI's: variants of others, and a method. */
const NO_COMMAND: ReadonlySet<string> = new Set([
  ...['CopyObjectByPatch', 'GetObjectPart', 'HeadObjectPart', 'PostObject'],
  ...['PreflightBucket', 'PreflightObject'],
]);
/** What asks for something more than a bucket and a key. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  GetObjectAttributes: ['--object-attributes', 'ETag', 'ObjectSize', 'Checksum'],
  GetBucketAnalyticsConfiguration: ['--id', 'none'],
  GetBucketIntelligentTieringConfiguration: ['--id', 'none'],
  GetBucketInventoryConfiguration: ['--id', 'none'],
  GetBucketMetricsConfiguration: ['--id', 'none'],
};
/** How AWS says that a configuration was never made. */
const NOT_CONFIGURED =
  /\((NoSuch(BucketPolicy|Configuration|CORSConfiguration|LifecycleConfiguration|ObjectLockConfiguration|PublicAccessBlockConfiguration|TagSet|WebsiteConfiguration)|ObjectLockConfigurationNotFoundError|OwnershipControlsNotFoundError|ReplicationConfigurationNotFoundError|ServerSideEncryptionConfigurationNotFoundError|InvalidRequest)\)/;

suite('aws s3api', { skip: absent('aws') }, () => {
  let bench: Workbench;
  const tried = new Set<string>();

  /** Runs an operation by its name; what the CLI prints, as JSON. */
  const api = async (operation: string, ...args: string[]): Promise<Answer> => {
    tried.add(operation);
    const flags = ['--output', 'json'];
    const { stdout, stderr } = await bench.aws('s3api', kebab(operation), ...flags, ...args);
    assert.equal(stderr, '');
    return JSON.parse(stdout.trim() || '{}') as Answer;
  };
  const inBucket = ['--bucket', BUCKET];
  const atKey = [...inBucket, '--key', KEY];

  before(async () => {
    bench = await openWorkbench('aws s3api', { processes: 2 });
    await api('CreateBucket', ...inBucket);
    writeFileSync(bench.path('body'), BODY);
    const metadata = ['--metadata', 'note=kept', '--content-type', 'text/plain'];
    await api('PutObject', ...atKey, '--body', bench.path('body'), ...metadata);
  });
  after(() => bench.close());

  test('B01 G01 buckets and objects are listed, read whole and in part', async () => {
    assert.deepEqual(names((await api('ListBuckets')).Buckets), [BUCKET]);
    await api('HeadBucket', ...inBucket);
    assert.deepEqual(keys((await api('ListObjects', ...inBucket)).Contents), [KEY]);
    assert.deepEqual(keys((await api('ListObjectsV2', ...inBucket)).Contents), [KEY]);
    assert.deepEqual(keys((await api('ListObjectVersions', ...inBucket)).Versions), [KEY]);
    const head = await api('HeadObject', ...atKey);
    assert.deepEqual([head.ContentLength, head.Metadata], [BODY.length, { note: 'kept' }]);
    const file = bench.path('read');
    await api('GetObject', ...atKey, file);
    assert.equal(readFileSync(file, 'utf8'), BODY);
    await api('GetObject', ...atKey, '--range', 'bytes=4-7', file);
    assert.equal(readFileSync(file, 'utf8'), BODY.slice(4, 8));
  });

  test('E05 every configuration reads as AWS has it for a plain bucket', async (t) => {
    const reads = Object.entries(OPERATIONS)
      .filter(([name, { handler }]) => handler !== notImplemented && !tried.has(name))
      .filter(([name]) => /^(Get|List)(Bucket|Object|Public)/.test(name) && !NO_COMMAND.has(name))
      .filter(([name]) => name !== 'ListBuckets')
      .map(([name, { requestLine }]) => ({ name, isObject: requestLine.includes('{key}') }));
    const unset: string[] = [];
    for (let start = 0; start < reads.length; start += TOGETHER_COUNT) {
      await Promise.all(
        reads.slice(start, start + TOGETHER_COUNT).map(async ({ name, isObject }) => {
          const place = isObject ? atKey : inBucket;
          try {
            await api(name, ...place, ...(MORE[name] ?? []));
          } catch (error) {
            assert.match((error as { readonly stderr: string }).stderr, NOT_CONFIGURED, name);
            unset.push(name);
          }
        }),
      );
    }
    t.diagnostic(`${reads.length} reads, of which not configured: ${unset.join(', ')}`);
    assert(reads.length > 20);
  });

  test('B28 access control lists are the owner’s alone', async () => {
    await api('PutBucketAcl', ...inBucket, '--acl', 'private');
    await api('PutObjectAcl', ...atKey, '--acl', 'bucket-owner-full-control');
    await assert.rejects(api('PutObjectAcl', ...atKey, '--acl', 'public-read'), {
      stderr: /\(AccessControlListNotSupported\)/,
    });
  });

  test('B09 a CORS configuration is put, read and deleted', async () => {
    const rule = { AllowedMethods: ['GET'], AllowedOrigins: ['https://example.com'] };
    const configuration = JSON.stringify({ CORSRules: [rule] });
    await api('PutBucketCors', ...inBucket, '--cors-configuration', configuration);
    assert.deepEqual((await api('GetBucketCors', ...inBucket)).CORSRules, [rule]);
    await api('DeleteBucketCors', ...inBucket);
  });

  test('M01 X11 an upload in parts is made of a file and of a copy', async () => {
    const place = [...inBucket, '--key', 'parts'];
    const part = bench.path('part');
    const bytes = randomBytes(5 * MIB);
    writeFileSync(part, bytes);
    const { UploadId: id = '' } = await api('CreateMultipartUpload', ...place);
    const upload = [...place, '--upload-id', id];
    const first = await api('UploadPart', ...upload, '--part-number', '1', '--body', part);
    const source = ['--copy-source', `${BUCKET}/${KEY}`];
    const second = await api('UploadPartCopy', ...upload, '--part-number', '2', ...source);
    assert.equal((await api('ListParts', ...upload)).Parts?.length, 2);
    assert.deepEqual(keys((await api('ListMultipartUploads', ...inBucket)).Uploads), ['parts']);
    const parts = [first.ETag, second.CopyPartResult?.ETag].map((ETag, index) => ({
      ETag,
      PartNumber: index + 1,
    }));
    const whole = ['--multipart-upload', JSON.stringify({ Parts: parts })];
    const { ETag: etag } = await api('CompleteMultipartUpload', ...upload, ...whole);
    assert.match(etag ?? '', /^"[0-9a-f]{32}-2"$/);
    await api('GetObject', ...place, bench.path('read'));
    assert(readFileSync(bench.path('read')).equals(Buffer.concat([bytes, Buffer.from(BODY)])));
    await api('GetObject', ...place, '--part-number', '2', bench.path('read'));
    assert.equal(readFileSync(bench.path('read'), 'utf8'), BODY);
    const { UploadId: other = '' } = await api('CreateMultipartUpload', ...place);
    await api('AbortMultipartUpload', ...place, '--upload-id', other);
    assert.equal((await api('ListMultipartUploads', ...inBucket)).Uploads, undefined);
  });

  test('X01 D05 B20 objects are copied and deleted, and the bucket goes', async (t) => {
    const source = ['--copy-source', `${BUCKET}/${KEY}`];
    await api('CopyObject', ...inBucket, '--key', 'copy', ...source);
    await api('GetObject', ...inBucket, '--key', 'copy', bench.path('read'));
    assert.equal(readFileSync(bench.path('read'), 'utf8'), BODY);
    await api('DeleteObject', ...atKey);
    const several = JSON.stringify({ Objects: [{ Key: 'copy' }, { Key: 'parts' }] });
    const { Deleted: deleted } = await api('DeleteObjects', ...inBucket, '--delete', several);
    assert.deepEqual(keys(deleted).sort(), ['copy', 'parts']);
    await api('DeleteBucket', ...inBucket);
    assert.deepEqual(names((await api('ListBuckets')).Buckets), []);
    bench.assertNothingFailed();
    const untried = Object.entries(OPERATIONS)
      .filter(([name, { handler }]) => handler !== notImplemented && !tried.has(name))
      .filter(([name]) => !NO_COMMAND.has(name))
      .map(([name]) => name);
    if (untried.length > 0) t.diagnostic(`s3api is not tried with: ${untried.join(', ')}`);
  });
});

interface Answer {
  readonly Buckets?: readonly { readonly Name: string }[];
  readonly Contents?: readonly { readonly Key: string }[];
  readonly Versions?: readonly { readonly Key: string }[];
  readonly Uploads?: readonly { readonly Key: string }[];
  readonly Deleted?: readonly { readonly Key: string }[];
  readonly CORSRules?: readonly unknown[];
  readonly Parts?: readonly unknown[];
  readonly ContentLength?: number;
  readonly Metadata?: unknown;
  readonly UploadId?: string;
  readonly ETag?: string;
  readonly CopyPartResult?: { readonly ETag: string };
}

/** `ListObjectsV2` is `list-objects-v2`. */
function kebab(operation: string): string {
  return operation.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}

function keys(list: readonly { readonly Key: string }[] = []): string[] {
  return list.map(({ Key: key }) => key);
}

function names(list: readonly { readonly Name: string }[] = []): string[] {
  return list.map(({ Name: name }) => name);
}
