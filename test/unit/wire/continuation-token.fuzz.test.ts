/** Tokens of any position, and any text in the place of a token. */

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { decodeContinuationToken, encodeContinuationToken } from '#src/wire/continuation-token.js';

import { fuzzTarget, property } from '../../support/fuzz.js';

const NAME = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\ufeff', '\ufeffa', 'a/', '\uffff', '😀'.repeat(256), '\uFFFD'),
);
const TOKEN = fc.oneof(
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  fc
    .uint8Array({ maxLength: 12 })
    .map((bytes) => Buffer.from([1, (bytes[0] ?? 0) & 1, ...bytes]).toString('base64url')),
  fc.string({ unit: fc.constantFrom('A', 'Q', 'E', '_', '-', '=', '+', '/', ' ', 'é', '\n') }),
);

fuzzTarget('continuation-token', {
  'a token is decoded to the position it was made of': property(
    fc.record({ name: NAME, isCommonPrefix: fc.boolean() }),
    (position) => {
      const token = encodeContinuationToken(position);
      assert.match(token, /^[\w-]+$/);
      assert.deepEqual(decodeContinuationToken(token), position);
    },
  ),
  'whatever is taken for a token is the one token of its position': property(TOKEN, (token) => {
    try {
      assert.equal(encodeContinuationToken(decodeContinuationToken(token)), token);
    } catch (error) {
      assert.ok(error instanceof S3Error && error.code === 'InvalidArgument', String(error));
    }
  }),
  'a token that is cut or damaged is another position or none': property(
    fc.record({
      name: NAME,
      at: fc.nat(),
      character: fc.constantFrom('A', 'B', '_', '=', ' ', ''),
    }),
    ({ name, at, character }) => {
      const token = encodeContinuationToken({ name, isCommonPrefix: false });
      const index = at % token.length;
      const damaged = token.slice(0, index) + character + token.slice(index + 1);
      if (damaged === token) return;
      try {
        assert.notDeepEqual(decodeContinuationToken(damaged), { name, isCommonPrefix: false });
      } catch (error) {
        assert.ok(error instanceof S3Error && error.code === 'InvalidArgument', String(error));
      }
    },
  ),
});
