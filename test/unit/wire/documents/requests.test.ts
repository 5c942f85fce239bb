// Request documents: what is read from them and what is refused.

import assert from 'node:assert/strict';
import test from 'node:test';

import { parseCompleteMultipartUpload } from '#src/wire/documents/complete-multipart-upload.js';
import { parseCreateBucketConfiguration } from '#src/wire/documents/create-bucket.js';
import { parseDelete } from '#src/wire/documents/delete-objects.js';

import { rejectsS3Error, throwsS3Error } from '../../../support/s3-error.js';

const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

function createBucket(content: string): string {
  return `<CreateBucketConfiguration ${NAMESPACE}>${content}</CreateBucketConfiguration>`;
}

function complete(content: string): string {
  return `<CompleteMultipartUpload ${NAMESPACE}>${content}</CompleteMultipartUpload>`;
}

function part(partNumber: string | number, etag = '&quot;e&quot;', more = ''): string {
  return `<Part><PartNumber>${partNumber}</PartNumber><ETag>${etag}</ETag>${more}</Part>`;
}

test('parseCreateBucketConfiguration reads the constraint and the tags', () => {
  const nothing = { locationConstraint: undefined, tags: [] };
  assert.deepEqual(parseCreateBucketConfiguration(''), nothing);
  assert.deepEqual(parseCreateBucketConfiguration(createBucket('')), nothing);
  const document = createBucket('<LocationConstraint>EU</LocationConstraint><Tags/>');
  const constraint = { locationConstraint: 'EU', tags: [] };
  assert.deepEqual(parseCreateBucketConfiguration(document), constraint);
  const tags = createBucket('<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>');
  const tagged = { locationConstraint: undefined, tags: [{ key: 'a', value: 'b' }] };
  assert.deepEqual(parseCreateBucketConfiguration(tags), tagged);
});

test('parseCreateBucketConfiguration refuses what it would have to drop', () => {
  const untagged = createBucket('<Tags><Other/></Tags>');
  throwsS3Error(() => parseCreateBucketConfiguration(untagged), 'MalformedXML');
  const directory = createBucket('<Bucket><Type>Directory</Type></Bucket>');
  throwsS3Error(() => parseCreateBucketConfiguration(directory), 'NotImplemented');
  throwsS3Error(() => parseCreateBucketConfiguration(createBucket('<Foo/>')), 'MalformedXML');
  throwsS3Error(() => parseCreateBucketConfiguration('<Foo/>'), 'MalformedXML');
  const long = createBucket(' '.repeat(65 * 1024));
  throwsS3Error(() => parseCreateBucketConfiguration(long), 'MaxMessageLengthExceeded');
});

test('parseDelete reads entries, conditions and quietness', async () => {
  const document =
    `<Delete ${NAMESPACE}><Quiet>true</Quiet>` +
    '<Object><Key> a&amp;b </Key></Object>' +
    '<Object><VersionId>null</VersionId><Key>c</Key><ETag>"e"</ETag><New>x</New></Object>' +
    '<Object><Key>d</Key><VersionId></VersionId></Object><Other/></Delete>';
  assert.deepEqual(await parseDelete(document), {
    isQuiet: true,
    entries: [
      { key: ' a&b ', versionId: undefined, ifMatch: undefined },
      { key: 'c', versionId: 'null', ifMatch: 'e' },
      { key: 'd', versionId: undefined, ifMatch: undefined },
    ],
  });
  assert.equal(
    (await parseDelete('<Delete><Object><Key>a</Key></Object></Delete>')).isQuiet,
    false,
  );
});

test('parseDelete takes 1 to 1,000 objects', async () => {
  const objects = (count: number) =>
    `<Delete>${'<Object><Key>a</Key></Object>'.repeat(count)}</Delete>`;
  assert.equal((await parseDelete(objects(1000))).entries.length, 1000);
  await rejectsS3Error(parseDelete(objects(1001)), 'MalformedXML');
  await rejectsS3Error(parseDelete(objects(0)), 'MalformedXML');
});

test('parseDelete leaves the length of a key to each entry', async () => {
  const key = 'x'.repeat(2000);
  const { entries } = await parseDelete(`<Delete><Object><Key>${key}</Key></Object></Delete>`);
  assert.equal(entries[0]?.key, key);
});

test('parseDelete refuses bodies that are no list of keys', async () => {
  await rejectsS3Error(parseDelete(''), 'MissingRequestBodyError');
  const refused = [
    '<Delete><Object></Object></Delete>',
    '<Delete><Object><Key></Key></Object></Delete>',
    '<Delete><Quiet>maybe</Quiet><Object><Key>a</Key></Object></Delete>',
    '<Remove><Object><Key>a</Key></Object></Remove>',
  ];
  for (const document of refused) await rejectsS3Error(parseDelete(document), 'MalformedXML');
});

test('parseDelete refuses conditions it would have to ignore', async () => {
  const document = '<Delete><Object><Key>a</Key><Size>5</Size></Object></Delete>';
  await rejectsS3Error(parseDelete(document), 'NotImplemented');
});

test('parseCompleteMultipartUpload reads numbers, ETags and checksums in the order sent', async () => {
  const document = complete(
    part(2, '"b"', '<ChecksumCRC32>DUoRhQ==</ChecksumCRC32><Size>5</Size>') + part(1, 'a') + '<X/>',
  );
  assert.deepEqual(await parseCompleteMultipartUpload(document), [
    { partNumber: 2, etag: 'b', checksums: { CRC32: 'DUoRhQ==' } },
    { partNumber: 1, etag: 'a', checksums: {} },
  ]);
});

test('parseCompleteMultipartUpload takes 10,000 parts with checksums and no more', async () => {
  const parts = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      part(
        index + 1,
        '"d41d8cd98f00b204e9800998ecf8427e"',
        '<ChecksumCRC32>DUoRhQ==</ChecksumCRC32>',
      ),
    ).join('');
  assert.equal((await parseCompleteMultipartUpload(complete(parts(10_000)))).length, 10_000);
  const many = complete('<Part></Part>'.repeat(10_001));
  await rejectsS3Error(parseCompleteMultipartUpload(many), 'MalformedXML');
});

test('parseCompleteMultipartUpload refuses part numbers outside 1 to 10,000', async () => {
  for (const partNumber of [0, -1, 10_001]) {
    await rejectsS3Error(
      parseCompleteMultipartUpload(complete(part(partNumber))),
      'InvalidArgument',
      { ArgumentName: 'partNumber', ArgumentValue: partNumber },
    );
  }
});

test('parseCompleteMultipartUpload refuses lists that are none', async () => {
  await rejectsS3Error(parseCompleteMultipartUpload(''), 'InvalidRequest');
  const refused = [
    '',
    '<Part><ETag>a</ETag></Part>',
    '<Part><PartNumber>1</PartNumber></Part>',
    part('x'),
  ];
  for (const content of refused) {
    await rejectsS3Error(parseCompleteMultipartUpload(complete(content)), 'MalformedXML');
  }
});
