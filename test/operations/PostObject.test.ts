// PostObject: what a browser's form stores, and what it is answered.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';

import { BODIES, bytesOf, putObject, textOf } from '../support/objects.js';
import { onEveryBackend } from '../support/operation-suite.js';
import { BOUNDARY, encodeForm, postBytes, postForm, signedParts } from '../support/post-form.js';
import { elementText } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';
import { taggingXml, tagsOf } from '../support/tags.js';

const TARGET = 'http://example.com/done';
const CRC64NVME_OF_CONTENT = /^[A-Za-z0-9+/]{11}=$/;

function etagOf(content: string | Uint8Array): string {
  return `"${createHash('md5').update(content).digest('hex')}"`;
}

onEveryBackend('PostObject', (use) => {
  for (const [placement, body] of BODIES) {
    test(`A25 A27 a form stores an ${placement} object and is answered 204`, async () => {
      const fixture = await use();
      const { server, bucket, client } = fixture;
      const reply = await postForm(server, bucket, { key: 'a/b c', file: body });
      assert.deepEqual([reply.status, reply.text], [204, '']);
      assert.equal(reply.headers.etag, etagOf(body));
      assert.equal(reply.headers.location, `${server.endpoint}/${bucket}/a%2Fb%20c`);
      assert.match(String(reply.headers['x-amz-checksum-crc64nvme']), CRC64NVME_OF_CONTENT);
      assert.equal(reply.headers['x-amz-checksum-type'], 'FULL_OBJECT');
      assert((await bytesOf(fixture, 'a/b c')).equals(body));
      const name = { Bucket: bucket, Key: 'a/b c', ChecksumMode: 'ENABLED' } as const;
      const head = await client.send(new HeadObjectCommand(name));
      assert.equal(head.ContentType, 'binary/octet-stream');
      assert.equal(head.ChecksumCRC64NVME, reply.headers['x-amz-checksum-crc64nvme']);
    });
  }

  test('A25 a form replaces the object under its key', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', 'old');
    assert.equal((await postForm(fixture.server, fixture.bucket, { file: 'new' })).status, 204);
    assert.equal(await textOf(fixture, 'key'), 'new');
  });

  test('A25 the boundary may stand in the file where no line begins with it', async () => {
    const fixture = await use();
    const file = [`--${BOUNDARY}`, `x\r\n--${BOUNDARY.slice(0, -1)}`, `\r--${BOUNDARY}\r\n\n-`];
    for (const text of [...file, file.join('').repeat(300)]) {
      assert.equal((await postForm(fixture.server, fixture.bucket, { file: text })).status, 204);
      assert.equal(await textOf(fixture, 'key'), text);
    }
  });

  test('A25 fields behind the file are ignored, however many', async () => {
    const fixture = await use();
    const { server, bucket, client } = fixture;
    const parts = [
      ...signedParts(server, bucket, { file: 'content' }),
      { name: 'Content-Type', content: 'text/html' },
      { name: 'key', content: 'other' },
      { name: 'x-amz-meta-a', content: randomBytes(30_000) },
    ];
    assert.equal((await postBytes(server, bucket, encodeForm(parts))).status, 204);
    assert.equal(await textOf(fixture, 'key'), 'content');
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'key' }));
    assert.deepEqual([head.ContentType, head.Metadata], ['binary/octet-stream', {}]);
  });

  test('A25 fields become the headers of the object', async () => {
    const { server, bucket, client } = await use();
    const fields = {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
      'Content-Disposition': 'attachment; filename="x"',
      'Content-Encoding': 'gzip',
      'Content-Language': 'de',
      Expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
      'x-amz-meta-Note': 'früh',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-website-redirect-location': '/elsewhere',
      acl: 'private',
    };
    assert.equal((await postForm(server, bucket, { fields })).status, 204);
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'key' }));
    assert.equal(head.ContentType, fields['Content-Type']);
    assert.equal(head.CacheControl, fields['Cache-Control']);
    assert.equal(head.ContentDisposition, fields['Content-Disposition']);
    assert.equal(head.ContentEncoding, fields['Content-Encoding']);
    assert.equal(head.ContentLanguage, fields['Content-Language']);
    assert.equal(head.ExpiresString, fields.Expires);
    assert.deepEqual(head.Metadata, { note: '=?UTF-8?Q?fr=C3=BCh?=' });
    assert.equal(head.StorageClass, fields['x-amz-storage-class']);
    assert.equal(head.WebsiteRedirectLocation, fields['x-amz-website-redirect-location']);
  });

  test('A25 the tagging field tags the object', async () => {
    const fixture = await use();
    const pairs = [
      ['a', 'b'],
      ['c d', ''],
    ] as const;
    const fields = { tagging: taggingXml(pairs) };
    assert.equal((await postForm(fixture.server, fixture.bucket, { fields })).status, 204);
    assert.deepEqual(await tagsOf(fixture, 'key'), { pairs, count: 2 });
  });

  test('A26 headers of the request, which nobody signed, say nothing about the object', async () => {
    const { server, bucket, client } = await use();
    const form = encodeForm(signedParts(server, bucket));
    const headers = { 'x-amz-meta-a': '1', 'cache-control': 'no-store', 'x-amz-acl': 'x' };
    assert.equal((await postBytes(server, bucket, form, headers)).status, 204);
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'key' }));
    assert.deepEqual([head.Metadata, head.CacheControl], [{}, undefined]);
  });

  const filenames: readonly (readonly [string | undefined, key: string, stored: string])[] = [
    ['photo.jpg', 'user/${filename}', 'user/photo.jpg'],
    ['photo.jpg', '${filename}-${filename}', 'photo.jpg-photo.jpg'],
    ['C:\\Users\\me\\photo.jpg', 'user/${filename}', 'user/photo.jpg'],
    ['/home/me/photo.jpg', 'user/${filename}', 'user/photo.jpg'],
    ["$&$'.jpg", 'user/${filename}', "user/$&$'.jpg"],
    ['prési \\"dent\\".jpg', '${filename}', 'prési "dent".jpg'],
    ['', 'user/${filename}', 'user/'],
    [undefined, 'user/${filename}', 'user/${filename}'],
  ];
  for (const [filename, key, stored] of filenames) {
    test(`A25 ${key} with the file name ${filename} is stored as ${stored}`, async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      const conditions = [{ bucket }, ['starts-with', '$key', '']];
      const parts = signedParts(server, bucket, { key, conditions }).slice(0, -1);
      const file = { name: 'file', content: 'content', filename };
      const reply = await postBytes(server, bucket, encodeForm([...parts, file]));
      assert.equal(reply.status, 204, reply.text);
      assert.equal(await textOf(fixture, stored), 'content');
    });
  }

  test('A25 success_action_status 201 is answered with a document', async () => {
    const { server, bucket } = await use();
    const fields = { success_action_status: '201' };
    const reply = await postForm(server, bucket, { key: 'a/<é>', fields });
    assert.equal(reply.status, 201);
    assert.equal(reply.headers['content-type'], 'application/xml');
    assert.match(reply.text, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<PostResponse><Location>/);
    assert.equal(elementText(reply.text, 'Bucket'), bucket);
    assert.equal(elementText(reply.text, 'Key'), 'a/<é>');
    assert.equal(elementText(reply.text, 'ETag'), etagOf('content'));
    const location = `${server.endpoint}/${bucket}/a%2F%3C%C3%A9%3E`;
    assert.equal(elementText(reply.text, 'Location'), location);
    assert.equal(reply.headers.location, location);
  });

  for (const [wanted, status] of [
    ['200', 200],
    ['204', 204],
    ['404', 204],
    ['', 204],
  ] as const) {
    test(`A25 success_action_status "${wanted}" is answered ${status}`, async () => {
      const fixture = await use();
      const fields = { success_action_status: wanted };
      const reply = await postForm(fixture.server, fixture.bucket, { fields });
      assert.deepEqual([reply.status, reply.text], [status, '']);
      assert.equal(reply.headers.etag, etagOf('content'));
      assert.equal(await textOf(fixture, 'key'), 'content');
    });
  }

  const etag = encodeURIComponent(etagOf('content'));
  const redirects: readonly (readonly [field: string, wanted: string, location: string])[] = [
    ['success_action_redirect', TARGET, `${TARGET}?bucket=BUCKET&key=a%2Fb+c&etag=${etag}`],
    ['redirect', TARGET, `${TARGET}?bucket=BUCKET&key=a%2Fb+c&etag=${etag}`],
    [
      'success_action_redirect',
      `${TARGET}?q=1#top`,
      `${TARGET}?q=1&bucket=BUCKET&key=a%2Fb+c&etag=${etag}#top`,
    ],
  ];
  for (const [field, wanted, location] of redirects) {
    test(`A25 ${field} ${wanted} is answered 303 with bucket, key and etag`, async () => {
      const { server, bucket } = await use();
      const fields = { [field]: wanted, success_action_status: '200' };
      const reply = await postForm(server, bucket, { key: 'a/b c', fields });
      assert.deepEqual([reply.status, reply.text], [303, '']);
      assert.equal(reply.headers.location, location.replace('BUCKET', bucket));
    });
  }

  for (const wanted of ['/relative', 'javascript:alert(1)', 'http://', 'http://a b/']) {
    test(`A25 a redirect to ${wanted} is none`, async () => {
      const fixture = await use();
      const fields = { success_action_redirect: wanted };
      const reply = await postForm(fixture.server, fixture.bucket, { fields });
      assert.equal(reply.status, 204);
      assert.equal(await textOf(fixture, 'key'), 'content');
    });
  }

  test('C15 C16 the file is compared with Content-MD5 and checksum fields', async () => {
    const fixture = await use();
    const { server, bucket, client } = fixture;
    const md5 = createHash('md5').update('content').digest('base64');
    const sha256 = createHash('sha256').update('content').digest('base64');
    const right = { 'Content-MD5': md5, 'x-amz-checksum-sha256': sha256 };
    const reply = await postForm(server, bucket, { fields: right });
    assert.deepEqual([reply.status, reply.headers['x-amz-checksum-sha256']], [204, sha256]);
    const name = { Bucket: bucket, Key: 'key', ChecksumMode: 'ENABLED' } as const;
    assert.equal((await client.send(new GetObjectCommand(name))).ChecksumSHA256, sha256);
    await changesNothing(fixture, async () => {
      for (const [name_, value, code] of [
        ['Content-MD5', createHash('md5').update('x').digest('base64'), 'BadDigest'],
        ['Content-MD5', 'x', 'InvalidDigest'],
        ['x-amz-checksum-sha256', createHash('sha256').update('x').digest('base64'), 'BadDigest'],
        ['x-amz-checksum-sha256', 'sailorjerry', 'InvalidRequest'],
      ] as const) {
        const refused = await postForm(server, bucket, { fields: { [name_]: value } });
        assert.deepEqual([refused.status, refused.code], [400, code], refused.text);
      }
    });
  });

  test('A19 digests that headers promise of the whole form are compared', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    const form = encodeForm(signedParts(server, bucket));
    const digest = (name: string) => createHash(name).update(form);
    await changesNothing(fixture, async () => {
      const md5 = { 'content-md5': createHash('md5').digest('base64') };
      assert.equal((await postBytes(server, bucket, form, md5)).code, 'BadDigest');
      const sha256 = { 'x-amz-content-sha256': '0'.repeat(64) };
      const refused = await postBytes(server, bucket, form, sha256);
      assert.equal(refused.code, 'XAmzContentSHA256Mismatch');
    });
    const right = {
      'content-md5': digest('md5').digest('base64'),
      'x-amz-content-sha256': digest('sha256').digest('hex'),
    };
    assert.equal((await postBytes(server, bucket, form, right)).status, 204);
  });

  test('A25 a form of the JavaScript SDK is accepted', async () => {
    const fixture = await use();
    const { server, bucket, client } = fixture;
    const post = await createPresignedPost(client, {
      Bucket: bucket,
      Key: 'user/${filename}',
      Conditions: [
        ['content-length-range', 1, 1000],
        ['starts-with', '$Content-Type', 'image/'],
      ],
      Fields: { acl: 'private', 'x-amz-meta-a': 'b' },
      Expires: 60,
    });
    const form = new FormData();
    for (const [name, value] of Object.entries(post.fields)) form.append(name, value);
    form.append('Content-Type', 'image/png');
    form.append('file', new Blob(['picture']), 'p.png');
    const reply = await fetch(post.url, { method: 'POST', body: form });
    assert.equal(reply.status, 204, await reply.text());
    assert.equal(await textOf(fixture, 'user/p.png'), 'picture');
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'user/p.png' }));
    assert.deepEqual([head.ContentType, head.Metadata], ['image/png', { a: 'b' }]);
    const posted = server.ends.findLast(({ operation }) => operation === 'PostObject');
    assert.deepEqual([posted?.key, posted?.accessKey], ['user/p.png', server.accessKey]);
  });
});
