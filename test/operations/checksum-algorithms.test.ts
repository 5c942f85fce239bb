/**
 * Every checksum algorithm of S3, through an object's whole life.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
} from '@aws-sdk/client-s3';

import { CHECKSUM_ALGORITHMS, checksumOf, compositeChecksum } from '#src/s3/checksums.js';
import type { ChecksumAlgorithm } from '#src/s3/object-attributes.js';

import { encodeBody } from '../support/aws-chunked-body.js';
import { onEveryBackend } from '../support/operation-suite.js';
import { elementText } from '../support/raw-request.js';

const BODY = Buffer.from('checked by every algorithm');
const headerOf = (algorithm: ChecksumAlgorithm): string =>
  `x-amz-checksum-${algorithm.toLowerCase()}`;

onEveryBackend(
  'Checksum algorithms',
  (use) => {
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const header = headerOf(algorithm);
      const value = checksumOf(algorithm, BODY);
      const other = checksumOf(algorithm, Buffer.from('something else'));

      test(`C23 ${algorithm} in a header is verified, stored and shown`, async () => {
        const { bucket, raw } = await use();
        const path = `/${bucket}/key`;
        const put = await raw({ method: 'PUT', path, headers: { [header]: value }, body: BODY });
        assert.equal(put.status, 200, put.text);
        assert.equal(put.headers[header], value);
        const enabled = { 'x-amz-checksum-mode': 'ENABLED' };
        const get = await raw({ method: 'GET', path, headers: enabled });
        assert.equal(get.headers[header], value);
        assert.equal(get.headers['x-amz-checksum-type'], 'FULL_OBJECT');
        const { text } = await raw({ method: 'GET', path: `/${bucket}`, query: 'list-type=2' });
        assert.equal(elementText(text, 'ChecksumAlgorithm'), algorithm);
      });

      test(`C14 ${algorithm} that differs is refused and stores nothing`, async () => {
        const { bucket, raw } = await use();
        const path = `/${bucket}/key`;
        const put = await raw({ method: 'PUT', path, headers: { [header]: other }, body: BODY });
        assert.deepEqual([put.status, put.code], [400, 'BadDigest']);
        const short = await raw({ method: 'PUT', path, headers: { [header]: 'AAA=' }, body: BODY });
        assert.deepEqual([short.status, short.code], [400, 'InvalidRequest']);
        assert.equal((await raw({ method: 'HEAD', path })).status, 404);
      });

      test(`C23 ${algorithm} in a trailer is verified`, async () => {
        const { bucket, raw } = await use();
        const put = (trailer: string, key: string) =>
          raw({
            method: 'PUT',
            path: `/${bucket}/${key}`,
            headers: {
              'content-encoding': 'aws-chunked',
              'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
              'x-amz-decoded-content-length': String(BODY.length),
              'x-amz-trailer': header,
            },
            body: encodeBody([BODY], { trailers: [[header, trailer]] }),
          });
        const good = await put(value, 'good');
        assert.equal(good.status, 200, good.text);
        assert.equal(good.headers[header], value);
        const bad = await put(other, 'bad');
        assert.deepEqual([bad.status, bad.code], [400, 'BadDigest']);
      });

      test(`M16 ${algorithm} of an upload in parts follows the rules of its type`, async () => {
        const { client, bucket, raw } = await use();
        const name = algorithm;
        const { UploadId } = await client.send(
          new CreateMultipartUploadCommand({
            Bucket: bucket,
            Key: 'key',
            ChecksumAlgorithm: name,
          }),
        );
        const parts = [Buffer.alloc(1000, 'a'), Buffer.from('the last part')];
        const listed = [];
        for (const [index, body] of parts.entries()) {
          const partValue = checksumOf(algorithm, body);
          const { headers } = await raw({
            method: 'PUT',
            path: `/${bucket}/key`,
            query: `partNumber=${index + 1}&uploadId=${UploadId ?? ''}`,
            headers: { [header]: partValue },
            body,
          });
          assert.equal(headers[header], partValue);
          listed.push({
            PartNumber: index + 1,
            ETag: headers.etag,
            [`Checksum${algorithm}`]: partValue,
          });
        }
        await client.send(
          new CompleteMultipartUploadCommand({
            ...{ Bucket: bucket, Key: 'key', UploadId },
            MultipartUpload: { Parts: listed },
          }),
        );
        const head = await raw({
          method: 'HEAD',
          path: `/${bucket}/key`,
          headers: { 'x-amz-checksum-mode': 'ENABLED' },
        });
        const isFull = algorithm === 'CRC64NVME';
        const expected = isFull
          ? checksumOf(algorithm, Buffer.concat(parts))
          : `${compositeChecksum(
              algorithm,
              parts.map((part) => checksumOf(algorithm, part)),
            )}-2`;
        assert.equal(head.headers[header], expected);
        assert.equal(head.headers['x-amz-checksum-type'], isFull ? 'FULL_OBJECT' : 'COMPOSITE');
        const { ChecksumType } = await client.send(
          new HeadObjectCommand({ Bucket: bucket, Key: 'key', ChecksumMode: 'ENABLED' }),
        );
        assert.equal(ChecksumType, head.headers['x-amz-checksum-type']);
      });
    }
  },
  { partSizeBytesMin: 500 },
);
