// Every row of the registry, with every carrier of a signature and every payload mode: nobody gets
// past authentication, and the store does not change. Generated, so that new rows are included.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EVERYBODY } from '#src/operations/operation.js';
import { OPERATIONS } from '#src/operations/registry.js';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import type { RawReply } from '../support/raw-request.js';
import { prepared, requestOf, type Prepared } from '../support/row-requests.js';
import { withHeaders, type Head, type HeadInput } from '../support/signed-head.js';
import {
  CHUNKED_MODES,
  flippedBit,
  headerSigned,
  querySigned,
  sendHead,
  sha256Hex,
} from '../support/signed-request.js';
import { changesNothing } from '../support/store-state.js';

const BODY = '<Delete><Object><Key>key</Key></Object></Delete>';
const SIGNED_CHUNKS = 'STREAMING-AWS4-HMAC-SHA256-';
const ECDSA = 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD';
const MODES = [sha256Hex(BODY), 'UNSIGNED-PAYLOAD', ...CHUNKED_MODES, ECDSA] as const;
const CARRIERS = { header: headerSigned, query: querySigned } as const;
const METADATA = 'x-amz-meta-a';

/** The request in one payload mode; a presigned URL has the mode in a signed header. */
function inMode(request: HeadInput, payloadHash: string): HeadInput {
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-content-sha256': payloadHash,
    ...(payloadHash.startsWith('STREAMING-')
      ? { 'x-amz-decoded-content-length': String(BODY.length) }
      : {}),
  };
  return { ...request, payloadHash, headers };
}

/** Framed when the mode says so. The signatures of chunks come after that of the head. */
function bodyOf(method: string | undefined, payloadHash: string): string | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined;
  if (!payloadHash.startsWith('STREAMING-')) return BODY;
  return `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
}

function send({ server }: Fixture, head: Head, payloadHash: string): Promise<RawReply> {
  return sendHead(server, head, bodyOf(head.method, payloadHash));
}

/** A head with one bit of its signature flipped: another one for every head. */
function withFlippedBit(head: Head): Head {
  const flip = (_: string, before: string, hex: string): string =>
    before + flippedBit(hex, Number.parseInt(hex.slice(-2), 16));
  const authorization = head.headers.get('authorization');
  const rawQuery = head.rawQuery.replace(/(X-Amz-Signature=)([0-9a-f]{64})/, flip);
  if (authorization === undefined) return { ...head, rawQuery };
  return withHeaders(head, { authorization: authorization.replace(/(Signature=)(.{64})/, flip) });
}

/** A HEAD has no document, so its status must do. */
function assertRefused(reply: RawReply, head: Head, status: number, code: string): void {
  const seen = head.method === 'HEAD' ? [reply.status] : [reply.status, reply.code];
  assert.deepEqual(seen, head.method === 'HEAD' ? [status] : [status, code], reply.text);
}

onEveryBackend('every operation', (use) => {
  // One for all tests: none of them changes it, which each of them checks.
  let made: Promise<Prepared> | undefined;
  const useOne = (): Promise<Prepared> => (made ??= use().then(prepared));

  for (const [name, { requestLine, permission }] of Object.entries(OPERATIONS)) {
    // Preflights, which nobody signs: cross-origin.test.ts.
    if (permission === EVERYBODY) continue;
    test(`BI-033 BI-094 A21 ${name} refuses anonymous requests in every payload mode`, async () => {
      const fixture = await useOne();
      const request = requestOf(name, requestLine, fixture);
      await changesNothing(fixture, async () => {
        await inEvery(MODES, async (mode) => {
          const signed = headerSigned(fixture.server, inMode(request, mode));
          const headers = new Map(signed.headers);
          headers.delete('authorization');
          const head = { ...signed, headers };
          const reply = await send(fixture, head, mode);
          if (mode === ECDSA) assertRefused(reply, head, 501, 'NotImplemented');
          else if (mode.startsWith(SIGNED_CHUNKS))
            assertRefused(reply, head, 400, 'InvalidRequest');
          else assertRefused(reply, head, ...anonymousRefusal(name));
        });
        const bare = { ...headerSigned(fixture.server, request), headers: bareHeaders(fixture) };
        const copy = request.headers?.['x-amz-copy-source'];
        if (copy !== undefined) bare.headers.set('x-amz-copy-source', copy);
        assertRefused(await send(fixture, bare, ''), bare, ...anonymousRefusal(name));
      });
    });

    for (const [carrier, sign] of Object.entries(CARRIERS)) {
      test(`A06 BI-047 ${name} refuses a signature with one wrong bit in the ${carrier}`, async () => {
        const fixture = await useOne();
        const request = requestOf(name, requestLine, fixture);
        await changesNothing(fixture, async () => {
          await inEvery(MODES, async (mode) => {
            const head = withFlippedBit(sign(fixture.server, inMode(request, mode)));
            const reply = await send(fixture, head, mode);
            if (mode === ECDSA) assertRefused(reply, head, 501, 'NotImplemented');
            else assertRefused(reply, head, 403, 'SignatureDoesNotMatch');
          });
        });
      });

      test(`A05 BI-055 ${name} refuses an unsigned x-amz-* header beside the ${carrier}`, async () => {
        const fixture = await useOne();
        const request = requestOf(name, requestLine, fixture);
        await changesNothing(fixture, async () => {
          await inEvery(MODES, async (mode) => {
            const unsignedHeaders = { [METADATA]: '1' };
            const head = sign(fixture.server, { ...inMode(request, mode), unsignedHeaders });
            const reply = await send(fixture, head, mode);
            if (mode === ECDSA) assertRefused(reply, head, 501, 'NotImplemented');
            else assertRefused(reply, head, 403, 'AccessDenied');
          });
        });
      });

      // Without this the refusals above could come from requests that are wrong in other ways.
      test(`E09 ${name} gets past authentication with the right ${carrier}`, async () => {
        const fixture = await useOne();
        const missing = { ...fixture, bucket: 'Missing' };
        const request = requestOf(name, requestLine, missing);
        await changesNothing(fixture, async () => {
          await inEvery(
            MODES.filter((other) => other !== ECDSA),
            async (mode) => {
              const head = sign(fixture.server, inMode(request, mode));
              const reply = await send(fixture, head, mode);
              if (name === 'ListBuckets') assert.equal(reply.status, 200);
              else if (name !== 'CreateBucket') assertRefused(reply, head, 404, 'NoSuchBucket');
              else assert.match(reply.code, /^(InvalidBucketName|InvalidRequest)$/);
            },
          );
        });
      });
    }

    test(`E10 ${name} of another account's bucket is AccessDenied`, async () => {
      const fixture = await useOne();
      const request = requestOf(name, requestLine, fixture);
      if (name === 'CreateBucket') Object.assign(request, { rawPath: `/${fixture.bucket}` });
      await changesNothing(fixture, async () => {
        const head = headerSigned(fixture.server.stranger, inMode(request, MODES[0]));
        const reply = await send(fixture, head, MODES[0]);
        if (name === 'ListBuckets') assert(!reply.text.includes(fixture.bucket));
        else if (name !== 'CreateBucket') assertRefused(reply, head, 403, 'AccessDenied');
        else assert(reply.status >= 400, reply.text);
      });
    });
  }
});

/** Together, since none of them changes what another meets. */
async function inEvery(
  modes: readonly string[],
  check: (mode: string) => Promise<void>,
): Promise<void> {
  await Promise.all(modes.map(check));
}

// A form is signed within, so the request that has none is told what it should have been.
function anonymousRefusal(name: string): [status: number, code: string] {
  return name === 'PostObject' ? [412, 'PreconditionFailed'] : [403, 'AccessDenied'];
}

function bareHeaders({ server }: Fixture): Map<string, string> {
  return new Map([['host', `127.0.0.1:${server.port}`]]);
}
