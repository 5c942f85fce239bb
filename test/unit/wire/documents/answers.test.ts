// Answer documents, compared whole where the order of elements is AWS's, else element by element.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ownerIdOf } from '#src/s3/owner.js';
import { encodeContinuationToken } from '#src/wire/continuation-token.js';
import {
  listBucketsDocument,
  locationDocument,
  versioningDocument,
} from '#src/wire/documents/buckets.js';
import { completeMultipartUploadDocument } from '#src/wire/documents/complete-multipart-upload.js';
import { copyObjectDocument, copyPartDocument } from '#src/wire/documents/copy-result.js';
import { deleteResultDocument } from '#src/wire/documents/delete-objects.js';
import { errorDocument } from '#src/wire/documents/error.js';
import { listObjectsDocument, listObjectsV2Document } from '#src/wire/documents/list-objects.js';
import {
  initiateMultipartUploadDocument,
  listMultipartUploadsDocument,
  listPartsDocument,
} from '#src/wire/documents/uploads.js';
import {
  listObjectsParameters,
  listObjectsV2Parameters,
  listPartsParameters,
  listUploadsParameters,
} from '#src/wire/list-parameters.js';
import type { XmlElement } from '#src/wire/xml-reader.js';
import { childOf, childText, readXml } from '#src/wire/xml-reader.js';

import { queryOf } from '../../../support/s3-error.js';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const MOMENT_MS = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
const DATE = '2026-02-03T04:05:06.000Z';
const OWNER = 'f'.repeat(64);
const CRC32 = { algorithm: 'CRC32', type: 'COMPOSITE', value: 'DUoRhQ==' } as const;
const CRC64 = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'jSnVw/bqjr4=' } as const;
const AWKWARD = 'a b+c%/<&>"é';
const AWKWARD_ENCODED = 'a%20b%2Bc%25/%3C%26%3E%22%C3%A9';

function parse(document: string, root: string): XmlElement {
  assert(document.startsWith(`${DECLARATION}<${root} ${NAMESPACE}>`), document.slice(0, 120));
  return readXml(document, { root, charactersMax: 2 ** 21 });
}

function object(key: string) {
  return {
    key,
    sizeBytes: 5,
    etag: 'abc',
    lastModifiedMs: MOMENT_MS,
    attributes: {},
    checksum: CRC64,
  };
}

function page(objects: ReturnType<typeof object>[], commonPrefixes: string[] = []) {
  return { objects, commonPrefixes, isTruncated: false, last: undefined };
}

test('listObjectsDocument writes what AWS writes', () => {
  const query = queryOf({ prefix: 'p', delimiter: '/', marker: 'm', 'max-keys': '2' });
  const entries = { ...page([object('p1')], ['p/']), isTruncated: true };
  const document = listObjectsDocument(
    'bucket',
    listObjectsParameters(query),
    { ...entries, last: { name: 'p1', isCommonPrefix: false } },
    OWNER,
  );
  assert.equal(
    document,
    `${DECLARATION}<ListBucketResult ${NAMESPACE}><Name>bucket</Name><Prefix>p</Prefix>` +
      '<Marker>m</Marker><NextMarker>p1</NextMarker><MaxKeys>2</MaxKeys>' +
      '<Delimiter>/</Delimiter><IsTruncated>true</IsTruncated>' +
      `<Contents><Key>p1</Key><LastModified>${DATE}</LastModified><ETag>&quot;abc&quot;</ETag>` +
      '<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>' +
      `<Size>5</Size><Owner><ID>${OWNER}</ID></Owner><StorageClass>STANDARD</StorageClass>` +
      '</Contents><CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>',
  );
});

test('listObjectsDocument has no NextMarker without a delimiter', () => {
  const truncated = {
    ...page([object('a')]),
    isTruncated: true,
    last: { name: 'a', isCommonPrefix: false },
  };
  const document = listObjectsDocument(
    'bucket',
    listObjectsParameters(queryOf({})),
    truncated,
    OWNER,
  );
  const root = parse(document, 'ListBucketResult');
  assert.equal(childOf(root, 'NextMarker'), undefined);
  assert.equal(childText(root, 'Marker'), '');
  assert.equal(childText(root, 'Prefix'), '');
  assert.equal(childOf(root, 'Delimiter'), undefined);
});

test('listObjectsV2Document counts keys and prefixes and shows the owner only when asked', () => {
  const list = (query: Record<string, string>) =>
    parse(
      listObjectsV2Document(
        'bucket',
        listObjectsV2Parameters(queryOf(query)),
        page([object('a')], ['b/', 'c/']),
        OWNER,
      ),
      'ListBucketResult',
    );
  const plain = list({ 'start-after': 's' });
  assert.equal(childText(plain, 'KeyCount'), '3');
  assert.equal(childText(plain, 'StartAfter'), 's');
  assert.equal(childOf(plain, 'Marker'), undefined);
  assert.equal(childOf(plain, 'NextContinuationToken'), undefined);
  const contents = childOf(plain, 'Contents');
  assert(contents !== undefined);
  assert.equal(childOf(contents, 'Owner'), undefined);
  const owned = childOf(list({ 'fetch-owner': 'true' }), 'Contents');
  assert.equal(owned && childOf(owned, 'Owner')?.children[0]?.text, OWNER);
});

test('listObjectsV2Document echoes the token and gives the next', () => {
  const token = encodeContinuationToken({ name: 'a', isCommonPrefix: false });
  const last = { name: 'b/', isCommonPrefix: true };
  const root = parse(
    listObjectsV2Document(
      'bucket',
      listObjectsV2Parameters(queryOf({ 'continuation-token': token })),
      { ...page([]), isTruncated: true, last },
      OWNER,
    ),
    'ListBucketResult',
  );
  assert.equal(childText(root, 'ContinuationToken'), token);
  assert.equal(childText(root, 'NextContinuationToken'), encodeContinuationToken(last));
});

test('listings encode every name but no token when asked', () => {
  const token = encodeContinuationToken({ name: AWKWARD, isCommonPrefix: false });
  const query = queryOf({
    'encoding-type': 'url',
    prefix: AWKWARD,
    delimiter: AWKWARD,
    marker: AWKWARD,
    'start-after': AWKWARD,
    'continuation-token': token,
  });
  const last = { name: AWKWARD, isCommonPrefix: false };
  const truncated = { ...page([object(AWKWARD)], [AWKWARD]), isTruncated: true, last };
  const v1 = parse(
    listObjectsDocument('bucket', listObjectsParameters(query), truncated, OWNER),
    'ListBucketResult',
  );
  const v2 = parse(
    listObjectsV2Document('bucket', listObjectsV2Parameters(query), truncated, OWNER),
    'ListBucketResult',
  );
  for (const name of ['Prefix', 'Delimiter', 'Marker', 'NextMarker']) {
    assert.equal(childText(v1, name), AWKWARD_ENCODED, name);
  }
  for (const name of ['Prefix', 'Delimiter', 'StartAfter']) {
    assert.equal(childText(v2, name), AWKWARD_ENCODED, name);
  }
  for (const root of [v1, v2]) {
    assert.equal(childText(root, 'EncodingType'), 'url');
    assert.equal(childOf(root, 'Contents')?.children[0]?.text, AWKWARD_ENCODED);
    assert.equal(childOf(root, 'CommonPrefixes')?.children[0]?.text, AWKWARD_ENCODED);
  }
  assert.equal(childText(v2, 'ContinuationToken'), token);
});

test('listings hold awkward names as text when not asked to encode', () => {
  const document = listObjectsDocument(
    'bucket',
    listObjectsParameters(queryOf({ prefix: AWKWARD })),
    page([object(`${AWKWARD}\x01\r`)], []),
    OWNER,
  );
  const root = parse(document, 'ListBucketResult');
  assert.equal(childText(root, 'Prefix'), AWKWARD);
  assert.equal(childOf(root, 'Contents')?.children[0]?.text, `${AWKWARD}\ufffd\r`);
});

test('listBucketsDocument shows owner, buckets and the next token', () => {
  const buckets = [{ name: 'one', region: 'us-east-1', createdMs: MOMENT_MS }];
  const document = listBucketsDocument({
    ownerId: OWNER,
    buckets,
    prefix: 'o',
    continuationToken: 't',
  });
  assert.equal(
    document,
    `${DECLARATION}<ListAllMyBucketsResult ${NAMESPACE}><Owner><ID>${OWNER}</ID></Owner>` +
      `<Buckets><Bucket><Name>one</Name><CreationDate>${DATE}</CreationDate>` +
      '<BucketRegion>us-east-1</BucketRegion><BucketArn>arn:aws:s3:::one</BucketArn></Bucket>' +
      '</Buckets><ContinuationToken>t</ContinuationToken><Prefix>o</Prefix>' +
      '</ListAllMyBucketsResult>',
  );
});

test('locationDocument is empty for us-east-1', () => {
  assert.equal(parse(locationDocument('us-east-1'), 'LocationConstraint').text, '');
  assert.equal(parse(locationDocument('eu-west-1'), 'LocationConstraint').text, 'eu-west-1');
});

test('versioningDocument says nothing', () => {
  assert.deepEqual(parse(versioningDocument(), 'VersioningConfiguration').children, []);
});

test('deleteResultDocument lists successes and errors, quiet only errors', () => {
  const outcomes = [
    { key: 'a<', versionId: undefined, error: undefined },
    { key: 'b', versionId: 'null', error: { code: 'AccessDenied', message: 'Access Denied' } },
  ];
  const failed =
    '<Error><Key>b</Key><VersionId>null</VersionId><Code>AccessDenied</Code>' +
    '<Message>Access Denied</Message></Error>';
  assert.equal(
    deleteResultDocument(outcomes, false),
    `${DECLARATION}<DeleteResult ${NAMESPACE}><Deleted><Key>a&lt;</Key></Deleted>${failed}</DeleteResult>`,
  );
  assert.equal(
    deleteResultDocument(outcomes, true),
    `${DECLARATION}<DeleteResult ${NAMESPACE}>${failed}</DeleteResult>`,
  );
});

test('copyObjectDocument and copyPartDocument show ETag, date and checksum', () => {
  const copy = { etag: 'abc', lastModifiedMs: MOMENT_MS, checksum: CRC64 };
  const copied = parse(copyObjectDocument(copy), 'CopyObjectResult');
  assert.equal(childText(copied, 'ETag'), '"abc"');
  assert.equal(childText(copied, 'LastModified'), DATE);
  assert.equal(childText(copied, 'ChecksumCRC64NVME'), CRC64.value);
  assert.equal(childText(copied, 'ChecksumType'), 'FULL_OBJECT');
  const part = parse(copyPartDocument({ ...copy, checksum: CRC32 }), 'CopyPartResult');
  assert.equal(childText(part, 'ChecksumCRC32'), CRC32.value);
  assert.equal(childOf(part, 'ChecksumType'), undefined);
});

test('initiateMultipartUploadDocument names the upload', () => {
  const document = initiateMultipartUploadDocument({ bucket: 'b', key: 'k&', uploadId: 'u' });
  const root = parse(document, 'InitiateMultipartUploadResult');
  assert.deepEqual(
    root.children.map(({ name, text }) => [name, text]),
    [
      ['Bucket', 'b'],
      ['Key', 'k&'],
      ['UploadId', 'u'],
    ],
  );
});

test('completeMultipartUploadDocument shows a composite checksum with its count', () => {
  const document = completeMultipartUploadDocument({
    location: 'http://host/b/k%20',
    bucket: 'b',
    key: 'k ',
    etag: 'abc-2',
    checksum: CRC32,
    partsCount: 2,
  });
  const root = parse(document, 'CompleteMultipartUploadResult');
  assert.equal(childText(root, 'Location'), 'http://host/b/k%20');
  assert.equal(childText(root, 'ETag'), '"abc-2"');
  assert.equal(childText(root, 'ChecksumCRC32'), 'DUoRhQ==-2');
});

const UPLOAD = {
  bucket: 'b',
  key: 'k',
  uploadId: 'u',
  initiatedMs: MOMENT_MS,
  attributes: {},
  checksumAlgorithm: 'CRC32',
  checksumType: 'COMPOSITE',
  account: 'main',
} as const;

const PART = { partNumber: 7, sizeBytes: 5, etag: 'e', lastModifiedMs: MOMENT_MS, checksum: CRC32 };

test('listPartsDocument shows parts with their checksums and the next marker', () => {
  const parameters = listPartsParameters(queryOf({ 'part-number-marker': '3', 'max-parts': '1' }));
  const document = listPartsDocument(UPLOAD, parameters, { parts: [PART], isTruncated: true });
  const root = parse(document, 'ListPartsResult');
  assert.equal(childText(root, 'PartNumberMarker'), '3');
  assert.equal(childText(root, 'NextPartNumberMarker'), '7');
  assert.equal(childText(root, 'MaxParts'), '1');
  assert.equal(childText(root, 'IsTruncated'), 'true');
  assert.equal(childText(root, 'ChecksumAlgorithm'), 'CRC32');
  assert.equal(childText(root, 'StorageClass'), 'STANDARD');
  assert.equal(childOf(root, 'Owner')?.children[0]?.text, ownerIdOf('main'));
  const part = childOf(root, 'Part');
  assert(part !== undefined);
  assert.equal(childText(part, 'ChecksumCRC32'), CRC32.value);
  assert.equal(childText(part, 'LastModified'), DATE);
});

test('listPartsDocument hides checksums of uploads that asked for none', () => {
  const upload = { ...UPLOAD, checksumAlgorithm: undefined };
  const page = { parts: [PART], isTruncated: false };
  const root = parse(
    listPartsDocument(upload, listPartsParameters(queryOf({})), page),
    'ListPartsResult',
  );
  const part = childOf(root, 'Part');
  assert(part !== undefined);
  assert.equal(childOf(part, 'ChecksumCRC32'), undefined);
  assert.equal(childOf(root, 'ChecksumAlgorithm'), undefined);
});

test('listPartsDocument of no parts still has a next marker', () => {
  const page = { parts: [], isTruncated: false };
  const root = parse(
    listPartsDocument(UPLOAD, listPartsParameters(queryOf({})), page),
    'ListPartsResult',
  );
  assert.equal(childText(root, 'NextPartNumberMarker'), '0');
});

test('listMultipartUploadsDocument has its markers even when they are empty', () => {
  const document = listMultipartUploadsDocument('b', listUploadsParameters(queryOf({})), {
    uploads: [UPLOAD],
    commonPrefixes: ['p/'],
    isTruncated: false,
    nextKeyMarker: '',
    nextUploadIdMarker: '',
  });
  const root = parse(document, 'ListMultipartUploadsResult');
  for (const name of [
    'KeyMarker',
    'UploadIdMarker',
    'NextKeyMarker',
    'NextUploadIdMarker',
    'Prefix',
  ]) {
    assert.equal(childText(root, name), '', name);
  }
  const upload = childOf(root, 'Upload');
  assert(upload !== undefined);
  assert.equal(childText(upload, 'Initiated'), DATE);
  assert.equal(childText(upload, 'ChecksumType'), 'COMPOSITE');
  assert.equal(childOf(root, 'CommonPrefixes')?.children[0]?.text, 'p/');
});

test('errorDocument has no namespace and the details between message and ids', () => {
  assert.equal(
    errorDocument({
      code: 'NoSuchKey',
      message: 'gone <',
      details: { Key: 'a&b', 'Content-MD5': 'x' },
      requestId: 'r',
      hostId: 'h=',
    }),
    `${DECLARATION}<Error><Code>NoSuchKey</Code><Message>gone &lt;</Message><Key>a&amp;b</Key>` +
      '<Content-MD5>x</Content-MD5><RequestId>r</RequestId><HostId>h=</HostId></Error>',
  );
});
