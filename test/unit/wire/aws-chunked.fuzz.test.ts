/** Random bodies cut at random places, and random damage to them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { AwsChunkedDecoder, type AwsChunkedOptions } from '#src/wire/aws-chunked.js';

import { encodeBody, testSigningKey } from '../../support/aws-chunked-body.js';

const SIGNING = {
  signingKey: testSigningKey('secret-key', '20260101', 'eu-west-1'),
  timestamp: '20260101T000000Z',
  scope: '20260101/eu-west-1/s3/aws4_request',
  seedSignature: 'ab'.repeat(32),
};

const NOTHING: readonly (readonly [string, string])[] = [];

interface Body {
  readonly options: AwsChunkedOptions;
  readonly payload: Buffer;
  readonly bytes: Buffer;
}

const BODY: fc.Arbitrary<Body> = fc
  .record({
    sizes: fc.array(fc.integer({ min: 8192, max: 20_000 }), { maxLength: 3 }),
    lastSize: fc.integer({ min: 0, max: 300 }),
    isSigned: fc.boolean(),
    hasTrailer: fc.boolean(),
    isMinioStyle: fc.boolean(),
    trailers: fc.constantFrom(NOTHING, [['x-amz-checksum-crc32', 'AAAAAA==']] as const),
    fill: fc.integer({ min: 0, max: 255 }),
  })
  .map(({ sizes, lastSize, isSigned, hasTrailer, isMinioStyle, trailers, fill }) => {
    const allSizes = lastSize === 0 ? sizes : [...sizes, lastSize];
    // A step that is no divisor of 256 moves line ends and digits through the payload.
    const chunks = allSizes.map((size) =>
      Uint8Array.from({ length: size }, (_, at) => fill + at * 7),
    );
    const payload = Buffer.concat(chunks);
    const signing = isSigned ? SIGNING : undefined;
    const sent = hasTrailer ? trailers : undefined;
    return {
      options: {
        decodedBytes: payload.length,
        hasTrailer,
        announcedTrailers: (sent ?? []).map(([name]) => name),
        signing,
      },
      payload,
      bytes: encodeBody(chunks, { signing, trailers: sent, isMinioStyle }),
    };
  });

function decode(options: AwsChunkedOptions, bytes: Buffer, cuts: readonly number[]): Buffer {
  const decoder = new AwsChunkedDecoder(options);
  const payload: Uint8Array[] = [];
  let start = 0;
  for (const cut of [...cuts, 1].map((part) => Math.floor(part * bytes.length)).sort(ascending)) {
    payload.push(...decoder.push(bytes.subarray(start, cut)));
    start = cut;
  }
  decoder.finish();
  return Buffer.concat(payload);
}

function ascending(left: number, right: number): number {
  return left - right;
}

const CUTS = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

test('AwsChunkedDecoder decodes any body cut at any places', () => {
  fc.assert(
    fc.property(BODY, CUTS, ({ options, payload, bytes }, cuts) => {
      assert.ok(decode(options, bytes, cuts).equals(payload));
    }),
    { numRuns: 150, seed: 5 },
  );
});

test('AwsChunkedDecoder returns the payload or throws an S3Error when a byte is damaged', () => {
  const damage = fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(10, 13, 48, 59)),
  });
  fc.assert(
    fc.property(BODY, CUTS, damage, ({ options, payload, bytes }, cuts, { at, byte }) => {
      const damaged = Buffer.from(bytes);
      damaged[Math.floor(at * damaged.length)] = byte;
      let decoded: Buffer;
      try {
        decoded = decode(options, damaged, cuts);
      } catch (error) {
        assert.ok(error instanceof S3Error);
        return;
      }
      assert.equal(decoded.length, payload.length);
      if (options.signing !== undefined) assert.ok(decoded.equals(payload));
    }),
    { numRuns: 300, seed: 6 },
  );
});

test('AwsChunkedDecoder answers arbitrary bytes with an S3Error', () => {
  const token = fc.constantFrom('0', 'a', '\r\n', '\n', ';', 'chunk-signature=', ':', '\0', 'ÿ');
  fc.assert(
    fc.property(fc.array(token, { maxLength: 40 }), fc.boolean(), (tokens, hasTrailer) => {
      const options = {
        decodedBytes: 20,
        hasTrailer,
        announcedTrailers: ['a'],
        signing: undefined,
      };
      try {
        decode(options, Buffer.from(tokens.join(''), 'latin1'), []);
      } catch (error) {
        assert.ok(error instanceof S3Error);
      }
    }),
    { numRuns: 500, seed: 7 },
  );
});
