// Signed requests that are changed, repeated or sent elsewhere: refused for every row of the
// registry and every carrier of a signature, and the store does not change.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EVERYBODY } from '#src/operations/operation.js';
import { OPERATIONS } from '#src/operations/registry.js';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { encodeForm, postBytes, signedParts, type Part } from '../support/post-form.js';
import { elementText, type RawReply } from '../support/raw-request.js';
import { prepared, requestOf, type Prepared } from '../support/row-requests.js';
import { withHeaders, type Head, type HeadInput } from '../support/signed-head.js';
import {
  flippedBit,
  headerSigned,
  querySigned,
  sendChunked,
  sendHead,
} from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';

const CARRIERS = { header: headerSigned, query: querySigned } as const;
const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH'] as const;
/** Codes that come before or instead of a look at the signature, none after it. */
const REFUSALS =
  /^(AccessDenied|AuthorizationQueryParametersError|BadRequest|InvalidArgument|InvalidRequest|MethodNotAllowed|NotImplemented|SignatureDoesNotMatch)?$/;
const UNSIGNED = 'UNSIGNED-PAYLOAD';
const SIGNED_MODES = [
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
] as const;
const TRAILER = ['x-amz-checksum-crc32', 'AAAAAA=='] as const;
const BODY = '<Delete><Object><Key>key</Key></Object></Delete>';

function send({ server }: Pick<Fixture, 'server'>, head: Head): Promise<RawReply> {
  return sendHead(server, head, head.method === 'GET' || head.method === 'HEAD' ? undefined : BODY);
}

/** A valid head for a row whose payload is left open, so that only the head can be at fault. */
function headOf(fixture: Prepared, carrier: keyof typeof CARRIERS, input: HeadInput): Head {
  const headers = { 'x-amz-content-sha256': UNSIGNED, ...input.headers };
  return CARRIERS[carrier](fixture.server, { ...input, payloadHash: UNSIGNED, headers });
}

function assertRefused(reply: RawReply, what: string): void {
  assert(reply.status >= 400 && reply.status !== 500, `${what}: ${reply.status} ${reply.text}`);
  assert.match(reply.code, REFUSALS, `${what}: ${reply.text}`);
}

onEveryBackend('attack surface', (use) => {
  let made: Promise<Prepared> | undefined;
  const useOne = (): Promise<Prepared> => (made ??= use().then(prepared));

  for (const [name, { requestLine, body, permission }] of Object.entries(OPERATIONS)) {
    // Preflights, which nobody signs.
    if (permission === EVERYBODY) continue;
    for (const carrier of ['header', 'query'] as const) {
      test(`A06 BI-066 ${name} signed in the ${carrier} is refused with another method`, async () => {
        const fixture = await useOne();
        const head = headOf(fixture, carrier, requestOf(name, requestLine, fixture));
        await changesNothing(fixture, async () => {
          const others = METHODS.filter((other) => other !== head.method);
          await forEach(others, async (method) => {
            assertRefused(await send(fixture, { ...head, method }), method);
          });
        });
      });

      test(`A06 ${name} signed in the ${carrier} is refused for another resource`, async () => {
        const fixture = await useOne();
        const head = headOf(fixture, carrier, requestOf(name, requestLine, fixture));
        await changesNothing(fixture, async () => {
          await forEach(otherPaths(head.rawPath, fixture.bucket), async (rawPath) => {
            assertRefused(await send(fixture, { ...head, rawPath }), rawPath);
          });
        });
      });

      test(`BI-067 ${name} signed in the ${carrier} is refused with one more parameter`, async () => {
        const fixture = await useOne();
        const head = headOf(fixture, carrier, requestOf(name, requestLine, fixture));
        const own = head.rawQuery === '' ? [] : head.rawQuery.split('&');
        // Each of its own again, with its value and with another; then what no row has.
        const added = [
          ...own,
          ...own.map((pair) => `${pair.split('=')[0] ?? ''}=2`),
          'versionId=x',
        ];
        await changesNothing(fixture, async () => {
          for (const pair of [...added, 'x-id=Other', 'X-AMZ-ACL=public-read', 'a']) {
            for (const pairs of [
              [pair, ...own],
              [...own, pair],
            ]) {
              const rawQuery = pairs.join('&');
              assertRefused(await send(fixture, { ...head, rawQuery }), rawQuery);
            }
          }
        });
      });

      test(`A05 ${name} signed in the ${carrier} is refused with one more header`, async () => {
        const fixture = await useOne();
        const head = headOf(fixture, carrier, requestOf(name, requestLine, fixture));
        await changesNothing(fixture, async () => {
          await forEach(
            ['x-amz-copy-source', 'x-amz-acl', 'x-amz-meta-a', 'x-amz-date'],
            async (header) => {
              const changed = withHeaders(head, { [header]: `${fixture.bucket}/other` });
              assertRefused(await send(fixture, changed), header);
            },
          );
        });
      });
    }

    test(`A18 BI-056 ${name} is refused with two signatures, though both are right`, async () => {
      const fixture = await useOne();
      const request = requestOf(name, requestLine, fixture);
      const presigned = headOf(fixture, 'query', request);
      const both = headOf(fixture, 'header', { ...request, rawQuery: sorted(presigned.rawQuery) });
      await changesNothing(fixture, async () => {
        const reply = await send(fixture, both);
        assertRefused(reply, 'both');
        if (both.method !== 'HEAD') assert.equal(reply.code, 'InvalidArgument');
      });
    });

    test(`A18 ${name} is refused when a header that was signed comes twice`, async () => {
      const fixture = await useOne();
      const head = headOf(fixture, 'header', requestOf(name, requestLine, fixture));
      const names = [...head.headers.keys()].filter((header) => header !== 'host');
      await changesNothing(fixture, async () => {
        await forEach(names, async (header) => {
          const value = head.headers.get(header) ?? '';
          const body = head.method === 'GET' || head.method === 'HEAD' ? undefined : BODY;
          const reply = await sendHead(fixture.server, head, body, { [header]: [value, value] });
          assertRefused(reply, header);
        });
      });
    });

    if (body === 'stream') {
      for (const mode of SIGNED_MODES) {
        test(`C02 BI-081 ${name} refuses any chunk of ${mode} with one wrong bit`, async () => {
          const fixture = await useOne();
          const { rawPath = '', rawQuery = '' } = requestOf(name, requestLine, fixture);
          const chunks = [Buffer.alloc(9000, 'a'), Buffer.alloc(10, 'b')];
          const trailers = mode.endsWith('-TRAILER') ? [TRAILER] : [];
          await changesNothing(fixture, async () => {
            for (let index = 0; index < 3 + trailers.length; index += 1) {
              const edit = (text: string): string => withFlippedBit(text, index);
              const put = { path: rawPath, query: rawQuery, mode, chunks, trailers, edit };
              const reply = await sendChunked(fixture.server, put);
              assert.deepEqual(
                [reply.status, reply.code],
                [403, 'SignatureDoesNotMatch'],
                reply.text,
              );
            }
          });
        });
      }
    }
  }

  for (const name of ['CopyObject', 'CopyObjectByPatch', 'UploadPartCopy'] as const) {
    test(`E10 ${name} needs read permission on its source, wherever it is named`, async () => {
      const fixture = await useOne();
      const source = `${fixture.bucket}/key`;
      const { requestLine } = OPERATIONS[name];
      // The bucket that is written to is the stranger's own.
      const bucket = `strangers-${name.toLowerCase()}`;
      const { stranger } = fixture.server;
      const create = headerSigned(stranger, { method: 'PUT', rawPath: `/${bucket}` });
      assert.equal((await sendHead(stranger, create)).status, 200);
      // So does the upload: without it a part would be refused before its source is looked at.
      const begin = { method: 'POST', rawPath: `/${bucket}/key`, rawQuery: 'uploads=' };
      const begun = await sendHead(stranger, headerSigned(stranger, begin));
      const uploadId = elementText(begun.text, 'UploadId') ?? '';
      assert(uploadId !== '', begun.text);
      const target = { ...fixture, bucket, uploadId };
      const request = requestOf(name, requestLine, target);
      const inHeader = { ...request, headers: { 'x-amz-copy-source': source } };
      const parameter = `x-amz-copy-source=${encodeURIComponent(source)}`;
      const rawQuery = [request.rawQuery, parameter].filter((text) => text !== '').join('&');
      await changesNothing(fixture, async () => {
        for (const head of [
          headerSigned(stranger, inHeader),
          querySigned(stranger, inHeader),
          querySigned(stranger, { ...request, headers: {}, rawQuery }),
        ]) {
          const reply = await sendHead(stranger, head);
          assert.equal(reply.code, 'AccessDenied', reply.text);
        }
      });
      // What they are refused for is the source alone: one of their own is found to be missing.
      const own = { ...inHeader, headers: { 'x-amz-copy-source': `${bucket}/missing` } };
      const reply = await sendHead(stranger, headerSigned(stranger, own));
      assert.equal(reply.code, 'NoSuchKey', reply.text);
    });
  }

  test('A06 BI-078 PostObject refuses a form whose signature has one wrong bit', async () => {
    const fixture = await useOne();
    const parts = signedParts(fixture.server, fixture.bucket, { file: 'posted' });
    await changesNothing(fixture, async () => {
      for (let bit = 0; bit < 256; bit += 1) {
        const changed = withPart(parts, 'x-amz-signature', (hex) => flippedBit(String(hex), bit));
        await assertForm(fixture, changed, 'SignatureDoesNotMatch');
      }
    });
  });

  test('A06 BI-078 PostObject refuses a form whose policy has one wrong bit', async () => {
    const fixture = await useOne();
    const parts = signedParts(fixture.server, fixture.bucket, { file: 'posted' });
    await changesNothing(fixture, async () => {
      for (let at = 0; at < policyBytes(parts).byteLength; at += 1) {
        const bit = at % 8;
        const changed = withPart(parts, 'policy', (text) => {
          const bytes = Buffer.from(text);
          bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
          return bytes;
        });
        // The highest bit makes it other bytes than UTF-8, which no field has.
        const code = bit === 7 ? 'MalformedPOSTRequest' : 'SignatureDoesNotMatch';
        await assertForm(fixture, changed, code);
      }
    });
  });

  test('A06 BI-078 PostObject refuses a form in the name of another, or for another day', async () => {
    const fixture = await useOne();
    const { server, bucket } = fixture;
    const parts = signedParts(server, bucket, { file: 'posted' });
    await changesNothing(fixture, async () => {
      const theirs = withPart(parts, 'x-amz-credential', (text) =>
        String(text).replace(server.accessKey, server.stranger.accessKey),
      );
      await assertForm(fixture, theirs, 'SignatureDoesNotMatch');
      const early = ['x-amz-credential', 'x-amz-date'].reduce(
        (changed, name) =>
          withPart(changed, name, (text) => String(text).replace(/20\d{6}/, '20200101')),
        parts,
      );
      await assertForm(fixture, early, 'SignatureDoesNotMatch');
    });
  });

  // Without this the refusals above could come from forms that are wrong in other ways.
  test('A06 PostObject takes the form that was signed', async () => {
    const { server, bucket } = await use();
    const reply = await postBytes(server, bucket, encodeForm(signedParts(server, bucket)));
    assert.equal(reply.status, 204, reply.text);
  });
});

/** The parts of a form, one of them with other content. */
function withPart(
  parts: readonly Part[],
  name: string,
  edit: (content: Part['content']) => Part['content'],
): Part[] {
  return parts.map((part) =>
    part.name === name ? { ...part, content: edit(part.content) } : part,
  );
}

function policyBytes(parts: readonly Part[]): Buffer {
  return Buffer.from(parts.find(({ name }) => name === 'policy')?.content ?? '');
}

async function assertForm(
  { server, bucket }: Fixture,
  parts: readonly Part[],
  code: string,
): Promise<void> {
  const reply = await postBytes(server, bucket, encodeForm(parts));
  assert.equal(reply.code, code, reply.text);
  assert(!reply.text.includes(server.secretKey), 'no secret in an answer');
}

/** All at once: none of them changes what another meets. */
async function forEach<Item>(
  items: readonly Item[],
  check: (item: Item) => Promise<void>,
): Promise<void> {
  await Promise.all(items.map(check));
}

/** Other resources, some of which look like the one that was signed. */
function otherPaths(rawPath: string, bucket: string): string[] {
  if (rawPath === '/') return [`/${bucket}`, `/${bucket}/key`];
  const near = [`${rawPath}/`, `${rawPath}//`, `${rawPath}%2F`, `${rawPath}%20`, `${rawPath}+`];
  const escaped = rawPath.replace(/.$/, (last) => `%25${last.charCodeAt(0).toString(16)}`);
  return [...near, `/.${rawPath}`, `/x/..${rawPath}`, rawPath.toUpperCase(), escaped, '/'];
}

function withFlippedBit(text: string, index: number): string {
  let count = -1;
  return text.replaceAll(/(signature[=:])([0-9a-f]{64})/g, (whole, before: string, hex: string) => {
    count += 1;
    return count === index ? before + flippedBit(hex, (index * 89) % 256) : whole;
  });
}

function sorted(rawQuery: string): string {
  return rawQuery.split('&').sort().join('&');
}
