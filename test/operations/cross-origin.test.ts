// Preflights, and the headers that let a page of another origin read an answer or a refusal.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DeleteBucketCorsCommand, PutBucketCorsCommand, type CORSRule } from '@aws-sdk/client-s3';

import { putObject } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, type RawReply } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';

const PAGE = 'https://page.example';
const WRITER: CORSRule = {
  AllowedHeaders: ['Content-Type', 'x-amz-*'],
  AllowedMethods: ['GET', 'PUT'],
  AllowedOrigins: [PAGE, 'http://*.example'],
  ExposeHeaders: ['ETag', 'x-amz-request-id'],
  MaxAgeSeconds: 3000,
};
const READER: CORSRule = { AllowedMethods: ['GET', 'HEAD'], AllowedOrigins: ['*'] };
const VARY = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method';
const NOT_ALLOWED =
  "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
const NOT_ENABLED = 'CORSResponse: CORS is not enabled for this bucket.';

/** Headers for {@link PAGE} by {@link WRITER}. */
const WRITER_HEADERS = {
  'access-control-allow-credentials': 'true',
  'access-control-allow-methods': 'GET, PUT',
  'access-control-allow-origin': PAGE,
  'access-control-expose-headers': 'ETag, x-amz-request-id',
  'access-control-max-age': '3000',
  vary: VARY,
};
/** Headers for anybody by {@link READER}. */
const READER_HEADERS = {
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-allow-origin': '*',
  vary: VARY,
};

async function withRules(fixture: Fixture, rules: readonly CORSRule[]): Promise<Fixture> {
  const CORSConfiguration = { CORSRules: [...rules] };
  const name = { Bucket: fixture.bucket };
  await fixture.client.send(new PutBucketCorsCommand({ ...name, CORSConfiguration }));
  return fixture;
}

/** What an answer says about origins. */
function corsHeaders({ headers }: RawReply): Record<string, unknown> {
  const names = Object.keys(headers).filter((name) => /^(access-control-|vary$)/.test(name));
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}

interface Announcement {
  readonly origin?: string;
  readonly method?: string;
  readonly names?: string;
}

function announced({ origin, method, names }: Announcement): Record<string, string> {
  return {
    ...(origin === undefined ? {} : { origin }),
    ...(method === undefined ? {} : { 'access-control-request-method': method }),
    ...(names === undefined ? {} : { 'access-control-request-headers': names }),
  };
}

/** As a browser sends it: signed by nobody. */
function preflight(
  { raw }: Fixture,
  path: string,
  announcement: Announcement,
  query?: string,
): Promise<RawReply> {
  const headers = announced(announcement);
  const target = query === undefined ? { path } : { path, query };
  return raw({ method: 'OPTIONS', ...target, headers, isAnonymous: true });
}

onEveryBackend('A preflight', (use) => {
  for (const [name, announcement, expected] of [
    ['its origin', { origin: PAGE, method: 'PUT' }, WRITER_HEADERS],
    [
      'a wildcard inside an origin',
      { origin: 'http://a.b.example', method: 'PUT' },
      { ...WRITER_HEADERS, 'access-control-allow-origin': 'http://a.b.example' },
    ],
    [
      'its headers, whatever their case',
      { origin: PAGE, method: 'PUT', names: 'X-AMZ-date,content-TYPE, x-amz-date' },
      { ...WRITER_HEADERS, 'access-control-allow-headers': 'x-amz-date, content-type' },
    ],
    ['the second rule', { origin: 'http://other', method: 'GET' }, READER_HEADERS],
    ['an origin that is none', { origin: 'null', method: 'HEAD' }, READER_HEADERS],
    [
      'the second rule when the first lacks a method',
      { origin: PAGE, method: 'HEAD' },
      READER_HEADERS,
    ],
  ] as const) {
    test(`B17 B18 is allowed by ${name}, for a key and for the bucket`, async () => {
      const fixture = await withRules(await use(), [WRITER, READER]);
      for (const path of [`/${fixture.bucket}/no/such%20key`, `/${fixture.bucket}`]) {
        const reply = await preflight(fixture, path, announcement);
        assert.equal(reply.status, 200, reply.text);
        assert.equal(reply.text, '');
        assert.deepEqual(corsHeaders(reply), expected);
        assert.match(String(reply.headers['x-amz-request-id']), /./);
      }
    });
  }

  test('B17 is about the request to come: its query, a signature included, is not looked at', async () => {
    const fixture = await withRules(await use(), [WRITER]);
    const path = `/${fixture.bucket}/key`;
    for (const query of [
      'partNumber=1&uploadId=a',
      'uploads',
      'acl',
      'torrent',
      'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00',
    ]) {
      const reply = await preflight(fixture, path, { origin: PAGE, method: 'PUT' }, query);
      assert.deepEqual([reply.status, corsHeaders(reply)], [200, WRITER_HEADERS], query);
    }
  });

  for (const [name, announcement] of [
    ['another origin', { origin: 'https://page.example.evil', method: 'PUT' }],
    ['another scheme', { origin: 'http://page.example:1', method: 'GET' }],
    ['another method', { origin: PAGE, method: 'DELETE' }],
    ['another header', { origin: PAGE, method: 'PUT', names: 'content-type, authorization' }],
  ] as const) {
    test(`B17 BI-193 is AccessForbidden for ${name}`, async () => {
      const fixture = await withRules(await use(), [WRITER]);
      for (const [path, resource] of [
        [`/${fixture.bucket}/key`, 'OBJECT'],
        [`/${fixture.bucket}`, 'BUCKET'],
      ] as const) {
        const reply = await preflight(fixture, path, announcement);
        assert.deepEqual([reply.status, reply.code], [403, 'AccessForbidden']);
        assert.equal(elementText(reply.text, 'Message'), NOT_ALLOWED);
        assert.equal(elementText(reply.text, 'Method'), announcement.method);
        assert.equal(elementText(reply.text, 'ResourceType'), resource);
        assert.deepEqual(corsHeaders(reply), {});
      }
    });
  }

  test('B17 BI-193 is AccessForbidden without rules, and the same for a missing bucket', async () => {
    const fixture = await use();
    for (const bucket of [fixture.bucket, 'no-such-bucket', 'No_Name']) {
      for (const below of ['', '/key']) {
        const reply = await preflight(fixture, `/${bucket}${below}`, {
          origin: PAGE,
          method: 'PUT',
        });
        assert.deepEqual([reply.status, reply.code], [403, 'AccessForbidden']);
        assert.equal(elementText(reply.text, 'Message'), NOT_ENABLED);
        assert.equal(elementText(reply.text, 'Method'), 'PUT');
        assert.equal(elementText(reply.text, 'ResourceType'), 'BUCKET');
      }
    }
    const alone = await preflight(fixture, `/${fixture.bucket}`, { origin: PAGE });
    assert.deepEqual([alone.status, elementText(alone.text, 'Method')], [403, 'OPTIONS']);
  });

  for (const [name, announcement, message] of [
    ['no Origin', { method: 'GET' }, 'Insufficient information. Origin request header needed.'],
    ['nothing', {}, 'Insufficient information. Origin request header needed.'],
    ['no method', { origin: PAGE }, 'Invalid Access-Control-Request-Method: null'],
    [
      'a method that S3 does not offer to pages',
      { origin: PAGE, method: 'PATCH' },
      'Invalid Access-Control-Request-Method: PATCH',
    ],
  ] as const) {
    test(`B17 BI-193 with ${name} is BadRequest`, async () => {
      const fixture = await withRules(await use(), [WRITER]);
      for (const path of [`/${fixture.bucket}/key`, `/${fixture.bucket}`]) {
        const reply = await preflight(fixture, path, announcement);
        assert.deepEqual([reply.status, reply.code], [400, 'BadRequest']);
        assert.equal(elementText(reply.text, 'Message'), message);
      }
    });
  }

  test('B17 changes nothing, is counted, and is open to anybody', async () => {
    const fixture = await withRules(await use(), [WRITER]);
    const { raw, server, bucket } = fixture;
    await putObject(fixture, 'key', 'kept');
    await changesNothing(fixture, async () => {
      const headers = announced({ origin: PAGE, method: 'PUT' });
      const path = `/${bucket}/key`;
      const signed = await raw({ method: 'OPTIONS', path, headers, body: 'ignored' });
      assert.equal(signed.status, 200);
      const wrong = { ...headers, authorization: 'AWS4-HMAC-SHA256 nonsense' };
      const unread = await raw({ method: 'OPTIONS', path, headers: wrong, isAnonymous: true });
      assert.equal(unread.status, 200);
      assert(
        server.ends.some(
          ({ operation, status }) => operation === 'PreflightObject' && status === 200,
        ),
      );
    });
  });

  test('BI-023 E11 of no bucket is MethodNotAllowed', async () => {
    const reply = await preflight(await use(), '/', { origin: PAGE, method: 'GET' });
    assert.deepEqual([reply.status, reply.code], [405, 'MethodNotAllowed']);
  });

  test('B17 never repeats text that is no header name, nor one beyond ASCII as it came', async () => {
    const any = { AllowedHeaders: ['*'], AllowedMethods: ['GET'], AllowedOrigins: ['http://*'] };
    const fixture = await withRules(await use(), [any]);
    const reply = await preflight(fixture, `/${fixture.bucket}`, {
      ...{ origin: 'http://é.example', method: 'GET', names: 'x-a, b c, "q", é' },
    });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['access-control-allow-headers'], 'x-a');
    const origin = Buffer.from(String(reply.headers['access-control-allow-origin']), 'latin1');
    assert.equal(origin.toString('utf8'), 'http://é.example');
  });
});

onEveryBackend('An answer to a page', (use) => {
  test('B18 carries the headers of the first rule that is met', async () => {
    const fixture = await withRules(await use(), [WRITER, READER]);
    const { raw, bucket } = fixture;
    const path = `/${bucket}/key`;
    const written = await raw({ method: 'PUT', path, headers: { origin: PAGE }, body: 'bytes' });
    assert.deepEqual([written.status, corsHeaders(written)], [200, WRITER_HEADERS]);
    const read = await raw({ method: 'GET', path, headers: { origin: PAGE } });
    assert.deepEqual([read.text, corsHeaders(read)], ['bytes', WRITER_HEADERS]);
    assert.match(String(read.headers.etag), /"/);
    const headed = await raw({ method: 'HEAD', path, headers: { origin: 'http://other' } });
    assert.deepEqual([headed.status, corsHeaders(headed)], [200, READER_HEADERS]);
    const listed = await raw({ method: 'GET', path: `/${bucket}`, headers: { origin: 'null' } });
    assert.deepEqual([listed.status, corsHeaders(listed)], [200, READER_HEADERS]);
  });

  test('B19 without Origin, or with one that meets no rule, is as if there were no rules', async () => {
    const fixture = await withRules(await use(), [WRITER]);
    const { raw, bucket } = fixture;
    await putObject(fixture, 'key', 'bytes');
    for (const [method, headers, status] of [
      ['GET', {}, 200],
      ['GET', { origin: '' }, 200],
      ['GET', { origin: 'http://wrong' }, 200],
      ['HEAD', { origin: PAGE }, 200],
      ['DELETE', { origin: PAGE }, 204],
    ] as const) {
      const reply = await raw({ method, path: `/${bucket}/key`, headers });
      assert.deepEqual([reply.status, corsHeaders(reply)], [status, {}]);
    }
  });

  test('B19 the announced method and headers decide where there are some, as on AWS', async () => {
    const fixture = await withRules(await use(), [WRITER]);
    const { raw, bucket } = fixture;
    await putObject(fixture, 'key', 'bytes');
    const request = { method: 'GET', path: `/${bucket}/key` };
    const asPut = announced({ origin: PAGE, method: 'PUT' });
    assert.deepEqual(corsHeaders(await raw({ ...request, headers: asPut })), WRITER_HEADERS);
    for (const announcement of [{ method: 'DELETE' }, { names: 'authorization' }]) {
      const headers = announced({ origin: PAGE, ...announcement });
      const reply = await raw({ ...request, headers });
      assert.deepEqual([reply.status, corsHeaders(reply)], [200, {}]);
    }
  });

  test('B19 a refusal carries them too, authentication and routing included', async () => {
    const fixture = await withRules(await use(), [WRITER]);
    const { raw, bucket } = fixture;
    await putObject(fixture, 'key', 'bytes');
    const path = `/${bucket}/key`;
    const { headers: stored } = await raw({ method: 'HEAD', path });
    const origin = { origin: PAGE };
    const get = { method: 'GET', path, headers: origin };
    for (const [status, code, request] of [
      [403, 'AccessDenied', { ...get, isAnonymous: true }],
      [
        400,
        'AuthorizationHeaderMalformed',
        { ...get, isAnonymous: true, headers: { ...origin, authorization: 'AWS4-HMAC-SHA256 x' } },
      ],
      [404, 'NoSuchKey', { ...get, path: `/${bucket}/missing` }],
      [416, 'InvalidRange', { ...get, headers: { ...origin, range: 'bytes=99-' } }],
      [304, '', { ...get, headers: { ...origin, 'if-none-match': String(stored.etag) } }],
      [501, 'NotImplemented', { ...get, query: 'torrent' }],
      [
        404,
        'NoSuchUpload',
        { ...get, method: 'PUT', query: 'partNumber=1&uploadId=none', body: 'b' },
      ],
      [
        400,
        'BadDigest',
        {
          ...get,
          method: 'PUT',
          headers: { ...origin, 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' },
          body: 'b',
        },
      ],
    ] as const) {
      const reply = await raw(request);
      assert.deepEqual([reply.status, reply.code], [status, code], reply.text);
      assert.deepEqual(corsHeaders(reply), WRITER_HEADERS, code);
    }
  });

  test('B18 follows the rules as they are: written, replaced and deleted', async () => {
    const fixture = await use();
    const { raw, client, bucket } = fixture;
    const list = { method: 'GET', path: `/${bucket}`, headers: { origin: PAGE } };
    assert.deepEqual(corsHeaders(await raw(list)), {});
    await withRules(fixture, [WRITER]);
    assert.deepEqual(corsHeaders(await raw(list)), WRITER_HEADERS);
    await withRules(fixture, [READER]);
    assert.deepEqual(corsHeaders(await raw(list)), READER_HEADERS);
    await client.send(new DeleteBucketCorsCommand({ Bucket: bucket }));
    assert.deepEqual(corsHeaders(await raw(list)), {});
  });

  test('B18 a page that deletes its bucket can still read that it did', async () => {
    const rule = { AllowedMethods: ['DELETE'], AllowedOrigins: [PAGE] };
    const { raw, bucket } = await withRules(await use(), [rule]);
    const reply = await raw({ method: 'DELETE', path: `/${bucket}`, headers: { origin: PAGE } });
    assert.equal(reply.status, 204);
    assert.equal(reply.headers['access-control-allow-origin'], PAGE);
    const gone = await raw({ method: 'DELETE', path: `/${bucket}`, headers: { origin: PAGE } });
    assert.deepEqual([gone.status, corsHeaders(gone)], [404, {}]);
  });

  test('B19 the service has no rules', async () => {
    const { raw } = await withRules(await use(), [READER]);
    const reply = await raw({ method: 'GET', path: '/', headers: { origin: PAGE } });
    assert.deepEqual([reply.status, corsHeaders(reply)], [200, {}]);
  });
});
