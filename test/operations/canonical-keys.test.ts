// The key that a signature covers is the key that is authorised and the key that is stored, in
// whatever spelling the path arrives: random keys of what servers like to normalise.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import type { RawReply } from '../support/raw-request.js';
import { headerSigned, querySigned, sendHead, sha256Hex } from '../support/signed-request.js';

const BODY = 'body';
const RUNS = 60;
const SEED = Number(process.env['S3ISH_KEYS_SEED'] ?? 1);
const CARRIERS = { header: headerSigned, query: querySigned } as const;

/** One character or a few; escapes in here are text of the key. */
const PIECE = fc.oneof(
  fc.constantFrom(
    ...['/', '//', '.', '..', './', '../', '%2F', '%2f', '%252F', '%', '+', '%20', ' '],
  ),
  fc.constantFrom(
    ...['a', 'A', 'é', 'e\u0301', 'Å', '\u212b', 'ﬁ', 'fi', 'ß', 'İ', '😀', '\u202e'],
  ),
  fc.constantFrom(
    ...["&=;:@$,!*'()", '?', '#', '"', '<>', '\\', '\r\n', '\u0001', '\ufeff', '~', '_'],
  ),
);
const SPELT = fc.record({
  piece: PIECE,
  spelling: fc.constantFrom('bare', 'upper', 'lower'),
});
const KEY = fc.array(SPELT, { minLength: 1, maxLength: 8 });

onEveryBackend('canonical keys', (use) => {
  for (const carrier of ['header', 'query'] as const) {
    test(`A01 K06 BI-131 BI-132 BI-133 the key signed in the ${carrier} is the key that is stored`, async (context) => {
      const fixture = await use();
      context.diagnostic(`seed ${SEED}: S3ISH_KEYS_SEED`);
      await fc.assert(
        fc.asyncProperty(KEY, async (spelt) => {
          const key = spelt.map(({ piece }) => piece).join('');
          const rawPath = spelt.map(({ piece, spelling }) => spell(piece, spelling)).join('');
          const reply = await put(fixture, carrier, key, rawPath);
          const stored = storedKeys(fixture);
          // A path that climbs above its bucket is the one thing that is refused.
          if (reply.status === 400) assert.deepEqual(stored, []);
          else assert.deepEqual([reply.status, stored], [200, [key]], reply.text);
          if (reply.status === 200) assert.equal(fixture.server.ends.at(-1)?.key, key);
          else assert(key.split('/').includes('..'), `${JSON.stringify(key)} ${reply.text}`);
          await fixture.server.store.deleteObjects(fixture.bucket, [{ key }]);
        }),
        { numRuns: RUNS, seed: SEED },
      );
    });
  }
});

/** Signs the canonical path of a key, and sends another spelling of it. */
function put(
  { server, bucket }: Fixture,
  carrier: keyof typeof CARRIERS,
  key: string,
  rawPath: string,
): Promise<RawReply> {
  const head = CARRIERS[carrier](server, {
    method: 'PUT',
    rawPath: `/${bucket}/${key.split('/').map(escapeAll).join('/')}`,
    ...(carrier === 'header' ? { payloadHash: sha256Hex(BODY) } : {}),
  });
  return sendHead(server, { ...head, rawPath: `/${bucket}/${rawPath}` }, BODY);
}

function storedKeys({ server, bucket }: Fixture): string[] {
  const listed = { bucket, prefix: '', delimiter: '', after: '', countMax: 10 };
  const { objects } = server.store.listObjects({ ...listed, afterIsCommonPrefix: false });
  return objects.map(({ key }) => key);
}

/** Bare where HTTP lets a character stand in a path. */
function spell(piece: string, spelling: string): string {
  if (spelling === 'bare') {
    return piece.replace(/[^A-Za-z0-9\-._~/!$&'()*+,;=:@]/gu, escapeAll);
  }
  const escaped = [...Buffer.from(piece)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`);
  return spelling === 'lower' ? escaped.join('') : escaped.join('').toUpperCase();
}

function escapeAll(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
