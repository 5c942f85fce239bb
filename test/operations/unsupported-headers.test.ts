// Headers that ask for what is not offered: refused by every operation that would ignore them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PutObjectCommand } from '@aws-sdk/client-s3';

import { onEveryBackend } from '../support/operation-suite.js';
import { elementText } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';

onEveryBackend('unsupported headers', (use) => {
  // prettier-ignore
  const headers: readonly (readonly [name: string, value: string])[] = [
    ['x-amz-server-side-encryption', 'AES256'],
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['x-amz-server-side-encryption-customer-key', 'AAAA'],
    ['x-amz-server-side-encryption-aws-kms-key-id', 'id'],
    ['x-amz-object-lock-mode', 'GOVERNANCE'],
    ['x-amz-object-lock-legal-hold', 'ON'],
  ];
  const writes = [
    ['PutObject', 'PUT', '/new', ''],
    ['CopyObject', 'PUT', '/new', ''],
    ['CreateMultipartUpload', 'POST', '/new', 'uploads'],
  ] as const;
  for (const [operation, method, below, query] of writes) {
    for (const [name, value] of headers) {
      test(`E06 BI-182 ${operation} with ${name} is NotImplemented and names it`, async () => {
        const fixture = await use();
        const { client, bucket, raw } = fixture;
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'kept' }));
        const copy = { 'x-amz-copy-source': `${bucket}/key` };
        const sent = { [name]: value, ...(operation === 'CopyObject' ? copy : {}) };
        await changesNothing(fixture, async () => {
          const path = `/${bucket}${below}`;
          const reply = await raw({ method, path, query, headers: sent, body: '' });
          assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented']);
          assert.equal(elementText(reply.text, 'Header'), name);
        });
      });
    }
  }

  for (const [operation, method, below, query, header] of [
    ['GetObject', 'GET', '/key', '', 'x-amz-server-side-encryption-customer-key'],
    ['HeadObject', 'HEAD', '/key', '', 'x-amz-server-side-encryption-customer-key'],
    ['DeleteObject', 'DELETE', '/key', '', 'x-amz-mfa'],
    ['DeleteObject', 'DELETE', '/key', '', 'x-amz-tagging'],
    ['DeleteObject', 'DELETE', '/key', '', 'x-amz-bypass-governance-retention'],
    ['DeleteObject', 'DELETE', '/key', '', 'x-amz-if-match-size'],
    ['CreateBucket', 'PUT', '-new', '', 'x-amz-bucket-object-lock-enabled'],
    ['CreateMultipartUpload', 'POST', '/new', 'uploads', 'x-amz-write-offset-bytes'],
    ['PutObject', 'PUT', '/new', '', 'x-amz-client-token'],
  ] as const) {
    test(`E06 ${operation} with ${header} is NotImplemented and changes nothing`, async () => {
      const fixture = await use();
      const { client, bucket, raw } = fixture;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'kept' }));
      await changesNothing(fixture, async () => {
        const reply = await raw({
          method,
          path: `/${bucket}${below}`,
          query,
          headers: { [header]: 'true' },
        });
        assert.equal(reply.status, 501, reply.text);
      });
    });
  }
});
