/**
 * Requests as the AWS SDK puts them on the wire: each is received by a plain HTTP server, verified,
 * and its body decoded.
 */

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';

import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import { authenticate, type AuthenticatedRequest } from '#src/auth/authenticate.js';
import { CredentialStore } from '#src/auth/credentials.js';
import { SigningKeyCache } from '#src/auth/signing-key-cache.js';
import { parsePath } from '#src/wire/addressing.js';
import { AwsChunkedDecoder } from '#src/wire/aws-chunked.js';

import { ACCESS_KEY, REGION, SECRET_KEY } from '../../support/signed-head.js';

interface Received {
  readonly key: string;
  readonly body: Buffer;
  readonly authenticated: AuthenticatedRequest;
}

const received: Received[] = [];
const failures: unknown[] = [];
const credentials = new CredentialStore([
  { accessKey: ACCESS_KEY, secretKey: SECRET_KEY, account: 'main' },
]);
const signingKeys = new SigningKeyCache();
let server: Server;
let client: S3Client;

before(async () => {
  server = createServer((incoming, outgoing) => {
    receive(incoming).then(
      (request) => {
        received.push(request);
        outgoing.writeHead(200, { 'content-type': 'application/xml', etag: '"e"' }).end();
      },
      (error: unknown) => {
        failures.push(error);
        outgoing.writeHead(403).end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forcePathStyle: true,
    region: REGION,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    maxAttempts: 1,
  });
});

after(() => {
  client.destroy();
  server.close();
});

async function receive(incoming: IncomingMessage): Promise<Received> {
  const headers = new Map<string, string>();
  const { rawHeaders } = incoming;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const value = Buffer.from(rawHeaders[index + 1] ?? '', 'latin1').toString();
    headers.set((rawHeaders[index] ?? '').toLowerCase(), value);
  }
  const [rawPath = '', rawQuery = ''] = (incoming.url ?? '').split('?');
  const method = incoming.method ?? '';
  const head = { method, rawPath, rawQuery, headers, repeatedHeaders: new Set<string>() };
  const context = { credentials, signingKeys, region: REGION, nowMs: Date.now() };
  const authenticated = authenticate(head, context);
  const { verification } = authenticated;
  const decoder =
    verification.mode === 'aws-chunked'
      ? new AwsChunkedDecoder({
          decodedBytes: Number(headers.get('x-amz-decoded-content-length')),
          hasTrailer: verification.hasTrailer,
          announcedTrailers: (headers.get('x-amz-trailer') ?? '').split(','),
          signing: verification.signing,
        })
      : undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    pieces.push(...(decoder?.push(piece) ?? [piece]));
  }
  decoder?.finish();
  return { key: parsePath(rawPath).key, body: Buffer.concat(pieces), authenticated };
}

/** What the server received, after it accepted exactly one request. */
function accepted(): Received {
  assert.deepEqual(failures.splice(0), []);
  const [request, ...others] = received.splice(0);
  assert.equal(others.length, 0);
  return request ?? assert.fail('nothing was received');
}

const KEYS = [
  ...['a//b', '/a', 'a/', '.', '..', 'a/../b', '%', '%2F', 'a+b', 'a b', 'a%20b', '?', '#'],
  ...[
    "&=;:@$,!*'()",
    '"',
    '<>',
    '\\',
    '😀',
    '\u00e9',
    'e\u0301',
    '\uffff',
    '\x01',
    'k'.repeat(1024),
  ],
];

test('authenticate accepts GetObject of odd keys from the AWS SDK', async () => {
  for (const key of KEYS) {
    await client.send(new GetObjectCommand({ Bucket: 'b', Key: key })).catch(() => undefined);
    assert.equal(accepted().key, key);
  }
});

test('authenticate accepts PutObject of bytes with metadata from the AWS SDK', async () => {
  const Metadata = { plain: 'a', spaces: ' a  b   c ', 'Mixed-Case': 'x' };
  const Body = Buffer.alloc(100_000, 'x');
  await client.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body, Metadata }));
  assert.ok(accepted().body.equals(Body));
});

test('authenticate and AwsChunkedDecoder accept streams from the AWS SDK', async () => {
  const Body = Readable.from([
    Buffer.alloc(70_000, 'a'),
    Buffer.alloc(9000, 'b'),
    Buffer.from('c'),
  ]);
  const part = { Bucket: 'b', Key: 'k', UploadId: 'u', PartNumber: 1 };
  await client.send(new UploadPartCommand({ ...part, Body, ContentLength: 79_001 }));
  const { body, authenticated } = accepted();
  assert.equal(body.toString(), `${'a'.repeat(70_000)}${'b'.repeat(9000)}c`);
  assert.equal(authenticated.verification.mode, 'aws-chunked');
});

test('authenticate accepts listings, copies and documents from the AWS SDK', async () => {
  const Prefix = 'a+b c/é&=%2F';
  const list = new ListObjectsV2Command({ Bucket: 'b', Prefix, Delimiter: '/', MaxKeys: 3 });
  await client.send(list).catch(() => undefined);
  accepted();
  const copy = new CopyObjectCommand({ Bucket: 'b', Key: 'k', CopySource: 'b/a%20b' });
  await client.send(copy).catch(() => undefined);
  assert.equal(accepted().authenticated.headers.get('x-amz-copy-source'), 'b/a%20b');
  const Delete = { Objects: [{ Key: 'a' }] };
  await client.send(new DeleteObjectsCommand({ Bucket: 'b', Delete })).catch(() => undefined);
  accepted();
});

test('authenticate accepts presigned URLs of the AWS SDK', async () => {
  const Metadata = { color: 'deep blue' };
  const command = new PutObjectCommand({ Bucket: 'b', Key: 'a+b c', Metadata, ACL: 'private' });
  const url = await getSignedUrl(client, command, { expiresIn: 60 });
  const { status } = await fetch(url, { method: 'PUT', body: 'hello' });
  const { key, body, authenticated } = accepted();
  assert.equal(status, 200);
  assert.equal(key, 'a+b c');
  assert.equal(body.toString(), 'hello');
  assert.equal(authenticated.verification.mode, 'unsigned');
  assert.equal(authenticated.headers.get('x-amz-meta-color'), 'deep blue');
  assert.equal(authenticated.headers.get('x-amz-acl'), 'private');
  // The SDK signs the checksum of an empty body into the URL.
  assert.match(url, /x-amz-checksum-crc32=/);
  assert.equal(authenticated.headers.get('x-amz-checksum-crc32'), undefined);
});
