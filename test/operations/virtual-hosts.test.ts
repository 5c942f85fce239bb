// Virtual-hosted style beside path style on one port: which host names a bucket, and which does not.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import { sendRaw } from '../contract/raw-client.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, elementTexts, sendUnsigned } from '../support/raw-request.js';
import { s3ClientAt } from '../support/s3-client.js';
import { signedHeadV2 } from '../support/signed-head-v2.js';
import { withHeaders } from '../support/signed-head.js';
import { headerSigned, querySigned, sendHead } from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';

const DOMAIN = 's3.example.test';
const KEYS = ['k', 'a/b', '/a', 'a//b', 'a b+c%20', 'storage/k', 'é😀', "!*'()&=;:@$,"];

/** A client of the SDK that puts the bucket in front of a domain. */
function virtualClient({ server }: Fixture, domain: string): S3Client {
  const { port } = server;
  const endpoint = `http://${domain}:${port}`;
  return s3ClientAt(server, { endpoint, port, isVirtualHosted: true });
}

async function put(fixture: Fixture, key: string, body: string): Promise<void> {
  const input = { Bucket: fixture.bucket, Key: key, Body: body };
  await fixture.client.send(new PutObjectCommand(input));
}

onEveryBackend(
  'virtual-hosted style',
  (use) => {
    for (const domain of [DOMAIN, 'localhost']) {
      test(`B27 the SDK works with buckets in front of ${domain}, beside path style`, async () => {
        const fixture = await use();
        const client = virtualClient(fixture, domain);
        const hosts: unknown[] = [];
        client.middlewareStack.add(
          (next) => (args) => {
            hosts.push((args.request as { readonly hostname: string }).hostname);
            return next(args);
          },
          { step: 'finalizeRequest' },
        );
        for (const bucket of [`${fixture.bucket}-v`, `dotted.${fixture.bucket}`]) {
          hosts.length = 0;
          await client.send(new CreateBucketCommand({ Bucket: bucket }));
          for (const key of KEYS) {
            const input = { Bucket: bucket, Key: key };
            await client.send(new PutObjectCommand({ ...input, Body: `body of ${key}` }));
            for (const reader of [client, fixture.client]) {
              const { Body } = await reader.send(new GetObjectCommand(input));
              assert.equal(await Body?.transformToString(), `body of ${key}`);
            }
          }
          const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
          assert.deepEqual(Contents.map(({ Key }) => Key).sort(), [...KEYS].sort());
          for (const Key of KEYS) {
            await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
          }
          await client.send(new HeadBucketCommand({ Bucket: bucket }));
          await client.send(new DeleteBucketCommand({ Bucket: bucket }));
          assert.deepEqual(new Set(hosts), new Set([`${bucket}.${domain}`]));
        }
        const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
        assert(Buckets.some(({ Name }) => Name === fixture.bucket));
        client.destroy();
      });
    }

    // What stands in Host, and whether that names the bucket; `PORT` is the server's.
    // prettier-ignore
    const HOSTS: readonly (readonly [host: string, isVirtualHosted: boolean])[] = [
      [`BUCKET.${DOMAIN}:PORT`, true],
      [`BUCKET.${DOMAIN}`, true],
      [`BUCKET.${DOMAIN}:1`, true],
      [`BUCKET.${DOMAIN}.`, true],
      [`BUCKET.${DOMAIN}.:PORT`, true],
      [`BUCKET.S3.Example.TEST:PORT`, true],
      ['BUCKET.localhost:PORT', true],
      [`${DOMAIN}:PORT`, false],
      [`${DOMAIN.toUpperCase()}.`, false],
      ['BUCKET.elsewhere.test', false],
      ['BUCKET', false],
      ['127.0.0.1:PORT', false],
      ['[::1]:PORT', false],
      ['[::ffff:127.0.0.1]', false],
    ];

    for (const [pattern, isVirtualHosted] of HOSTS) {
      const style = isVirtualHosted ? 'virtual-hosted' : 'path';
      for (const carrier of ['header', 'query'] as const) {
        test(`B27 A04 Host: ${pattern} is ${style} style, signed as sent in the ${carrier}`, async () => {
          const fixture = await use();
          const { server, bucket } = fixture;
          const host = pattern.replace('BUCKET', bucket).replace('PORT', String(server.port));
          const rawPath = isVirtualHosted ? '/a/k%2Bx' : `/${bucket}/a/k%2Bx`;
          await put(fixture, 'a/k+x', 'found');
          const sign = carrier === 'header' ? headerSigned : querySigned;
          const reply = await sendHead(server, sign(server, { rawPath, headers: { host } }));
          assert.deepEqual([reply.status, reply.text], [200, 'found']);
        });
      }
    }

    test('B27 A04 the signature covers the host: another bucket is not reached with it', async () => {
      const fixture = await use();
      const other = `${fixture.bucket}-other`;
      await fixture.client.send(new CreateBucketCommand({ Bucket: other }));
      const head = headerSigned(fixture.server, {
        method: 'PUT',
        rawPath: '/k',
        headers: { host: `${fixture.bucket}.${DOMAIN}` },
      });
      await changesNothing(fixture, async () => {
        const moved = withHeaders(head, { host: `${other}.${DOMAIN}` });
        const reply = await sendHead(fixture.server, moved);
        assert.deepEqual([reply.status, reply.code], [403, 'SignatureDoesNotMatch']);
      });
    });

    test('B27 a host without a bucket in front of the dot is InvalidBucketName', async () => {
      const { server } = await use();
      const head = headerSigned(server, { rawPath: '/k', headers: { host: `.${DOMAIN}` } });
      const reply = await sendHead(server, head);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidBucketName']);
    });

    test('B27 a bucket that does not exist, or could not, is NoSuchBucket in the host too', async () => {
      const { server } = await use();
      for (const name of ['absent-bucket', 'a_b', 'a']) {
        const head = headerSigned(server, { rawPath: '/', headers: { host: `${name}.${DOMAIN}` } });
        const reply = await sendHead(server, head);
        assert.deepEqual([reply.status, reply.code], [404, 'NoSuchBucket'], name);
        assert.equal(elementText(reply.text, 'BucketName'), name);
      }
    });

    test('B27 B01 CreateBucket takes the name from the host and refuses a bad one', async () => {
      const fixture = await use();
      const { server } = fixture;
      const create = async (name: string) => {
        const headers = { host: `${name}.${DOMAIN}` };
        return sendHead(server, headerSigned(server, { method: 'PUT', rawPath: '/', headers }));
      };
      const reply = await create(`new.${fixture.bucket}`);
      assert.deepEqual([reply.status, reply.headers.location], [200, `/new.${fixture.bucket}`]);
      await fixture.client.send(new HeadBucketCommand({ Bucket: `new.${fixture.bucket}` }));
      await changesNothing(fixture, async () => {
        assert.equal((await create('a_b')).code, 'InvalidBucketName');
      });
    });

    test('B27 the domain itself lists buckets, a bucket host lists objects', async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await put(fixture, 'listed', 'x');
      const list = async (host: string) =>
        sendHead(server, headerSigned(server, { rawPath: '/', headers: { host } }));
      const buckets = await list(DOMAIN);
      assert.equal(buckets.status, 200);
      assert(elementTexts(buckets.text, 'Name').includes(bucket));
      const objects = await list(`${bucket}.${DOMAIN}`);
      assert.deepEqual(elementTexts(objects.text, 'Key'), ['listed']);
    });

    test('M23 Location has the style, host and port of the request, the key escaped', async () => {
      const { server, bucket } = await use();
      const complete = async (host: string, rawPath: string) => {
        const send = async (method: string, rawQuery: string, body = '') =>
          sendHead(
            server,
            headerSigned(server, {
              ...{ method, rawPath, rawQuery, headers: { host }, payloadHash: 'UNSIGNED-PAYLOAD' },
            }),
            body,
          );
        const created = await send('POST', 'uploads=');
        const uploadId = elementText(created.text, 'UploadId') ?? '';
        const part = await send('PUT', `partNumber=1&uploadId=${uploadId}`, 'part');
        const etag = String(part.headers.etag);
        const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
        const completed = await send('POST', `uploadId=${uploadId}`, list);
        assert.equal(completed.status, 200, completed.text);
        return elementText(completed.text, 'Location');
      };
      const key = 'a/b%20%2Bc';
      const host = `${bucket}.${DOMAIN}:${server.port}`;
      assert.equal(await complete(host, `/${key}`), `http://${host}/${key}`);
      const path = `/${bucket}/${key}`;
      assert.equal(await complete(DOMAIN, path), `http://${DOMAIN}${path}`);
    });

    test('B27 a presigned URL with the bucket in the host works until its host is changed', async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await put(fixture, 'a b', 'shared');
      const client = virtualClient(fixture, DOMAIN);
      const command = new GetObjectCommand({ Bucket: bucket, Key: 'a b' });
      const url = new URL(await getSignedUrl(client, command, { expiresIn: 60 }));
      assert.equal(url.hostname, `${bucket}.${DOMAIN}`);
      const target = `${url.pathname}${url.search}`;
      const get = (host: string) =>
        sendUnsigned({ port: server.port, method: 'GET', target, headers: { host } });
      assert.equal((await get(url.host)).text, 'shared');
      assert.equal((await get(`${bucket}.localhost`)).code, 'SignatureDoesNotMatch');
      client.destroy();
    });

    test('B27 version 2 covers the bucket of the host', async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await put(fixture, 'a b', 'found');
      const { accessKey, secretKey: secret } = server;
      const headers = { host: `${bucket}.${DOMAIN}`, date: new Date().toUTCString() };
      const rawPath = `/${bucket}/a%20b`;
      const head = signedHeadV2({ accessKey, secret, method: 'GET', rawPath, headers });
      assert.equal((await sendHead(server, { ...head, rawPath: '/a%20b' })).text, 'found');
      const moved = withHeaders(head, { host: `other.${DOMAIN}` });
      const reply = await sendHead(server, { ...moved, rawPath: '/a%20b' });
      assert.equal(reply.code, 'SignatureDoesNotMatch');
    });

    test('B27 OPTIONS is the same in both styles', async () => {
      const { server, bucket } = await use();
      const options = (host: string, target: string) =>
        sendUnsigned({ port: server.port, method: 'OPTIONS', target, headers: { host } });
      const inHost = await options(`${bucket}.${DOMAIN}`, '/k');
      const inPath = await options(DOMAIN, `/${bucket}/k`);
      assert.deepEqual([inHost.status, inHost.code], [inPath.status, inPath.code]);
      assert.equal(inHost.headers.allow, inPath.headers.allow);
      const { ends } = server;
      assert.deepEqual(
        ends.slice(-2).map(({ bucket: name, key }) => [name, key]),
        [
          [bucket, 'k'],
          [bucket, 'k'],
        ],
      );
    });

    // prettier-ignore
    const GUARDED: readonly (readonly [id: string, what: string, head: string, statuses: readonly number[]])[] = [
      ['BI-021', 'two Hosts', `GET /k HTTP/1.1\r\nHost: b.${DOMAIN}\r\nHost: c.${DOMAIN}\r\n\r\n`, [400]],
      ['BI-021', 'two equal Hosts', `GET /k HTTP/1.1\r\nHost: b.${DOMAIN}\r\nHost: b.${DOMAIN}\r\n\r\n`, [400]],
      ['BI-021', 'an empty Host', 'GET /k HTTP/1.1\r\nHost:\r\n\r\n', [400]],
      ['BI-021', 'no Host', 'GET /k HTTP/1.1\r\nx-forwarded-host: h\r\n\r\n', [400]],
      ['BI-020', 'an absolute-form target', `GET http://b.${DOMAIN}/k HTTP/1.1\r\nHost: b.${DOMAIN}\r\n\r\n`, [505, 400]],
      ['BI-020', 'OPTIONS *', `OPTIONS * HTTP/1.1\r\nHost: b.${DOMAIN}\r\n\r\n`, [505, 400]],
    ];

    for (const [id, what, head, statuses] of GUARDED) {
      test(`${id} ${what} is refused barely and never handled`, async () => {
        const { server } = await use();
        const endsCount = server.ends.length;
        const answer = await sendRaw(server.port, head);
        assert(statuses.includes(answer?.status ?? 0), String(answer?.status));
        assert(!answer?.body.includes('<Error>'), answer?.body.toString());
        assert.equal(server.ends.length, endsCount);
      });
    }
  },
  {},
  { reception: { domains: [DOMAIN, 'localhost'] }, isSignatureV2Offered: true },
);

onEveryBackend('a server without domains', (use) => {
  test('B27 takes every host for path style', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    await put(fixture, 'k', 'found');
    for (const host of [`other.${DOMAIN}`, 'b.localhost', 'localhost']) {
      const head = headerSigned(server, { rawPath: `/${bucket}/k`, headers: { host } });
      assert.equal((await sendHead(server, head)).text, 'found');
    }
  });

  test('B27 ignores forwarded headers, in the access log too', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    await put(fixture, 'k', 'found');
    const headers = {
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-host': `secret.${DOMAIN}`,
      forwarded: 'for=192.0.2.1;host=secret.localhost;proto=https',
    };
    const reply = await fixture.raw({ method: 'GET', path: `/${bucket}/k`, headers });
    assert.equal(reply.text, 'found');
    assert.equal(server.ends.at(-1)?.remoteAddress, '127.0.0.1');
  });
});
