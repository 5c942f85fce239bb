// XML bodies over HTTP, the same faults in the document of every operation that takes one.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import {
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import { RawClient } from '../contract/raw-client.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, type RawReply } from '../support/raw-request.js';
import { headerSigned, sha256Hex } from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';

/** Where a document goes, and a correct one for an object `key` and an upload of one part. */
interface Target {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly root: string;
  readonly content: string;
}

const OPERATIONS = [
  'CreateBucket',
  'DeleteObjects',
  'CompleteMultipartUpload',
  'PutObjectTagging',
  'PutBucketTagging',
] as const;
const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

async function targetOf(fixture: Fixture, operation: string): Promise<Target> {
  const { client, bucket } = fixture;
  const name = { Bucket: bucket, Key: 'key' };
  await client.send(new PutObjectCommand({ ...name, Body: 'kept' }));
  const { UploadId: uploadId = '' } = await client.send(new CreateMultipartUploadCommand(name));
  const part = { ...name, UploadId: uploadId, PartNumber: 1, Body: 'part' };
  const { ETag: etag } = await client.send(new UploadPartCommand(part));
  if (operation === 'CreateBucket') {
    const content = '<LocationConstraint/>';
    const root = 'CreateBucketConfiguration';
    return { operation, method: 'PUT', path: `/${bucket}-new`, query: '', root, content };
  }
  if (operation === 'DeleteObjects') {
    const content = '<Object><Key>key</Key></Object>';
    const place = { method: 'POST', path: `/${bucket}`, query: 'delete=' };
    return { operation, ...place, root: 'Delete', content };
  }
  if (operation.endsWith('Tagging')) {
    const content = '<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>';
    const path = operation === 'PutObjectTagging' ? `/${bucket}/key` : `/${bucket}`;
    return { operation, method: 'PUT', path, query: 'tagging=', root: 'Tagging', content };
  }
  const content = `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`;
  const place = { method: 'POST', path: `/${bucket}/key`, query: `uploadId=${uploadId}` };
  return { operation, ...place, root: 'CompleteMultipartUpload', content };
}

function send({ raw }: Fixture, target: Target, body: string | Uint8Array): Promise<RawReply> {
  const { method, path, query } = target;
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
  return raw({ method, path, query, headers, body });
}

type Write = (root: string, content: string) => string | Uint8Array;

const whole = (root: string, content: string): string => `<${root}>${content}</${root}>`;
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');
const nested = (count: number): string => '<a>'.repeat(count) + '</a>'.repeat(count);
const attributes = (count: number): string =>
  Array.from({ length: count }, (_, index) => ` a${index}="b"`).join('');

// prettier-ignore
const REFUSED: readonly (readonly [id: string, what: string, write: Write])[] = [
  ['BI-099', 'text', () => 'text'],
  ['BI-099', 'JSON', () => '{"Objects":[]}'],
  ['BI-099', 'an end that is missing', (root, content) => `<${root}>${content}`],
  ['BI-099', 'ends that are swapped', (root) => `<${root}><a><b></a></b></${root}>`],
  ['BI-099', 'a document and trailing text', (root, content) => `${whole(root, content)}text`],
  ['BI-099', 'two documents', (root, content) => whole(root, content).repeat(2)],
  ['BI-099', 'white space alone', () => ' \n'],
  ['BI-103', 'another root', (_root, content) => whole('Other', content)],
  ['BI-103', 'a root in other case', (root, content) => whole(root.toUpperCase(), content)],
  ['BI-100', 'a document type', (root, content) => `<!DOCTYPE ${root}>${whole(root, content)}`],
  ['BI-100', 'a document type from elsewhere', (root, content) => `<!DOCTYPE ${root} SYSTEM "http://127.0.0.1/a">${whole(root, content)}`],
  ['BI-101', 'an entity bomb', (root, content) => `<!DOCTYPE ${root} [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>${whole(root, `&b;${content}`)}`],
  ['BI-101', 'an external entity', (root, content) => `<!DOCTYPE ${root} [<!ENTITY a SYSTEM "file:///etc/hostname">]>${whole(root, `&a;${content}`)}`],
  ['BI-101', 'an entity nobody declared', (root, content) => whole(root, `&nbsp;${content}`)],
  ['BI-102', '33 nested elements', (root, content) => whole(root, content + nested(32))],
  ['BI-102', '65 attributes', (root, content) => `<${root}${attributes(65)}>${content}</${root}>`],
  ['BI-106', 'another declared encoding', (root, content) => `<?xml version="1.0" encoding="ISO-8859-1"?>${whole(root, content)}`],
  ['BI-106', 'UTF-16', (root, content) => utf16(whole(root, content))],
  ['BI-106', 'bytes that are not UTF-8', (root, content) => Buffer.from(whole(root, `${content}<a>\xff</a>`), 'latin1')],
  ['BI-107', 'the reference &#0;', (root, content) => whole(root, `${content}<a>&#0;</a>`)],
  ['BI-107', 'the reference &#x1;', (root, content) => whole(root, `${content}<a>&#x1;</a>`)],
  ['BI-107', 'the reference &#xFFFE;', (root, content) => whole(root, `${content}<a>&#xFFFE;</a>`)],
  ['BI-107', 'U+FFFE', (root, content) => whole(root, `${content}<a>\ufffe</a>`)],
  ['BI-107', 'a control character', (root, content) => whole(root, `${content}<a>\x01</a>`)],
];

// prettier-ignore
const ACCEPTED: readonly (readonly [what: string, write: Write])[] = [
  ['without a declaration', whole],
  ['with a declaration', (root, content) => DECLARATION + whole(root, content)],
  ['with a byte order mark', (root, content) => `\ufeff${DECLARATION}${whole(root, content)}`],
  ['in a namespace', (root, content) => `<${root} xmlns="${NAMESPACE}">${content}</${root}>`],
  ['in a namespace with a prefix', (root, content) => `<s3:${root} xmlns:s3="${NAMESPACE}">${content.replaceAll('<', '<s3:').replaceAll('<s3:/', '</s3:')}</s3:${root}>`],
  ['with comments', (root, content) => `<!-- a -->${whole(root, `<!-- b -->${content}<!-- c -->`)}<!-- d -->`],
  ['with attributes in any order', (root, content) => `<${root} b="1" xmlns="${NAMESPACE}" a='2'>${content}</${root}>`],
  ['with white space', (root, content) => `\n${whole(root, content.replaceAll('><', '>\r\n\t<'))}\n`],
  ['with CDATA', (root, content) => whole(root, content.replace(/>([^<>]+)</, '><![CDATA[$1]]><'))],
];

onEveryBackend('XML bodies', (use) => {
  for (const operation of OPERATIONS) {
    for (const [id, what, write] of REFUSED) {
      test(`E12 ${id} ${operation} with ${what} is MalformedXML`, async () => {
        const fixture = await use();
        const target = await targetOf(fixture, operation);
        await changesNothing(fixture, async () => {
          const reply = await send(fixture, target, write(target.root, target.content));
          assert.deepEqual([reply.status, reply.code], [400, 'MalformedXML'], reply.text);
        });
      });
    }

    for (const [what, write] of ACCEPTED) {
      test(`E13 ${operation} takes a document ${what}`, async () => {
        const fixture = await use();
        const target = await targetOf(fixture, operation);
        const reply = await send(fixture, target, write(target.root, target.content));
        assert.equal(reply.status, operation === 'PutBucketTagging' ? 204 : 200, reply.text);
        assert(!reply.text.includes('<Error>'), reply.text);
      });
    }

    test(`BI-108 ${operation} refuses a body above its limit before it is read`, async () => {
      const fixture = await use();
      const target = await targetOf(fixture, operation);
      const isSmall = operation === 'CreateBucket' || operation.endsWith('Tagging');
      const limit = isSmall ? 64 * 1024 : 2 * 1024 * 1024;
      await changesNothing(fixture, async () => {
        const head = headerSigned(fixture.server, {
          method: target.method,
          rawPath: target.path,
          rawQuery: target.query,
          payloadHash: 'UNSIGNED-PAYLOAD',
          headers: { 'content-length': String(limit + 1) },
        });
        const lines = [...head.headers].map(([name, value]) => `${name}: ${value}\r\n`);
        const client = await RawClient.open(fixture.server.port);
        client.send(`${head.method} ${head.rawPath}?${head.rawQuery} HTTP/1.1\r\n`);
        client.send(`${lines.join('')}\r\n`);
        const answer = await client.answer();
        client.destroy();
        assert.equal(answer?.status, 400);
        assert.equal(elementText(answer.body.toString(), 'Code'), 'MaxMessageLengthExceeded');
      });
    });

    test(`A19 BI-054 ${operation} refuses a document that is not what was signed`, async () => {
      const fixture = await use();
      const { raw } = fixture;
      const { method, path, query, root, content } = await targetOf(fixture, operation);
      await changesNothing(fixture, async () => {
        const headers = { 'x-amz-content-sha256': sha256Hex('other') };
        const reply = await raw({ method, path, query, headers, body: whole(root, content) });
        assert.deepEqual([reply.status, reply.code], [400, 'XAmzContentSHA256Mismatch']);
      });
    });

    test(`C15 BI-095 BI-096 ${operation} verifies Content-MD5`, async () => {
      const fixture = await use();
      const { raw } = fixture;
      const { method, path, query, root, content } = await targetOf(fixture, operation);
      await changesNothing(fixture, async () => {
        for (const [value, code] of [
          ['short', 'InvalidDigest'],
          [Buffer.alloc(16).toString('base64'), 'BadDigest'],
        ] as const) {
          const headers = { 'content-md5': value };
          const reply = await raw({ method, path, query, headers, body: whole(root, content) });
          assert.deepEqual([reply.status, reply.code], [400, code]);
        }
      });
    });
  }

  for (const operation of [
    'CreateBucket',
    'DeleteObjects',
    'PutObjectTagging',
    'PutBucketTagging',
  ] as const) {
    test(`C14 BI-097 ${operation} verifies the checksum of its document`, async () => {
      const fixture = await use();
      const { raw } = fixture;
      const { method, path, query, root, content } = await targetOf(fixture, operation);
      const body = whole(root, content);
      const put = (value: string) =>
        raw({ method, path, query, headers: { 'x-amz-checksum-sha256': value }, body });
      await changesNothing(fixture, async () => {
        const wrong = await put(createHash('sha256').update('other').digest('base64'));
        assert.deepEqual([wrong.status, wrong.code], [400, 'BadDigest']);
        const malformed = await put('short');
        assert.deepEqual([malformed.status, malformed.code], [400, 'InvalidRequest']);
      });
      const right = await put(createHash('sha256').update(body).digest('base64'));
      assert.equal(right.status, operation === 'PutBucketTagging' ? 204 : 200, right.text);
    });
  }

  test('BI-102 DeleteObjects with 20,001 elements is MalformedXML', async () => {
    const fixture = await use();
    const target = await targetOf(fixture, 'DeleteObjects');
    await changesNothing(fixture, async () => {
      const body = whole('Delete', target.content + '<a/>'.repeat(19_998));
      const reply = await send(fixture, target, body);
      assert.deepEqual([reply.status, reply.code], [400, 'MalformedXML']);
    });
  });

  for (const operation of ['DeleteObjects', 'PutObjectTagging', 'PutBucketTagging'] as const) {
    test(`BI-099 the empty body of ${operation} is MissingRequestBodyError`, async () => {
      const fixture = await use();
      const target = await targetOf(fixture, operation);
      await changesNothing(fixture, async () => {
        const reply = await send(fixture, target, '');
        assert.deepEqual([reply.status, reply.code], [400, 'MissingRequestBodyError']);
      });
    });
  }

  for (const [id, query] of [
    ['BI-114', 'versioning'],
    ['BI-116', 'policy'],
  ] as const) {
    test(`${id} any document of ?${query} is NotImplemented as yet`, async () => {
      const fixture = await use();
      const { raw, bucket } = fixture;
      await changesNothing(fixture, async () => {
        const reply = await raw({ method: 'PUT', path: `/${bucket}`, query, body: '<not xml' });
        assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented']);
      });
    });
  }
});
