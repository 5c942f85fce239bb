// Framing, errors and headers over HTTP, for whichever operation shows them best.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, type RawReply, type RawRequest } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const RFC_1123 = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/;

/** A bucket with one object, and a request below it. */
async function withObject(fixture: Fixture): Promise<(request: Below) => Promise<RawReply>> {
  const { client, bucket, raw } = fixture;
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'body' }));
  return ({ below = '', ...request }) => raw({ ...request, path: `/${bucket}${below}` });
}

interface Below extends Omit<RawRequest, 'path'> {
  /** What follows the bucket in the path. */
  readonly below?: string;
}

const future = { 'if-unmodified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' };

onEveryBackend('errors and headers', (use) => {
  // prettier-ignore
  const answers: readonly (readonly [what: string, status: number, request: Below])[] = [
    ['a listing', 200, { method: 'GET' }],
    ['an object', 200, { method: 'GET', below: '/key' }],
    ['a HEAD', 200, { method: 'HEAD', below: '/key' }],
    ['a PUT', 200, { method: 'PUT', below: '/other', body: '' }],
    ['a range', 206, { method: 'GET', below: '/key', headers: { range: 'bytes=1-2' } }],
    ['204', 204, { method: 'DELETE', below: '/missing' }],
    ['304', 304, { method: 'GET', below: '/key', headers: { 'if-none-match': '*' } }],
    ['400', 400, { method: 'GET', query: 'max-keys=x' }],
    ['403', 403, { method: 'GET', isAnonymous: true }],
    ['404', 404, { method: 'GET', below: '/missing' }],
    ['404 of a HEAD', 404, { method: 'HEAD', below: '/missing' }],
    ['405', 405, { method: 'POST', below: '/key' }],
    ['412', 412, { method: 'GET', below: '/key', headers: future }],
    ['416', 416, { method: 'GET', below: '/key', headers: { range: 'bytes=9-' } }],
    ['501', 501, { method: 'GET', query: 'torrent' }],
  ];
  for (const [what, status, request] of answers) {
    test(`E01 E19 the answer ${what} has its ids, Date and Server`, async () => {
      const reply = await (await withObject(await use()))(request);
      assert.equal(reply.status, status, reply.text);
      const { 'x-amz-request-id': requestId, 'x-amz-id-2': hostId, date, server } = reply.headers;
      assert.match(String(requestId), /^[0-9A-Z]{16}$/);
      assert(hostId !== undefined && hostId !== '');
      assert.match(date ?? '', RFC_1123);
      assert.equal(server, 's3ish');
      if (reply.code === '') return;
      assert.equal(elementText(reply.text, 'RequestId'), requestId);
      assert.equal(elementText(reply.text, 'HostId'), hostId);
    });
  }

  test('E01 every request has an id of its own', async () => {
    const send = await withObject(await use());
    const replies = [await send({ method: 'GET' }), await send({ method: 'GET' })];
    assert.equal(new Set(replies.map(({ headers }) => headers['x-amz-request-id'])).size, 2);
  });

  test('E02 an error is an Error document without namespace', async () => {
    const reply = await (await withObject(await use()))({ method: 'GET', below: '/missing' });
    assert.equal(reply.headers['content-type'], 'application/xml');
    assert(
      reply.text.startsWith(`${DECLARATION}\n<Error><Code>NoSuchKey</Code><Message>`),
      reply.text,
    );
    assert(!reply.text.includes('xmlns'));
    assert.equal(reply.headers['content-length'], String(reply.body.byteLength));
  });

  for (const [root, query, method, body] of [
    ['ListBucketResult', '', 'GET', undefined],
    ['ListBucketResult', 'list-type=2', 'GET', undefined],
    ['LocationConstraint', 'location', 'GET', undefined],
    ['VersioningConfiguration', 'versioning', 'GET', undefined],
    ['ListMultipartUploadsResult', 'uploads', 'GET', undefined],
    ['ListVersionsResult', 'versions', 'GET', undefined],
    ['AccessControlPolicy', 'acl', 'GET', undefined],
    ['BucketLoggingStatus', 'logging', 'GET', undefined],
    ['RequestPaymentConfiguration', 'requestPayment', 'GET', undefined],
    ['AccelerateConfiguration', 'accelerate', 'GET', undefined],
    ['NotificationConfiguration', 'notification', 'GET', undefined],
    ['DeleteResult', 'delete', 'POST', '<Delete><Object><Key>a</Key></Object></Delete>'],
  ] as const) {
    test(`E02 the document ${root} of ?${query} has the namespace and a declaration`, async () => {
      const send = await withObject(await use());
      const headers: Record<string, string> =
        body === undefined ? {} : { 'content-md5': md5(body) };
      const reply = await send({ method, query, headers, ...(body === undefined ? {} : { body }) });
      assert.equal(reply.status, 200, reply.text);
      assert.equal(reply.headers['content-type'], 'application/xml');
      const [declaration, rest = ''] = reply.text.split(/(?<=\?>)\s*/);
      assert.equal(declaration, DECLARATION);
      assert(rest.startsWith(`<${root} xmlns="${NAMESPACE}"`), reply.text);
    });
  }

  test('E02 the lists of buckets and parts, and a new upload, have them too', async () => {
    const fixture = await use();
    const send = await withObject(fixture);
    const created = await send({ method: 'POST', below: '/key', query: 'uploads' });
    const query = `uploadId=${elementText(created.text, 'UploadId')}`;
    const buckets = await fixture.raw({ method: 'GET', path: '/' });
    const parts = await send({ method: 'GET', below: '/key', query });
    for (const [root, { status, text }] of [
      ['InitiateMultipartUploadResult', created],
      ['ListAllMyBucketsResult', buckets],
      ['ListPartsResult', parts],
    ] as const) {
      assert.equal(status, 200, text);
      assert(text.startsWith(`${DECLARATION}\n<${root} xmlns="${NAMESPACE}"`), text);
    }
  });

  test('E20 completing and copying answer one whole document with its status, right or wrong', async () => {
    const fixture = await use();
    const { raw, bucket } = fixture;
    const send = await withObject(fixture);
    const created = await send({ method: 'POST', below: '/key', query: 'uploads' });
    const uploadId = elementText(created.text, 'UploadId') ?? '';
    const part = `partNumber=1&uploadId=${uploadId}`;
    const list =
      '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>';
    const source = (key: string) => ({ 'x-amz-copy-source': `/${bucket}/${key}` });
    // prettier-ignore
    const answers: readonly (readonly [status: number, root: string, request: Below])[] = [
      [404, 'Error', { method: 'PUT', below: '/copy', headers: source('missing') }],
      [200, 'CopyObjectResult', { method: 'PUT', below: '/copy', headers: source('key') }],
      [404, 'Error', { method: 'PUT', below: '/key', query: part, headers: source('missing') }],
      [400, 'Error', { method: 'POST', below: '/key', query: `uploadId=${uploadId}`, body: list }],
      [200, 'CopyPartResult', { method: 'PUT', below: '/key', query: part, headers: source('key') }],
    ];
    const check = (reply: RawReply, status: number, root: string): void => {
      assert.equal(reply.status, status, reply.text);
      assert.equal(reply.text.split('<?xml').length, 2, 'one declaration');
      assert.match(reply.text, new RegExp(`^<[?]xml [^>]*[?]>\\s*<${root}[ >][^]*</${root}>\\s*$`));
      assert.equal(reply.headers['content-length'], String(reply.body.byteLength));
      assert.equal(reply.text.includes(`<${root} xmlns="${NAMESPACE}"`), status === 200, 'E02');
    };
    for (const [status, root, request] of answers) check(await send(request), status, root);
    const parts = await raw({
      method: 'GET',
      path: `/${bucket}/key`,
      query: `uploadId=${uploadId}`,
    });
    const etag = elementText(parts.text, 'ETag') ?? '';
    const body = list.replace('</Part>', `<ETag>${etag}</ETag></Part>`);
    const done = await send({ method: 'POST', below: '/key', query: `uploadId=${uploadId}`, body });
    check(done, 200, 'CompleteMultipartUploadResult');
  });

  // prettier-ignore
  const heads: readonly (readonly [status: number, request: Omit<Below, 'method'>])[] = [
    [400, { below: `/${'k'.repeat(1025)}` }],
    [403, { below: '/key', isAnonymous: true }],
    [404, { below: '/missing' }],
    [412, { below: '/key', headers: future }],
    [416, { below: '/key', headers: { range: 'bytes=9-' } }],
    [501, { below: '/key', query: 'torrent' }],
    [304, { below: '/key', headers: { 'if-none-match': '*' } }],
  ];
  for (const [status, request] of heads) {
    test(`E03 BI-031 a HEAD that ends in ${status} has the status of GET and no body`, async () => {
      const send = await withObject(await use());
      const head = await send({ method: 'HEAD', ...request });
      assert.deepEqual([head.status, head.body.byteLength], [status, 0]);
      assert.equal((await send({ method: 'GET', ...request })).status, status);
      // The connection is still in step: an unannounced body would be read as the next answer.
      assert.equal((await send({ method: 'GET' })).status, 200);
    });
  }

  test('E03 BI-031 HEAD of the service is 405 without a body', async () => {
    const { raw } = await use();
    const head = await raw({ method: 'HEAD', path: '/' });
    assert.deepEqual([head.status, head.body.byteLength], [405, 0]);
  });

  test('E04 204 and 304 have neither body nor Content-Type', async () => {
    const send = await withObject(await use());
    for (const [status, request] of [
      [304, { method: 'GET', headers: { 'if-none-match': '*' } }],
      [304, { method: 'HEAD', headers: { 'if-none-match': '*' } }],
      [204, { method: 'DELETE' }],
    ] as const) {
      const reply = await send({ ...request, below: '/key' });
      assert.deepEqual([reply.status, reply.body.byteLength], [status, 0]);
      assert.equal(reply.headers['content-type'], undefined);
    }
  });

  test('E04 304 still has ETag and Last-Modified', async () => {
    const send = await withObject(await use());
    const whole = await send({ method: 'GET', below: '/key' });
    for (const method of ['GET', 'HEAD']) {
      const headers = { 'if-none-match': '*' };
      const reply = await send({ method, below: '/key', headers });
      assert.equal(reply.headers.etag, whole.headers.etag);
      assert.equal(reply.headers['last-modified'], whole.headers['last-modified']);
    }
  });

  test('E07 errors name what was not found', async () => {
    const fixture = await use();
    const send = await withObject(fixture);
    const bucket = await fixture.raw({ method: 'GET', path: '/no-such-bucket/key' });
    assert.deepEqual([bucket.status, bucket.code], [404, 'NoSuchBucket']);
    assert.equal(elementText(bucket.text, 'BucketName'), 'no-such-bucket');
    const key = await send({ method: 'GET', below: '/a%26%3Cb%0A' });
    assert.deepEqual([key.status, key.code], [404, 'NoSuchKey']);
    assert(key.text.includes('<Key>a&amp;&lt;b\n</Key>'), key.text);
    const upload = await send({ method: 'GET', below: '/key', query: 'uploadId=none' });
    assert.deepEqual([upload.status, upload.code], [404, 'NoSuchUpload']);
    assert.equal(elementText(upload.text, 'UploadId'), 'none');
  });

  test('E07 NoSuchVersion has the key and the version', async () => {
    const { client, bucket, raw } = await use();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'body' }));
    for (const [key, versionId] of [
      ['other', 'null'],
      ['key', '3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH'],
    ] as const) {
      const path = `/${bucket}/${key}`;
      const reply = await raw({ method: 'GET', path, query: `versionId=${versionId}` });
      assert.deepEqual([reply.status, reply.code], [404, 'NoSuchVersion']);
      assert.equal(elementText(reply.text, 'Key'), key);
      assert.equal(elementText(reply.text, 'VersionId'), versionId);
    }
  });

  for (const [query, name, value] of [
    ['max-keys=-1', 'max-keys', '-1'],
    ['max-keys=x', 'max-keys', 'x'],
    ['encoding-type=base64', 'encoding-type', 'base64'],
    ['list-type=2&max-keys=1.5', 'max-keys', '1.5'],
    ['max-uploads=x&uploads=', 'max-uploads', 'x'],
  ] as const) {
    test(`E08 InvalidArgument of ?${query} names the argument and its value`, async () => {
      const reply = await (await withObject(await use()))({ method: 'GET', query });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument']);
      assert.equal(elementText(reply.text, 'ArgumentName'), name);
      assert.equal(elementText(reply.text, 'ArgumentValue'), value);
    });
  }

  test('E09 a missing bucket is reported before a missing key, upload or sub-resource', async () => {
    const { raw } = await use();
    for (const query of [
      '',
      'uploadId=none',
      'acl',
      'torrent',
      'versionId=null',
      'partNumber=0',
      'tagging',
    ]) {
      const reply = await raw({ method: 'GET', path: '/no-such-bucket/key', query });
      assert.deepEqual([reply.status, reply.code], [404, 'NoSuchBucket'], query);
    }
  });

  test('E09 a request with two faults reports the earlier one', async () => {
    const { raw, bucket } = await use();
    const long = 'k'.repeat(1025);
    // Method, authentication, bucket, key: each request has its fault and all that come later.
    const [method, anonymous, missing, key] = [
      await raw({ method: 'POST', path: `/no-such-bucket/${long}`, isAnonymous: true }),
      await raw({ method: 'GET', path: `/no-such-bucket/${long}`, isAnonymous: true }),
      await raw({ method: 'GET', path: `/no-such-bucket/${long}` }),
      await raw({ method: 'GET', path: `/${bucket}/${long}`, headers: { range: 'bytes=9-' } }),
    ];
    assert.equal(method.code, 'MethodNotAllowed');
    assert.equal(anonymous.code, 'AccessDenied');
    assert.equal(missing.code, 'NoSuchBucket');
    assert.equal(key.code, 'KeyTooLongError');
  });

  for (const [method, below, resource, allow] of [
    ['POST', '/key', 'OBJECT', ['DELETE', 'GET', 'HEAD', 'PUT']],
    ['PATCH', '/key', 'OBJECT', ['DELETE', 'GET', 'HEAD', 'PUT']],
    ['TRACE', '/key', 'OBJECT', ['DELETE', 'GET', 'HEAD', 'PUT']],
    ['PATCH', '', 'BUCKET', ['DELETE', 'GET', 'HEAD', 'POST', 'PUT']],
  ] as const) {
    test(`E11 BI-023 ${method} of ${resource} is MethodNotAllowed with Allow`, async () => {
      const fixture = await use();
      const send = await withObject(fixture);
      await changesNothing(fixture, async () => {
        const reply = await send({ method, below });
        assert.deepEqual([reply.status, reply.code], [405, 'MethodNotAllowed']);
        assert.equal(elementText(reply.text, 'Method'), method);
        assert.equal(elementText(reply.text, 'ResourceType'), resource);
        const allowed = reply.headers.allow?.split(', ') ?? [];
        for (const one of allow) assert(allowed.includes(one), `Allow: ${allowed.join()}`);
        assert(!allowed.includes('TRACE'));
      });
    });
  }

  for (const method of ['PUT', 'POST', 'DELETE']) {
    test(`E11 ${method} of the service is MethodNotAllowed`, async () => {
      const reply = await (await use()).raw({ method, path: '/' });
      assert.deepEqual([reply.status, reply.code], [405, 'MethodNotAllowed']);
      assert.equal(elementText(reply.text, 'ResourceType'), 'SERVICE');
      assert.equal(reply.headers.allow, 'GET');
    });
  }

  test('E15 dates are RFC 1123 in headers and ISO 8601 in documents, of one moment', async () => {
    const { client, bucket, raw } = await use();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'body' }));
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'key' }));
    const header = (await raw({ method: 'HEAD', path: `/${bucket}/key` })).headers['last-modified'];
    assert.match(header ?? '', RFC_1123);
    const list = await raw({ method: 'GET', path: `/${bucket}` });
    const listed = elementText(list.text, 'LastModified') ?? '';
    assert.match(listed, ISO_8601);
    assert.equal(Date.parse(listed), Date.parse(header ?? ''));
    const uploads = await raw({ method: 'GET', path: `/${bucket}`, query: 'uploads' });
    assert.match(elementText(uploads.text, 'Initiated') ?? '', ISO_8601);
    const buckets = await raw({ method: 'GET', path: '/' });
    assert.match(elementText(buckets.text, 'CreationDate') ?? '', ISO_8601);
  });

  test('E16 E19 an ETag has quotes in headers and listings; GET and HEAD accept ranges', async () => {
    const send = await withObject(await use());
    const etag = '"841a2d689ad86bd1611447453c22c6fc"';
    for (const method of ['GET', 'HEAD']) {
      const { headers } = await send({ method, below: '/key' });
      assert.deepEqual([headers.etag, headers['accept-ranges']], [etag, 'bytes']);
    }
    for (const query of ['', 'list-type=2']) {
      const { text } = await send({ method: 'GET', query });
      assert.equal(elementText(text, 'ETag'), etag);
    }
  });

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

function md5(body: string): string {
  return createHash('md5').update(body).digest('base64');
}
