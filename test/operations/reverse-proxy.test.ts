// Behind proxies: declared endpoints, path prefixes, and forwarded headers of proxies that are
// trusted or not.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import { parseEndpoint } from '#src/util/endpoint.js';
import { parseNetwork } from '#src/util/network.js';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { sendUnsigned, type RawReply } from '../support/raw-request.js';
import { startReverseProxy, type Rewritten } from '../support/reverse-proxy.js';
import { s3ClientAt } from '../support/s3-client.js';
import { signedHeadV2 } from '../support/signed-head-v2.js';
import type { HeadInput } from '../support/signed-head.js';
import { headerSigned, sendHead } from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';

const OUTSIDE = 'http://files.example.test/storage';
const INSIDE = 'http://s3.inside.test:9000';
const ENDPOINTS = [OUTSIDE, INSIDE].map(parseEndpoint).filter((endpoint) => endpoint !== undefined);
const KEYS = ['k', 'a/b', '/a', 'a//b', 'a b+c%20', 'storage/k', 'é😀', "!*'()&=;:@$,"];
const DOMAIN = 's3.example.test';

/** What a proxy in front of the server may do to host and path of a request for OUTSIDE. */
const PROXIES: Readonly<Record<string, (path: string) => Rewritten>> = {
  'changes the host and takes the prefix away': (path) => ({
    host: '10.1.2.3:9000',
    path: path.replace(/^\/storage\//, '/'),
  }),
  'changes the host and keeps the prefix': () => ({ host: 'upstream' }),
  'keeps the host and takes the prefix away': (path) => ({
    path: path.replace(/^\/storage\//, '/'),
  }),
  'keeps both': () => ({}),
};

async function throughProxy(
  { server }: Fixture,
  rewrite: (path: string) => Rewritten,
  use: (client: S3Client, port: number) => Promise<void>,
): Promise<void> {
  const proxy = await startReverseProxy(server.port, ({ url = '' }) => rewrite(url));
  const client = s3ClientAt(server, { endpoint: OUTSIDE, port: proxy.port });
  try {
    await use(client, proxy.port);
  } finally {
    client.destroy();
    proxy.close();
  }
}

function get(port: number, url: string, host = new URL(url).host): Promise<RawReply> {
  const { pathname, search } = new URL(url);
  return sendUnsigned({ port, method: 'GET', target: pathname + search, headers: { host } });
}

onEveryBackend(
  'declared endpoints',
  (use) => {
    for (const [what, rewrite] of Object.entries(PROXIES)) {
      test(`the SDK works through a proxy that ${what}`, async () => {
        const fixture = await use();
        await throughProxy(fixture, rewrite, async (client) => {
          const Bucket = `${fixture.bucket}-p`;
          await client.send(new CreateBucketCommand({ Bucket }));
          for (const Key of KEYS) {
            await client.send(new PutObjectCommand({ Bucket, Key, Body: `body of ${Key}` }));
            for (const reader of [client, fixture.client]) {
              const { Body } = await reader.send(new GetObjectCommand({ Bucket, Key }));
              assert.equal(await Body?.transformToString(), `body of ${Key}`);
            }
          }
          const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
          assert.deepEqual(Contents.map(({ Key }) => Key).sort(), [...KEYS].sort());
          const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/storage/k` };
          await client.send(new CopyObjectCommand(copy));
          const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
          assert(Buckets.some(({ Name }) => Name === Bucket));
        });
      });

      test(`M23 an upload in parts through a proxy that ${what} is at the outside URL`, async () => {
        const fixture = await use();
        const { bucket: Bucket } = fixture;
        await throughProxy(fixture, rewrite, async (client) => {
          const target = { Bucket, Key: 'a b/c' };
          const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
          const part = { ...target, UploadId, PartNumber: 1 };
          const body = randomBytes(200_000);
          const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: body }));
          const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
          const { Location } = await client.send(
            new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }),
          );
          assert.equal(Location, `${OUTSIDE}/${Bucket}/a%20b/c`);
          const { Body } = await client.send(new GetObjectCommand(target));
          assert.deepEqual(Buffer.from((await Body?.transformToByteArray()) ?? []), body);
        });
      });

      test(`a URL presigned outside works through a proxy that ${what}, and directly`, async () => {
        const fixture = await use();
        const { bucket: Bucket, server } = fixture;
        await throughProxy(fixture, rewrite, async (client, port) => {
          const target = { Bucket, Key: 'a b+c' };
          await client.send(new PutObjectCommand({ ...target, Body: 'shared' }));
          const url = await getSignedUrl(client, new GetObjectCommand(target), { expiresIn: 60 });
          assert(url.startsWith(`${OUTSIDE}/${Bucket}/`), url);
          assert.equal((await get(port, url)).text, 'shared');
          const address = `127.0.0.1:${server.port}`;
          assert.equal((await get(server.port, url, address)).text, 'shared');
          const short = url.replace('/storage/', '/');
          assert.equal((await get(server.port, short, address)).text, 'shared');
          for (const altered of [url.replace('a%20b', 'a%20c'), `${url}&versionId=null`]) {
            assert.equal((await get(port, altered)).code, 'SignatureDoesNotMatch', altered);
          }
        });
      });
    }

    test('a URL presigned for the inside, or for the address itself, works outside', async () => {
      const fixture = await use();
      const { bucket: Bucket, client, server } = fixture;
      const target = { Bucket, Key: 'k' };
      await client.send(new PutObjectCommand({ ...target, Body: 'shared' }));
      const inside = s3ClientAt(server, { endpoint: INSIDE, port: server.port });
      const command = new GetObjectCommand(target);
      const url = new URL(await getSignedUrl(inside, command, { expiresIn: 60 }));
      const fromOutside = `${OUTSIDE}${url.pathname}${url.search}`;
      assert.equal((await get(server.port, fromOutside)).text, 'shared');
      assert.equal((await get(server.port, url.href)).text, 'shared');
      inside.destroy();
    });

    // prettier-ignore
    const REFUSED: readonly (readonly [what: string, signed: HeadInput, path: string, code: string])[] = [
      ['an endpoint that is not declared', { headers: { host: 'other.example.test' } }, '/b/k', 'SignatureDoesNotMatch'],
      ['another port', { headers: { host: 'files.example.test:81' } }, '/b/k', 'SignatureDoesNotMatch'],
      ['a prefix that is not declared', { headers: { host: 'files.example.test' }, rawPath: '/store/b/k' }, '/b/k', 'SignatureDoesNotMatch'],
      ['another key', { headers: { host: 'files.example.test' }, rawPath: '/storage/b/other' }, '/b/k', 'SignatureDoesNotMatch'],
      ['the prefix twice', { headers: { host: 'files.example.test' }, rawPath: '/storage/storage/b/k' }, '/storage/b/k', 'SignatureDoesNotMatch'],
      ['another secret', { headers: { host: 'files.example.test' }, rawPath: '/storage/b/k', secret: 'other' }, '/b/k', 'SignatureDoesNotMatch'],
      ['an unknown access key', { headers: { host: 'files.example.test' }, rawPath: '/storage/b/k', accessKey: 'NOBODY' }, '/b/k', 'InvalidAccessKeyId'],
      ['no host', { signedHeaders: ['x-amz-date', 'x-amz-content-sha256'], rawPath: '/storage/b/k' }, '/b/k', 'AccessDenied'],
    ];

    for (const [what, signed, path, code] of REFUSED) {
      test(`A04 a signature for ${what} is ${code}`, async () => {
        const fixture = await use();
        const { bucket, server } = fixture;
        const named = (text: string) => text.replace('/b/', `/${bucket}/`);
        const rawPath = named(signed.rawPath ?? '/b/k');
        const head = headerSigned(server, { method: 'PUT', ...signed, rawPath });
        const headers = new Map(head.headers).set('host', '10.0.0.1:9000');
        await changesNothing(fixture, async () => {
          const reply = await sendHead(server, { ...head, rawPath: named(path), headers });
          assert.deepEqual([reply.status, reply.code], [403, code]);
        });
      });
    }

    test('version 2 covers bucket and key without the prefix: a path cannot mean two buckets', async () => {
      const fixture = await use();
      const { bucket, client, server } = fixture;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'found' }));
      const { accessKey, secretKey: secret } = server;
      const send = async (signedPath: string) => {
        const headers = { host: 'h', date: new Date().toUTCString() };
        const input = { accessKey, secret, method: 'GET', rawPath: signedPath, headers };
        return sendHead(server, { ...signedHeadV2(input), rawPath: `/storage/${bucket}/k` });
      };
      assert.equal((await send(`/${bucket}/k`)).text, 'found');
      assert.equal((await send(`/storage/${bucket}/k`)).code, 'SignatureDoesNotMatch');
    });

    test('a prefix in any spelling is the prefix, never a bucket of that name', async () => {
      const fixture = await use();
      const { bucket, client, server } = fixture;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'found' }));
      for (const prefix of ['/storage', '/%73torage', '/storag%65']) {
        const head = headerSigned(server, { rawPath: `/storage/${bucket}/k` });
        const reply = await sendHead(server, { ...head, rawPath: `${prefix}/${bucket}/k` });
        assert.equal(reply.text, 'found', prefix);
        assert.equal(server.ends.at(-1)?.bucket, bucket);
      }
    });
  },
  {},
  { reception: { endpoints: ENDPOINTS }, isSignatureV2Offered: true },
);

const FOR = { address: '192.0.2.7', text: '192.0.2.7, 127.0.0.9' };

// Headers of a proxy on loopback, which say that the client asked for `bucket.DOMAIN`.
// prettier-ignore
const FORWARDED: readonly (readonly [name: string, headers: (host: string) => Readonly<Record<string, string>>])[] = [
  ['X-Forwarded-*', (host) => ({ 'x-forwarded-for': FOR.text, 'x-forwarded-host': host, 'x-forwarded-proto': 'https' })],
  ['Forwarded', (host) => ({ forwarded: `for=198.51.100.1;host=forged, for=${FOR.address};host="${host}";proto=https, for=127.0.0.9` })],
];

for (const [isTrusted, networks] of [
  [true, ['127.0.0.0/8', '::1']],
  [false, ['192.0.2.0/24', '10.0.0.1', '::1']],
] as const) {
  const trustedProxies = networks.map(parseNetwork).filter((network) => network !== undefined);
  onEveryBackend(
    `forwarded headers of a proxy that is ${isTrusted ? '' : 'not '}trusted`,
    (use) => {
      for (const [name, headersOf] of FORWARDED) {
        test(`${name} ${isTrusted ? 'name' : 'do not name'} host, client and scheme`, async () => {
          const fixture = await use();
          const { bucket, client, server } = fixture;
          await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'found' }));
          const host = `${bucket}.${DOMAIN}`;
          const signed = headerSigned(server, { rawPath: '/k', headers: { host } });
          const headers = new Map([
            ...signed.headers,
            ...Object.entries(headersOf(host)),
            ['host', '10.0.0.1:9000'] as const,
          ]);
          const reply = await sendHead(server, { ...signed, headers });
          const end = server.ends.at(-1);
          if (isTrusted) {
            assert.deepEqual([reply.status, reply.text], [200, 'found']);
            assert.deepEqual([end?.bucket, end?.key], [bucket, 'k']);
          } else {
            assert.deepEqual([reply.status, reply.code], [403, 'SignatureDoesNotMatch']);
            assert.deepEqual([end?.bucket, end?.key], ['k', '']);
          }
          assert.equal(end?.remoteAddress, isTrusted ? FOR.address : '127.0.0.1');
        });

        test(`A04 ${name} cannot move a signature to another bucket`, async () => {
          const fixture = await use();
          const { bucket, client, server } = fixture;
          const secret = `${bucket}-secret`;
          await client.send(new CreateBucketCommand({ Bucket: secret }));
          const stolen = { Bucket: secret, Key: `${bucket}/k`, Body: 'secret' };
          await client.send(new PutObjectCommand(stolen));
          await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'open' }));
          const signed = headerSigned(server, { rawPath: `/${bucket}/k` });
          const forwarded = Object.entries(headersOf(`${secret}.${DOMAIN}`));
          const headers = new Map([...signed.headers, ...forwarded]);
          const reply = await sendHead(server, { ...signed, headers });
          if (isTrusted) assert.equal(reply.code, 'SignatureDoesNotMatch');
          else assert.equal(reply.text, 'open');
        });
      }

      test('a forwarded address that makes no sense leaves the one of the proxy', async () => {
        const { raw, bucket, server } = await use();
        for (const value of ['unknown', '192.0.2.7"}, {', '999.1.1.1', ', ,']) {
          const headers = { 'x-forwarded-for': value };
          assert.equal((await raw({ method: 'GET', path: `/${bucket}`, headers })).status, 200);
          assert.equal(server.ends.at(-1)?.remoteAddress, '127.0.0.1', value);
        }
      });
    },
    {},
    { reception: { domains: [DOMAIN], trustedProxies } },
  );
}

onEveryBackend(
  'M23 the forwarded scheme',
  (use) => {
    test('M23 stands in Location, with the forwarded host', async () => {
      const fixture = await use();
      const { bucket: Bucket, server } = fixture;
      const proxy = await startReverseProxy(server.port, ({ headers }) => ({
        host: '10.0.0.1',
        headers: { 'x-forwarded-host': headers.host ?? '', 'x-forwarded-proto': 'https' },
      }));
      const place = { endpoint: `http://${DOMAIN}:8443`, port: proxy.port, isVirtualHosted: true };
      const client = s3ClientAt(server, place);
      const target = { Bucket, Key: 'k' };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
      const part = { ...target, UploadId, PartNumber: 1 };
      const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: 'x' }));
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      const { Location } = await client.send(
        new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }),
      );
      assert.equal(Location, `https://${Bucket}.${DOMAIN}:8443/k`);
      client.destroy();
      proxy.close();
    });
  },
  {},
  {
    reception: {
      domains: [DOMAIN],
      trustedProxies: [{ address: '127.0.0.1', prefixBits: 32, family: 'ipv4' }],
    },
  },
);
