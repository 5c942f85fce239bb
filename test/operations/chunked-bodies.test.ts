// Bodies in aws-chunked framing over HTTP: what is stored, and what stores nothing.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';

import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import type { RawReply } from '../support/raw-request.js';
import {
  CHUNKED_MODES,
  headerSigned,
  sendChunked,
  sendHead,
  type ChunkedPut,
} from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';

// One chunk of the least size that may be followed by another, and a last one that is shorter.
const CHUNKS = [randomBytes(8192), randomBytes(1000)];
const BODY = Buffer.concat(CHUNKS);
const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const SIGNED_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
const UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
const SHA256 = createHash('sha256').update(BODY).digest('base64');
const OTHER_SHA256 = createHash('sha256').update('other').digest('base64');
const TRAILER = ['x-amz-checksum-sha256', SHA256] as const;

type Put = Omit<ChunkedPut, 'path'>;

function put({ server, bucket }: Fixture, input: Put): Promise<RawReply> {
  return sendChunked(server, { path: `/${bucket}/key`, ...input });
}

async function bytesOf({ client, bucket }: Fixture): Promise<Buffer> {
  const { Body: body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'key' }));
  return Buffer.from((await body?.transformToByteArray()) ?? []);
}

function trailersOf(mode: string): Pick<Put, 'trailers'> {
  return mode.endsWith('-TRAILER') ? { trailers: [TRAILER] } : {};
}

/** Adds one to the first hexadecimal digit behind a text. */
function changeDigitAfter(body: string, text: string, occurrence = 0): string {
  let at = -1;
  for (let count = 0; count <= occurrence; count += 1) at = body.indexOf(text, at + 1);
  assert(at >= 0, `${text} is in the body`);
  const index = at + text.length;
  const digit = ((Number.parseInt(body[index] ?? '', 16) + 1) % 16).toString(16);
  return body.slice(0, index) + digit + body.slice(index + 1);
}

onEveryBackend('aws-chunked bodies', (use) => {
  for (const mode of CHUNKED_MODES) {
    test(`C01 C03 C20 PutObject stores the decoded bytes of ${mode}`, async () => {
      const fixture = await use();
      const reply = await put(fixture, { mode, chunks: CHUNKS, ...trailersOf(mode) });
      assert.equal(reply.status, 200, reply.text);
      const md5 = createHash('md5').update(BODY).digest('hex');
      assert.equal(reply.headers.etag, `"${md5}"`);
      assert.deepEqual(await bytesOf(fixture), BODY);
    });

    test(`C01 PutObject stores an empty body sent as ${mode}`, async () => {
      const fixture = await use();
      const empty = createHash('sha256').update('').digest('base64');
      const trailers = mode.endsWith('-TRAILER') ? [[TRAILER[0], empty] as const] : [];
      const reply = await put(fixture, { mode, chunks: [], trailers });
      assert.equal(reply.status, 200, reply.text);
      assert.equal((await bytesOf(fixture)).byteLength, 0);
    });

    test(`C06 PutObject decodes ${mode} without Content-Encoding`, async () => {
      const fixture = await use();
      const headers = { 'content-encoding': undefined };
      const reply = await put(fixture, { mode, chunks: CHUNKS, headers, ...trailersOf(mode) });
      assert.equal(reply.status, 200, reply.text);
      assert.deepEqual(await bytesOf(fixture), BODY);
    });

    test(`C05 PutObject decodes ${mode} inside Transfer-Encoding: chunked`, async () => {
      const fixture = await use();
      const headers = { 'transfer-encoding': 'chunked' };
      const reply = await put(fixture, { mode, chunks: CHUNKS, headers, ...trailersOf(mode) });
      assert.equal(reply.status, 200, reply.text);
      assert.deepEqual(await bytesOf(fixture), BODY);
    });

    for (const sent of [BODY.byteLength - 1, BODY.byteLength + 1, 0, 8192]) {
      test(`C03 BI-083 ${mode} with a decoded length of ${sent} is IncompleteBody`, async () => {
        const fixture = await use();
        await changesNothing(fixture, async () => {
          const headers = { 'x-amz-decoded-content-length': String(sent) };
          const reply = await put(fixture, { mode, chunks: CHUNKS, headers, ...trailersOf(mode) });
          assert.deepEqual([reply.status, reply.code], [400, 'IncompleteBody']);
        });
      });
    }

    for (const sent of [undefined, '', 'x', '-1', '1.5', '0x10', '9 192', '1e3', '9'.repeat(20)]) {
      test(`C03 BI-084 ${mode} with the decoded length ${sent} is MissingContentLength`, async () => {
        const fixture = await use();
        await changesNothing(fixture, async () => {
          const headers = { 'x-amz-decoded-content-length': sent };
          const reply = await put(fixture, { mode, chunks: CHUNKS, headers, ...trailersOf(mode) });
          assert.deepEqual([reply.status, reply.code], [411, 'MissingContentLength']);
        });
      });
    }

    test(`C07 BI-082 a non-final chunk below 8 KiB of ${mode} is refused`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const chunks = [BODY.subarray(0, 8191), BODY.subarray(8191)];
        const reply = await put(fixture, { mode, chunks, ...trailersOf(mode) });
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidChunkSizeError']);
      });
    });

    test(`C25 ${mode} cut off before its last chunk is IncompleteBody`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const edit = (body: string): string => body.slice(0, body.lastIndexOf('\r\n0'));
        const reply = await put(fixture, { mode, chunks: CHUNKS, edit, ...trailersOf(mode) });
        assert.deepEqual([reply.status, reply.code], [400, 'IncompleteBody']);
      });
    });

    test(`C25 bytes behind the end of ${mode} are refused`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const edit = (body: string): string => `${body}surplus\r\n`;
        const reply = await put(fixture, { mode, chunks: CHUNKS, edit, ...trailersOf(mode) });
        assert.equal(reply.status, 400);
        assert.match(reply.code, /^(IncompleteBody|MalformedTrailerError)$/);
      });
    });
  }

  for (const mode of [SIGNED, SIGNED_TRAILER] as const) {
    for (const [which, edit] of [
      ['first chunk', (body: string) => changeDigitAfter(body, 'chunk-signature=')],
      ['second chunk', (body: string) => changeDigitAfter(body, 'chunk-signature=', 1)],
      ['last chunk', (body: string) => changeDigitAfter(body, 'chunk-signature=', 2)],
      ['payload', (body: string) => body.replace(BODY.toString('latin1', 0, 8), 'replaced')],
    ] as const) {
      test(`C02 BI-081 ${mode} with a wrong ${which} is SignatureDoesNotMatch`, async () => {
        const fixture = await use();
        await changesNothing(fixture, async () => {
          const reply = await put(fixture, { mode, chunks: CHUNKS, edit, ...trailersOf(mode) });
          assert.deepEqual([reply.status, reply.code], [403, 'SignatureDoesNotMatch']);
        });
      });
    }
  }

  test('C02 BI-081 a wrong trailer signature is SignatureDoesNotMatch', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const edit = (body: string): string => changeDigitAfter(body, 'x-amz-trailer-signature:');
      const input = { mode: SIGNED_TRAILER, chunks: CHUNKS, trailers: [TRAILER], edit } as const;
      const reply = await put(fixture, input);
      assert.deepEqual([reply.status, reply.code], [403, 'SignatureDoesNotMatch']);
    });
  });

  test('C02 a body signed with another secret replaces nothing', async () => {
    const fixture = await use();
    const { server, bucket, raw } = fixture;
    await raw({ method: 'PUT', path: `/${bucket}/key`, body: 'kept' });
    await changesNothing(fixture, async () => {
      const forged = { ...server, secretKey: 'another-secret' };
      const input = { path: `/${bucket}/key`, mode: SIGNED, chunks: CHUNKS } as const;
      const reply = await sendChunked(forged, input);
      assert.deepEqual([reply.status, reply.code], [403, 'SignatureDoesNotMatch']);
    });
  });

  for (const [what, start] of [
    ['a size that is not hexadecimal', 'g\r\n'],
    ['a size with a prefix', '0x10\r\n'],
    ['a negative size', '-1\r\n'],
    ['no size', '\r\n'],
    ['a size of 17 digits', `${'1'.repeat(17)}\r\n`],
    ['a size of 2^60', '1000000000000000\r\n'],
    ['a colon for a semicolon', '2000:chunk-signature=a\r\n'],
    ['a bare line feed', '2000\n'],
    ['a header line of 2 KiB', `2000;x=${'a'.repeat(2048)}\r\n`],
    ['a header line of 2 KiB without an end', '2'.repeat(2048)],
  ] as const) {
    test(`C08 BI-080 BI-091 BI-092 a chunk that starts with ${what} is IncompleteBody`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const edit = (body: string): string => start + body.slice(body.indexOf('\r\n') + 2);
        const reply = await put(fixture, { mode: UNSIGNED_TRAILER, chunks: CHUNKS, edit });
        assert.deepEqual([reply.status, reply.code], [400, 'IncompleteBody']);
      });
    });
  }

  for (const [what, edit] of [
    ['none', (body: string) => body.replace(/;chunk-signature=[0-9a-f]{64}/, '')],
    ['a short one', (body: string) => body.replace(/(;chunk-signature=[0-9a-f]{63})./, '$1')],
    ['an empty one', (body: string) => body.replace(/(;chunk-signature=)[0-9a-f]{64}/, '$1')],
    ['one that is not hexadecimal', (body: string) => body.replace(/(;chunk-signature=)./, '$1g')],
    ['one behind a colon', (body: string) => body.replace(';chunk', ':chunk')],
  ] as const) {
    test(`BI-080 a signed chunk with ${what} for its signature is IncompleteBody`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const reply = await put(fixture, { mode: SIGNED, chunks: CHUNKS, edit });
        assert.deepEqual([reply.status, reply.code], [400, 'IncompleteBody']);
      });
    });
  }

  test('BI-080 a chunk without CRLF behind its payload is IncompleteBody', async () => {
    const fixture = await use();
    await changesNothing(fixture, async () => {
      const edit = (body: string): string => body.replace('\r\n3e8', 'xx3e8');
      const reply = await put(fixture, { mode: UNSIGNED_TRAILER, chunks: CHUNKS, edit });
      assert.deepEqual([reply.status, reply.code], [400, 'IncompleteBody']);
    });
  });

  test('C08 other chunk extensions are ignored, wherever they stand', async () => {
    const fixture = await use();
    const edit = (body: string): string => body.replaceAll(';chunk', ';a=b;chunk');
    assert.equal((await put(fixture, { mode: SIGNED, chunks: CHUNKS, edit })).status, 200);
    assert.deepEqual(await bytesOf(fixture), BODY);
  });

  for (const [stored, sent] of [
    [undefined, 'aws-chunked'],
    [undefined, 'AWS-Chunked'],
    ['gzip', 'aws-chunked,gzip'],
    ['gzip', 'gzip, aws-chunked'],
    ['br,gzip', 'br, aws-chunked, gzip'],
  ] as const) {
    test(`C04 Content-Encoding: ${sent} is stored as ${stored}`, async () => {
      const { server, client, bucket } = await use();
      const headers = { 'content-encoding': sent };
      const input = { path: `/${bucket}/key`, mode: SIGNED, chunks: CHUNKS, headers } as const;
      assert.equal((await sendChunked(server, input)).status, 200);
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'key' }));
      assert.equal(head.ContentEncoding, stored);
      assert.equal(head.ContentLength, BODY.byteLength);
    });
  }

  test('C04 BI-093 aws-chunked without a streaming mode is a plain body, not stored', async () => {
    const fixture = await use();
    const { raw, bucket } = fixture;
    const headers = { 'content-encoding': 'aws-chunked' };
    const sent = await raw({ method: 'PUT', path: `/${bucket}/key`, headers, body: BODY });
    assert.equal(sent.status, 200, sent.text);
    assert.deepEqual(await bytesOf(fixture), BODY);
    const head = await raw({ method: 'HEAD', path: `/${bucket}/key` });
    assert.equal(head.headers['content-encoding'], undefined);
  });

  test('C10 an unsigned body without any trailer is stored with CRC64NVME', async () => {
    const fixture = await use();
    const reply = await put(fixture, { mode: UNSIGNED_TRAILER, chunks: CHUNKS });
    assert.equal(reply.status, 200, reply.text);
    assert.match(String(reply.headers['x-amz-checksum-crc64nvme']), /^[A-Za-z0-9+/]{11}=$/);
    assert.equal(reply.headers['x-amz-checksum-type'], 'FULL_OBJECT');
  });

  for (const mode of [SIGNED_TRAILER, UNSIGNED_TRAILER] as const) {
    test(`C09 C20 a checksum in the trailer of ${mode} is verified and stored`, async () => {
      const fixture = await use();
      const { client, bucket } = fixture;
      const reply = await put(fixture, { mode, chunks: CHUNKS, trailers: [TRAILER] });
      assert.equal(reply.headers[TRAILER[0]], SHA256);
      const name = { Bucket: bucket, Key: 'key', ChecksumMode: 'ENABLED' } as const;
      const head = await client.send(new HeadObjectCommand(name));
      assert.equal(head.ChecksumSHA256, SHA256);
    });

    test(`BI-087 a wrong checksum in the trailer of ${mode} is BadDigest`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const trailers = [[TRAILER[0], OTHER_SHA256] as const];
        const reply = await put(fixture, { mode, chunks: CHUNKS, trailers });
        assert.deepEqual([reply.status, reply.code], [400, 'BadDigest']);
      });
      const { client, bucket } = fixture;
      const gone = client.send(new GetObjectCommand({ Bucket: bucket, Key: 'key' }));
      assert.equal((await refusal(gone)).code, 'NoSuchKey');
    });

    for (const value of ['', 'AAAA', '!'.repeat(44), SHA256.slice(0, -1)]) {
      test(`C14 BI-086 the value "${value}" in the trailer of ${mode} is refused`, async () => {
        const fixture = await use();
        await changesNothing(fixture, async () => {
          const trailers = [[TRAILER[0], value] as const];
          const reply = await put(fixture, { mode, chunks: CHUNKS, trailers });
          assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
        });
      });
    }

    for (const [what, input] of [
      ['announced but absent', { headers: { 'x-amz-trailer': TRAILER[0] } }],
      ['sent but not announced', { trailers: [TRAILER], headers: { 'x-amz-trailer': undefined } }],
      [
        'of another name than announced',
        { trailers: [TRAILER], headers: { 'x-amz-trailer': 'x-amz-checksum-sha1' } },
      ],
      ['with an unknown name', { trailers: [['x-amz-meta-a', '1']] }],
      ['with an empty name', { trailers: [['', SHA256]], headers: { 'x-amz-trailer': '' } }],
      ['named twice', { trailers: [TRAILER, TRAILER] }],
    ] as const satisfies readonly (readonly [string, Partial<Put>])[]) {
      test(`C09 BI-085 a trailer ${what} in ${mode} is MalformedTrailerError`, async () => {
        const fixture = await use();
        await changesNothing(fixture, async () => {
          const reply = await put(fixture, { mode, chunks: CHUNKS, ...input });
          assert.deepEqual([reply.status, reply.code], [400, 'MalformedTrailerError']);
        });
      });
    }

    test(`C09 BI-085 a trailer without a colon in ${mode} is MalformedTrailerError`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const edit = (body: string): string => body.replace('sha256:', 'sha256 ');
        const reply = await put(fixture, { mode, chunks: CHUNKS, trailers: [TRAILER], edit });
        assert.deepEqual([reply.status, reply.code], [400, 'MalformedTrailerError']);
      });
    });

    for (const [id, what, headers] of [
      ['C11', 'the same checksum header', { [TRAILER[0]]: SHA256 }],
      ['C11', 'another checksum header', { 'x-amz-checksum-crc32': 'AAAAAA==' }],
      ['BI-089', 'the name of another algorithm', { 'x-amz-sdk-checksum-algorithm': 'CRC32' }],
    ] as const) {
      test(`${id} BI-088 a trailer of ${mode} beside ${what} is InvalidRequest`, async () => {
        const fixture = await use();
        await changesNothing(fixture, async () => {
          const input = { mode, chunks: CHUNKS, trailers: [TRAILER], headers };
          const reply = await put(fixture, input);
          assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
        });
      });
    }
  }

  for (const mode of CHUNKED_MODES) {
    test(`C13 BI-089 ${mode} that names an algorithm and no value is InvalidRequest`, async () => {
      const fixture = await use();
      await changesNothing(fixture, async () => {
        const headers = { 'x-amz-sdk-checksum-algorithm': 'CRC32' };
        const reply = await put(fixture, { mode, chunks: CHUNKS, headers });
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
      });
    });

    test(`BI-090 ${mode} on DeleteObjects is InvalidRequest`, async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await changesNothing(fixture, async () => {
        const head = headerSigned(server, {
          method: 'POST',
          rawPath: `/${bucket}`,
          rawQuery: 'delete=',
          payloadHash: mode,
          headers: { 'x-amz-decoded-content-length': '3' },
        });
        const reply = await sendHead(server, head, '3\r\nabc\r\n0\r\n\r\n');
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest']);
      });
    });
  }

  for (const mode of [
    'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD',
    'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER',
  ]) {
    test(`C01 ${mode} is NotImplemented`, async () => {
      const fixture = await use();
      const { server, bucket } = fixture;
      await changesNothing(fixture, async () => {
        const input = { method: 'PUT', rawPath: `/${bucket}/key`, payloadHash: mode };
        const reply = await sendHead(server, headerSigned(server, input), 'body');
        assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented']);
      });
    });
  }
});
