/** Random bodies cut at random places, and random damage to them. */

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { AwsChunkedDecoder, type AwsChunkedOptions } from '#src/wire/aws-chunked.js';

import { encodeBody, testSigningKey } from '../../support/aws-chunked-body.js';
import { fuzzTarget, property } from '../../support/fuzz.js';

const SIGNING = {
  signingKey: testSigningKey('secret-key', '20260101', 'eu-west-1'),
  timestamp: '20260101T000000Z',
  scope: '20260101/eu-west-1/s3/aws4_request',
  seedSignature: 'ab'.repeat(32),
};

const TRAILERS = [['x-amz-checksum-crc32', 'AAAAAA==']] as const;

/** How a body is made; its payload is a function of this. */
interface Recipe {
  readonly sizes: readonly number[];
  readonly lastSize: number;
  readonly isSigned: boolean;
  readonly trailer: 'none' | 'empty' | 'one';
  readonly isMinioStyle: boolean;
  readonly fill: number;
}

interface Body {
  readonly options: AwsChunkedOptions;
  readonly payload: Buffer;
  readonly bytes: Buffer;
}

const RECIPE: fc.Arbitrary<Recipe> = fc.record({
  sizes: fc.array(fc.integer({ min: 8192, max: 20_000 }), { maxLength: 3 }),
  lastSize: fc.integer({ min: 0, max: 300 }),
  isSigned: fc.boolean(),
  trailer: fc.constantFrom('none', 'empty', 'one'),
  isMinioStyle: fc.boolean(),
  fill: fc.integer({ min: 0, max: 255 }),
});
/** Fractions of the length of the body. */
const CUTS = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
const AT = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const DAMAGE = fc.oneof(
  fc.record({
    kind: fc.constant('replace' as const),
    at: AT,
    byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(10, 13, 48, 59)),
  }),
  fc.record({ kind: fc.constant('remove' as const), at: AT, byte: fc.constant(0) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: AT,
    byte: fc.integer({ min: 0, max: 255 }),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: AT, byte: fc.constant(0) }),
);
const TOKENS = fc.array(
  fc.constantFrom(
    ...['0', '1', 'a', '14', '2000', '\r\n', '\n', '\r', ';', 'chunk-signature=', ':', '\0', 'ÿ'],
    ...['x-amz-checksum-crc32', 'AAAAAA==', 'x-amz-trailer-signature:', 'ab'.repeat(32)],
    ...['x'.repeat(20), ' '],
  ),
  { maxLength: 40 },
);

fuzzTarget('aws-chunked', {
  'AwsChunkedDecoder decodes any body cut at any places': property(
    fc.record({ recipe: RECIPE, cuts: CUTS }),
    ({ recipe, cuts }) => {
      const { options, payload, bytes } = bodyOf(recipe);
      assert.ok(decode(options, bytes, cuts).equals(payload));
    },
    100,
  ),
  'AwsChunkedDecoder returns the payload or throws an S3Error when a body is damaged, however it is cut':
    property(
      fc.record({ recipe: RECIPE, cuts: CUTS, damage: DAMAGE }),
      ({ recipe, cuts, damage }) => {
        const { options, payload, bytes } = bodyOf(recipe);
        const damaged = damagedBy(bytes, damage);
        const whole = outcomeOf(options, damaged, []);
        assert.equal(outcomeOf(options, damaged, cuts), whole);
        if (whole.startsWith('error')) return;
        if (options.signing !== undefined) assert.equal(whole, payload.toString('latin1'));
        else assert.equal(whole.length, payload.length);
      },
      100,
    ),
  'AwsChunkedDecoder answers arbitrary bytes alike, however they are cut': property(
    fc.record({ tokens: TOKENS, trailer: fc.constantFrom('none', 'empty', 'one'), cuts: CUTS }),
    ({ tokens, trailer, cuts }) => {
      const options = {
        decodedBytes: 20,
        hasTrailer: trailer !== 'none',
        announcedTrailers: trailer === 'one' ? ['x-amz-checksum-crc32'] : [],
        signing: undefined,
      };
      const bytes = Buffer.from(tokens.join(''), 'latin1');
      assert.equal(outcomeOf(options, bytes, cuts), outcomeOf(options, bytes, []));
    },
  ),
});

function bodyOf({ sizes, lastSize, isSigned, trailer, isMinioStyle, fill }: Recipe): Body {
  const allSizes = lastSize === 0 ? sizes : [...sizes, lastSize];
  // A step that is no divisor of 256 moves line ends and digits through the payload.
  const chunks = allSizes.map((size) =>
    Uint8Array.from({ length: size }, (_, at) => fill + at * 7),
  );
  const payload = Buffer.concat(chunks);
  const signing = isSigned ? SIGNING : undefined;
  const hasTrailer = trailer !== 'none';
  const trailers = hasTrailer ? (trailer === 'one' ? TRAILERS : []) : undefined;
  const announcedTrailers = (trailers ?? []).map(([name]) => name);
  return {
    options: { decodedBytes: payload.length, hasTrailer, announcedTrailers, signing },
    payload,
    bytes: encodeBody(chunks, { signing, trailers, isMinioStyle }),
  };
}

interface Damage {
  readonly kind: 'replace' | 'remove' | 'insert' | 'cut';
  readonly at: number;
  readonly byte: number;
}

function damagedBy(bytes: Buffer, { kind, at, byte }: Damage): Buffer {
  const index = Math.floor(at * bytes.length);
  const before = bytes.subarray(0, index);
  if (kind === 'cut') return before;
  if (kind === 'insert') return Buffer.concat([before, Buffer.of(byte), bytes.subarray(index)]);
  const after = bytes.subarray(index + 1);
  return Buffer.concat(kind === 'remove' ? [before, after] : [before, Buffer.of(byte), after]);
}

/** The payload as Latin-1, or the code of the error. */
function outcomeOf(options: AwsChunkedOptions, bytes: Buffer, cuts: readonly number[]): string {
  try {
    return decode(options, bytes, cuts).toString('latin1');
  } catch (error) {
    assert.ok(error instanceof S3Error, String(error));
    return `error ${error.code}`;
  }
}

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
