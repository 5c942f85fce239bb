// Requests that ask for too much, for what is not offered, or that cannot be read.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';

import { OPERATIONS } from '#src/operations/registry.js';
import { SUBRESOURCES } from '#src/s3/subresources.js';

import { onEveryBackend } from '../support/operation-suite.js';
import { elementText } from '../support/raw-request.js';
import { headerSigned, sendHead } from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';

const TARGETS = [
  ['/{bucket}', ''],
  ['/{bucket}/{key}', '/key'],
] as const;
const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const;

/** Combinations that AWS answers more sharply than NotImplemented. */
const SHARPER: ReadonlyMap<string, readonly [status: number, code: string]> = new Map([
  ['GET /{bucket}/{key}?uploads', [400, 'InvalidRequest']],
  ['GET /{bucket}/{key}?versions', [400, 'InvalidRequest']],
  ['PUT /{bucket}/{key}?partNumber', [400, 'InvalidArgument']],
  ['PUT /{bucket}/{key}?uploadId', [405, 'MethodNotAllowed']],
]);

/** Whether a row answers this method and target with the sub-resource alone. */
function isClaimed(method: string, path: string, name: string): boolean {
  return Object.values(OPERATIONS).some(
    ({ requestLine, handler }) =>
      requestLine === `${method} ${path}?${name}` && handler.name !== 'notImplemented',
  );
}

onEveryBackend('limits', (use) => {
  for (const method of METHODS) {
    for (const [path, below] of TARGETS) {
      test(`E05 BI-187 BI-188 ${method} ${path} of a sub-resource that is not offered`, async () => {
        const fixture = await use();
        const { client, bucket, raw } = fixture;
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'kept' }));
        const names = [...SUBRESOURCES].filter((name) => !isClaimed(method, path, name));
        assert(names.length > 30);
        await changesNothing(fixture, async () => {
          for (const name of names) {
            for (const query of [name, `${name}=x`, `x-id=a&${name}`]) {
              const body = method === 'PUT' || method === 'POST' ? { body: '<A/>' } : {};
              const reply = await raw({ method, path: `/${bucket}${below}`, query, ...body });
              const sharper = SHARPER.get(`${method} ${path}?${name}`);
              const [status, code] = sharper ?? [501, 'NotImplemented'];
              assert.equal(reply.status, status, `${query}: ${reply.text}`);
              assert.equal(reply.code, method === 'HEAD' ? '' : code, query);
            }
          }
        });
      });
    }
  }

  test('E05 a parameter that S3 does not know changes nothing', async () => {
    const { client, bucket, raw } = await use();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'kept' }));
    const reply = await raw({ method: 'GET', path: `/${bucket}/key`, query: 'Acl&unknown=1' });
    assert.deepEqual([reply.status, reply.text], [200, 'kept']);
  });

  // prettier-ignore
  const headers: readonly (readonly [name: string, value: string])[] = [
    ['x-amz-server-side-encryption', 'AES256'],
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['x-amz-server-side-encryption-customer-key', 'AAAA'],
    ['x-amz-server-side-encryption-aws-kms-key-id', 'id'],
    ['x-amz-object-lock-mode', 'GOVERNANCE'],
    ['x-amz-object-lock-legal-hold', 'ON'],
    ['x-amz-tagging', 'a=b'],
    ['x-amz-acl', 'public-read'],
    ['x-amz-grant-read', 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'],
    ['x-amz-write-offset-bytes', '0'],
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
    ['DeleteObject', 'DELETE', '/key', '', 'x-amz-bypass-governance-retention'],
    ['DeleteObject', 'DELETE', '/key', '', 'x-amz-if-match-size'],
    ['DeleteObjects', 'POST', '', 'delete', 'x-amz-mfa'],
    ['DeleteObjects', 'POST', '', 'delete', 'x-amz-bypass-governance-retention'],
    ['CreateBucket', 'PUT', '-new', '', 'x-amz-grant-write'],
    ['CreateBucket', 'PUT', '-new', '', 'x-amz-bucket-object-lock-enabled'],
  ] as const) {
    test(`E06 ${operation} with ${header} is NotImplemented and changes nothing`, async () => {
      const fixture = await use();
      const { client, bucket, raw } = fixture;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'kept' }));
      const document = '<Delete><Object><Key>key</Key></Object></Delete>';
      const digest = createHash('md5').update(document).digest('base64');
      const extra =
        operation === 'DeleteObjects'
          ? { body: document, headers: { [header]: 'true', 'content-md5': digest } }
          : { headers: { [header]: 'true' } };
      await changesNothing(fixture, async () => {
        const reply = await raw({ method, path: `/${bucket}${below}`, query, ...extra });
        assert.equal(reply.status, 501, reply.text);
      });
    });
  }

  test('E17 BI-015 a head above 8 KiB is RequestHeaderSectionTooLarge', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const { raw, bucket } = fixture;
      const headers = { 'x-padding': 'a'.repeat(8192) };
      const reply = await raw({ method: 'PUT', path: `/${bucket}/key`, headers, body: 'body' });
      assert.deepEqual([reply.status, reply.code], [400, 'RequestHeaderSectionTooLarge']);
    });
  });

  test('E17 a head of 7 KiB is accepted', async () => {
    const { raw, bucket } = await use();
    const headers = { 'x-padding': 'a'.repeat(7 * 1024) };
    assert.equal((await raw({ method: 'GET', path: `/${bucket}`, headers })).status, 200);
  });

  test('E17 BI-174 user metadata of 2,048 bytes is stored, of 2,049 MetadataTooLarge', async () => {
    const fixture = await use();
    const { raw, bucket, client } = fixture;
    const put = (bytes: number) => {
      const headers = { 'x-amz-meta-one': 'a'.repeat(bytes - 7), 'x-amz-meta-more': '' };
      return raw({ method: 'PUT', path: `/${bucket}/key`, headers, body: 'body' });
    };
    assert.equal((await put(2048)).status, 200);
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'key' }));
    assert.equal(head.Metadata?.['one']?.length, 2041);
    await changesNothing(fixture, async () => {
      const reply = await put(2049);
      assert.deepEqual([reply.status, reply.code], [400, 'MetadataTooLarge']);
      assert.equal(elementText(reply.text, 'Size'), '2049');
      assert.equal(elementText(reply.text, 'MaxSizeAllowed'), '2048');
    });
  });

  for (const [what, key] of [
    ['1,025 bytes', 'k'.repeat(1025)],
    ['342 characters of three bytes', encodeURIComponent('日').repeat(342)],
  ] as const) {
    test(`E18 BI-124 a key of ${what} is KeyTooLongError with both sizes`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        for (const method of ['PUT', 'GET', 'DELETE']) {
          const path = `/${fixture.bucket}/${key}`;
          const reply = await fixture.raw({ method, path });
          assert.deepEqual([reply.status, reply.code], [400, 'KeyTooLongError']);
          const size = Buffer.byteLength(decodeURIComponent(key));
          assert.equal(elementText(reply.text, 'Size'), String(size));
          assert.equal(elementText(reply.text, 'MaxSizeAllowed'), '1024');
        }
      });
    });
  }

  for (const [id, escape] of [
    ['BI-024', '%FF'],
    ['BI-024', 'a%80'],
    ['BI-025', '%C0%AF'],
    ['BI-025', '%ED%A0%80'],
    ['BI-026', '%'],
    ['BI-026', '%2'],
    ['BI-026', '%zz'],
    ['BI-129', '%00'],
  ] as const) {
    test(`${id} ${escape} in a path or query is InvalidURI`, async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await changesNothing(fixture, async () => {
        for (const target of [
          { method: 'PUT', rawPath: `/${bucket}/${escape}` },
          { method: 'GET', rawPath: `/${bucket}/${escape}` },
          { method: 'GET', rawPath: `/${bucket}`, rawQuery: `prefix=${escape}` },
          { method: 'GET', rawPath: `/${bucket}`, rawQuery: `${escape}=a` },
        ]) {
          const reply = await sendHead(server, headerSigned(server, target));
          assert.deepEqual([reply.status, reply.code], [400, 'InvalidURI'], reply.text);
        }
      });
    });
  }

  test('BI-029 BI-030 Upgrade and an unknown Expect are ignored', async () => {
    const { raw, bucket } = await use();
    const headers = { upgrade: 'websocket', expect: 'something-else' };
    assert.equal((await raw({ method: 'GET', path: `/${bucket}`, headers })).status, 200);
  });

  test('BI-032 the body of a GET is ignored and not taken for a request', async () => {
    const { raw, bucket } = await use();
    const body = `DELETE /${bucket} HTTP/1.1\r\nHost: a\r\n\r\n`;
    assert.equal((await raw({ method: 'GET', path: `/${bucket}`, body })).status, 200);
    assert.equal((await raw({ method: 'HEAD', path: `/${bucket}` })).status, 200);
  });
});
