import assert from 'node:assert/strict';
import { test } from 'node:test';

import { S3Error, type S3ErrorCode } from '#src/s3/errors.js';
import { AwsChunkedDecoder, type AwsChunkedOptions } from '#src/wire/aws-chunked.js';

import { encodeBody, testSigningKey, type BodyOptions } from '../../support/aws-chunked-body.js';

const SIGNING = {
  signingKey: testSigningKey('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', '20130524', 'us-east-1'),
  timestamp: '20130524T000000Z',
  scope: '20130524/us-east-1/s3/aws4_request',
  seedSignature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
};
const CHECKSUM = ['x-amz-checksum-crc32c', 'sOO8/Q=='] as const;

const PLAIN: AwsChunkedOptions = {
  decodedBytes: 10_000,
  hasTrailer: false,
  announcedTrailers: [],
  signing: undefined,
};
const SIGNED: AwsChunkedOptions = { ...PLAIN, signing: SIGNING };
const TRAILER: AwsChunkedOptions = {
  ...PLAIN,
  hasTrailer: true,
  announcedTrailers: ['x-amz-checksum-crc32c'],
};
const SIGNED_TRAILER: AwsChunkedOptions = { ...TRAILER, signing: SIGNING };

/** 10,000 bytes in two chunks, the last of them short. */
const CHUNKS = [Buffer.alloc(8192, 'a'), Buffer.alloc(1808, 'b')];
const PAYLOAD = Buffer.concat(CHUNKS);

function bodyOf(options: AwsChunkedOptions, chunks: readonly Uint8Array[] = CHUNKS): Buffer {
  return encodeBody(chunks, bodyOptions(options));
}

function bodyOptions({ hasTrailer, signing }: AwsChunkedOptions): BodyOptions {
  return { signing, trailers: hasTrailer ? [CHECKSUM] : undefined };
}

function decode(
  options: AwsChunkedOptions,
  pieces: readonly Uint8Array[],
): {
  readonly payload: Buffer;
  readonly trailers: ReadonlyMap<string, string>;
} {
  const decoder = new AwsChunkedDecoder(options);
  const payload = Buffer.concat(pieces.flatMap((piece) => decoder.push(piece)));
  return { payload, trailers: decoder.finish().trailers };
}

function assertRefused(
  options: AwsChunkedOptions,
  body: string | Uint8Array,
  code: S3ErrorCode,
): void {
  const isExpected = (error: unknown): boolean => error instanceof S3Error && error.code === code;
  const bytes = Buffer.from(body as string);
  assert.throws(() => decode(options, [bytes]), isExpected, 'in one piece');
  const bytewise = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
  assert.throws(() => decode(options, bytewise), isExpected, 'byte by byte');
}

test('AwsChunkedDecoder decodes the example of the API reference', () => {
  const decodedBytes = 65 * 1024;
  const [first, second] = [Buffer.alloc(65_536, 'a'), Buffer.alloc(1024, 'a')];
  const body = Buffer.concat([
    Buffer.from(
      '10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n',
    ),
    first,
    Buffer.from(
      '\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n',
    ),
    second,
    Buffer.from(
      '\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
    ),
  ]);
  assert.equal(body.length, 66_824);
  const { payload } = decode({ ...SIGNED, decodedBytes }, [body]);
  assert.ok(payload.equals(Buffer.concat([first, second])));
});

test('AwsChunkedDecoder decodes the trailer example of the API reference', () => {
  const options = {
    ...SIGNED_TRAILER,
    decodedBytes: 65 * 1024,
    signing: {
      ...SIGNING,
      seedSignature: '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
    },
  };
  const body = [
    '10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n',
    'a'.repeat(65_536),
    '\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n',
    'a'.repeat(1024),
    '\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n',
    'x-amz-checksum-crc32c:sOO8/Q==\r\n',
    'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n',
    '\r\n',
  ];
  const { trailers } = decode(options, [Buffer.from(body.join(''))]);
  assert.deepEqual([...trailers], [['x-amz-checksum-crc32c', 'sOO8/Q==']]);
});

for (const [mode, options] of Object.entries({ PLAIN, SIGNED, TRAILER, SIGNED_TRAILER })) {
  test(`AwsChunkedDecoder decodes ${mode} the same cut at every byte`, () => {
    const body = bodyOf(options);
    const expected = options.hasTrailer ? [[...CHECKSUM]] : [];
    for (let cut = 0; cut <= body.length; cut += 1) {
      const { payload, trailers } = decode(options, [body.subarray(0, cut), body.subarray(cut)]);
      assert.ok(payload.equals(PAYLOAD), `cut at ${cut}`);
      assert.deepEqual([...trailers], expected);
    }
  });

  test(`AwsChunkedDecoder refuses ${mode} cut short at every byte`, () => {
    const body = bodyOf(options);
    for (let end = 0; end < body.length; end += 1) {
      assert.throws(() => decode(options, [body.subarray(0, end)]), S3Error, `ends at ${end}`);
    }
  });

  test(`AwsChunkedDecoder decodes an empty payload in ${mode}`, () => {
    const empty = { ...options, decodedBytes: 0 };
    assert.equal(decode(empty, [bodyOf(options, [])]).payload.length, 0);
  });

  test(`AwsChunkedDecoder refuses ${mode} of another length than announced`, () => {
    assertRefused({ ...options, decodedBytes: 9999 }, bodyOf(options), 'IncompleteBody');
    assertRefused({ ...options, decodedBytes: 10_001 }, bodyOf(options), 'IncompleteBody');
    assertRefused({ ...options, decodedBytes: 0 }, bodyOf(options), 'IncompleteBody');
  });

  test(`AwsChunkedDecoder refuses a small chunk before another in ${mode}`, () => {
    const chunks = [Buffer.alloc(8191), Buffer.alloc(1809)];
    assertRefused(options, bodyOf(options, chunks), 'InvalidChunkSizeError');
  });
}

test('AwsChunkedDecoder passes payload on as views of the pieces', () => {
  const body = bodyOf(SIGNED);
  for (const bytes of new AwsChunkedDecoder(SIGNED).push(body)) {
    assert.equal(bytes.buffer, body.buffer);
  }
});

test('AwsChunkedDecoder keeps failing after its first failure', () => {
  const decoder = new AwsChunkedDecoder(PLAIN);
  assert.throws(() => decoder.push(Buffer.from('x\r\n')), S3Error);
  assert.throws(() => decoder.push(bodyOf(PLAIN)), S3Error);
  assert.throws(() => decoder.finish(), S3Error);
});

for (const [what, corrupt] of [
  ['payload of the first chunk', (body: Buffer) => body.indexOf('aaaa')],
  ['payload of the last chunk', (body: Buffer) => body.lastIndexOf('b\r\n')],
  ['signature of the first chunk', (body: Buffer) => body.indexOf('signature=') + 10],
  ['signature of the last chunk', (body: Buffer) => body.lastIndexOf('chunk-signature=') + 16],
] as const) {
  test(`AwsChunkedDecoder refuses a wrong ${what}`, () => {
    for (const options of [SIGNED, SIGNED_TRAILER]) {
      const body = bodyOf(options);
      const index = corrupt(body);
      body[index] = body[index] === 0x61 ? 0x62 : 0x61;
      assertRefused(options, body, 'SignatureDoesNotMatch');
    }
  });
}

test('AwsChunkedDecoder refuses swapped chunks, whose signatures follow each other', () => {
  const [one, two] = [Buffer.alloc(8192, '1'), Buffer.alloc(8192, '2')];
  const options = { ...SIGNED, decodedBytes: 16_384 };
  const body = bodyOf(SIGNED, [one, two]);
  const chunkBytes = 4 + 17 + 64 + 2 + 8192 + 2;
  const swapped = Buffer.concat([
    body.subarray(chunkBytes, 2 * chunkBytes),
    body.subarray(0, chunkBytes),
    body.subarray(2 * chunkBytes),
  ]);
  assert.equal(decode(options, [body]).payload.length, 16_384);
  assertRefused(options, swapped, 'SignatureDoesNotMatch');
});

test('AwsChunkedDecoder refuses a seed signature that is not the request’s', () => {
  const signing = { ...SIGNING, seedSignature: '0'.repeat(64) };
  assertRefused({ ...SIGNED, signing }, bodyOf(SIGNED), 'SignatureDoesNotMatch');
});

for (const [what, body] of [
  ['a size that is not hexadecimal', 'g\r\n'],
  ['an empty size', '\r\n'],
  ['a size with a prefix', '0x2710\r\n'],
  ['a negative size', '-1\r\n'],
  ['a size with a space', ' 2710\r\n'],
  ['17 hexadecimal digits', '00000000000002710\r\n'],
  ['16 digits of too much', 'ffffffffffffffff\r\n'],
  ['a colon for the semicolon', '2710:a=b\r\n'],
  ['an extension without "="', '2710;a\r\n'],
  ['a bare line feed', '2710\n'],
  ['a header line beyond 1 KiB', `2710;a=${'b'.repeat(1024)}`],
  ['no CRLF after the payload', `2710\r\n${'a'.repeat(10_000)}0\r\n\r\n`],
  ['a bare line feed after the payload', `2710\r\n${'a'.repeat(10_000)}\n0\r\n\r\n`],
  ['bytes after the end', `2710\r\n${'a'.repeat(10_000)}\r\n0\r\n\r\n\r\n`],
  ['a trailer that the mode does not have', `2710\r\n${'a'.repeat(10_000)}\r\n0\r\na:b\r\n\r\n`],
] as const) {
  test(`AwsChunkedDecoder refuses ${what}`, () => {
    assertRefused(PLAIN, body, 'IncompleteBody');
  });
}

for (const [what, header] of [
  ['no signature', '2710\r\n'],
  ['a short signature', `2710;chunk-signature=${'a'.repeat(63)}\r\n`],
  ['a long signature', `2710;chunk-signature=${'a'.repeat(65)}\r\n`],
  ['an upper-case signature', `2710;chunk-signature=${'A'.repeat(64)}\r\n`],
  ['a colon for the semicolon', `2710:chunk-signature=${'a'.repeat(64)}\r\n`],
] as const) {
  test(`AwsChunkedDecoder refuses a signed chunk with ${what}`, () => {
    assertRefused(SIGNED, header, 'IncompleteBody');
  });
}

test('AwsChunkedDecoder ignores other extensions, in any order', () => {
  const body = bodyOf(SIGNED).toString('latin1');
  const first = body.replace('2000;', '2000;a=b;').replace('\r\n', ';c=d\r\n');
  assert.equal(decode(SIGNED, [Buffer.from(first, 'latin1')]).payload.length, 10_000);
  const plain = bodyOf(PLAIN).toString('latin1').replace('2000\r', '2000;a=b\r');
  assert.equal(decode(PLAIN, [Buffer.from(plain, 'latin1')]).payload.length, 10_000);
});

test('AwsChunkedDecoder accepts upper-case and padded sizes', () => {
  const body = `000000000000271A\r\n${'a'.repeat(0x271a)}\r\n0000\r\n\r\n`;
  const options = { ...PLAIN, decodedBytes: 0x271a };
  assert.equal(decode(options, [Buffer.from(body)]).payload.length, 0x271a);
});

test('AwsChunkedDecoder reads the trailers of minio-go', () => {
  for (const options of [TRAILER, SIGNED_TRAILER]) {
    const body = encodeBody(CHUNKS, { ...bodyOptions(options), isMinioStyle: true });
    for (const ending of ['', '\r\n']) {
      const { trailers } = decode(options, [body, Buffer.from(ending)]);
      assert.equal(trailers.get('x-amz-checksum-crc32c'), 'sOO8/Q==');
    }
  }
});

const TRAILER_START = `2710\r\n${'a'.repeat(10_000)}\r\n0\r\n`;

test('AwsChunkedDecoder accepts an unsigned trailer that is empty and was not announced', () => {
  const options = { ...TRAILER, announcedTrailers: [] };
  assert.equal(decode(options, [Buffer.from(`${TRAILER_START}\r\n`)]).trailers.size, 0);
});

test('AwsChunkedDecoder reads trailer names in any case and trims values', () => {
  const body = Buffer.from(`${TRAILER_START}X-Amz-Checksum-CRC32C:  sOO8/Q== \r\n\r\n`);
  assert.deepEqual([...decode(TRAILER, [body]).trailers], [[...CHECKSUM]]);
});

for (const [what, trailer, announced] of [
  ['announced but absent', '\r\n', ['x-amz-checksum-crc32c']],
  ['not announced', 'x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n', []],
  ['another than announced', 'x-amz-checksum-crc32:AAAAAA==\r\n\r\n', ['x-amz-checksum-crc32c']],
  ['without a name', ':sOO8/Q==\r\n\r\n', ['x-amz-checksum-crc32c']],
  ['without a colon', 'x-amz-checksum-crc32c\r\n\r\n', ['x-amz-checksum-crc32c']],
  ['with a space in its name', 'x y:z\r\n\r\n', ['x y']],
  ['sent twice', 'a:b\r\na:b\r\n\r\n', ['a']],
  ['of too many lines', `${'\r\n'.repeat(17)}`, []],
  ['with an endless line', `a:${'b'.repeat(1100)}`, ['a']],
  ['signed though the body is not', `x-amz-trailer-signature:${'a'.repeat(64)}\r\n\r\n`, []],
] as const) {
  test(`AwsChunkedDecoder refuses a trailer ${what}`, () => {
    const options = { ...TRAILER, announcedTrailers: announced };
    assertRefused(options, `${TRAILER_START}${trailer}`, 'MalformedTrailerError');
  });
}

test('AwsChunkedDecoder refuses a signed trailer without, with a wrong, or before its signature', () => {
  const body = bodyOf(SIGNED_TRAILER).toString('latin1');
  const start = body.indexOf('x-amz-checksum');
  const signature = body.slice(body.indexOf('x-amz-trailer-signature'));
  assertRefused(
    SIGNED_TRAILER,
    `${body.slice(0, start)}x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n`,
    'MalformedTrailerError',
  );
  assertRefused(
    SIGNED_TRAILER,
    `${body.slice(0, start)}${signature.slice(0, -2)}x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n`,
    'MalformedTrailerError',
  );
  assertRefused(SIGNED_TRAILER, body.replace('sOO8/Q==', 'AAAAAA=='), 'SignatureDoesNotMatch');
});
