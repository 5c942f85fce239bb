// The decoder of forms: however the bytes are cut and whatever they are, the outcome is the same,
// and nothing passes for a whole form that is none.

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { POST_FIELDS_BYTES_MAX } from '#src/s3/limits.js';
import { formBoundary } from '#src/wire/form-data.js';
import { FormDecoder } from '#src/wire/form-decoder.js';

import { fuzzTarget, property } from '../../support/fuzz.js';

const BOUNDARY = 'aab';

interface Outcome {
  readonly file: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly filename: string | undefined;
}

/** Decodes bytes that arrive in pieces; the outcome is a form or the code of an error. */
function decode(bytes: Uint8Array, cuts: readonly number[]): Outcome | string {
  const decoder = new FormDecoder(BOUNDARY);
  const file: Uint8Array[] = [];
  let start = 0;
  try {
    for (const cut of [...cuts].sort((one, other) => one - other).concat(bytes.length)) {
      file.push(...decoder.push(bytes.subarray(start, Math.min(cut, bytes.length))));
      start = Math.min(cut, bytes.length);
    }
    decoder.finish();
  } catch (error) {
    assert(error instanceof S3Error, String(error));
    return error.code;
  }
  const { fields = new Map<string, string>(), filename } = decoder.head ?? {};
  return { file: Buffer.concat(file).toString('latin1'), fields: [...fields], filename };
}

// Pieces of what a parser looks for, so that near misses are common.
const TOKEN = fc.constantFrom(
  ...['\r', '\n', '\r\n', '-', '--', 'a', 'b', 'aa', 'aab', '--aab', '\r\n--aa', '\r\n--a\r\n--'],
  ...['\r\n--aab', '\r\n--aab\r\n', '\r\n--aab--', '\r\n--aab \t\r\n', '\r\n\r\n', ':', ' ', 'é'],
  ...['Content-Disposition: form-data; name="x"', 'content-disposition:form-data;name=file'],
);
const CUTS = fc.array(fc.nat({ max: 600 }), { maxLength: 12 });
/** Content without a delimiter, which no sender may put there. */
const CONTENT = fc
  .array(TOKEN, { maxLength: 12 })
  .map((tokens) => tokens.join(''))
  .filter((text) => !`\r\n${text}\r\n`.includes(`\r\n--${BOUNDARY}`));
const NAME = fc.stringMatching(/^[a-z-]{1,8}$/).filter((name) => name !== 'file');
const FORM = fc.record({
  fields: fc.uniqueArray(fc.tuple(NAME, CONTENT), { maxLength: 4, selector: ([name]) => name }),
  filename: fc.option(fc.stringMatching(/^[a-z .]{0,8}$/), { nil: undefined }),
  file: CONTENT,
  behind: fc.array(fc.tuple(NAME, CONTENT), { maxLength: 2 }),
  preamble: fc.constantFrom<string>('', 'preamble\r\n', '\r\n'),
  epilogue: fc.constantFrom<string>('', '\r\n', '\r\nepilogue', '\r\n--aab\r\n'),
});

type Form = typeof FORM extends fc.Arbitrary<infer Value> ? Value : never;

function encode({ fields, filename, file, behind, preamble, epilogue }: Form): Buffer {
  const part = (parameters: string, content: string): string =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; ${parameters}\r\n\r\n${content}\r\n`;
  const named = (list: readonly (readonly [string, string])[]): string =>
    list.map(([name, content]) => part(`name="${name}"`, content)).join('');
  const suffix = filename === undefined ? '' : `; filename="${filename}"`;
  const parts = named(fields) + part(`name="file"${suffix}`, file) + named(behind);
  return Buffer.from(`${preamble}${parts}--${BOUNDARY}--${epilogue}`);
}

const DAMAGE = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(10, 13, 34, 45, 58, 97)),
});
const BEYOND_LIMIT_BYTES = fc.integer({ min: -3, max: 3 });
const CUTS_AT_LIMIT = fc.array(
  fc.integer({ min: POST_FIELDS_BYTES_MAX - 80, max: POST_FIELDS_BYTES_MAX + 80 }),
  { maxLength: 12 },
);
const CONTENT_TYPE = fc.array(
  fc.constantFrom('multipart/form-data', ';', ' ', 'boundary', '=', '"', '\\', 'a', 'é', '\0'),
  { maxLength: 14 },
);

fuzzTarget('form-decoder', {
  'FormDecoder decodes any form cut at any places': property(
    fc.tuple(FORM, CUTS),
    ([form, cuts]) => {
      assert.deepEqual(decode(encode(form), cuts), {
        file: Buffer.from(form.file).toString('latin1'),
        fields: form.fields,
        filename: form.filename,
      });
    },
    400,
  ),
  'FormDecoder decodes a form byte by byte': property(
    FORM,
    (form) => {
      const bytes = encode(form);
      assert.deepEqual(decode(bytes, Array.from(bytes.keys())), decode(bytes, []));
    },
    100,
  ),
  'FormDecoder refuses a form that was cut off anywhere before its end': property(
    fc.tuple(FORM, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
    ([form, at]) => {
      const bytes = encode({ ...form, epilogue: '' });
      const cutOff = bytes.subarray(0, Math.floor(at * bytes.length));
      assert.equal(decode(cutOff, []), 'MalformedPOSTRequest');
    },
    300,
  ),
  'FormDecoder has one outcome for any bytes, however they are cut': property(
    fc.tuple(fc.array(TOKEN, { maxLength: 40 }), CUTS, fc.boolean()),
    ([tokens, cuts, isForm]) => {
      const start = isForm ? '--aab\r\nContent-Disposition: form-data; name=file\r\n\r\n' : '';
      const bytes = Buffer.from(start + tokens.join(''), 'latin1');
      assert.deepEqual(decode(bytes, cuts), decode(bytes, []));
    },
    1500,
  ),
  'FormDecoder has one outcome for a damaged form, however it is cut': property(
    fc.tuple(FORM, CUTS, DAMAGE),
    ([form, cuts, { at, byte }]) => {
      const bytes = encode(form);
      bytes[Math.floor(at * bytes.length)] = byte;
      assert.deepEqual(decode(bytes, cuts), decode(bytes, []));
    },
    500,
  ),
  'FormDecoder draws the line at the same byte, however the form is cut': property(
    fc.tuple(BEYOND_LIMIT_BYTES, CUTS_AT_LIMIT),
    ([beyond, places]) => {
      const form = { filename: undefined, file: 'content', preamble: '', epilogue: '' };
      const padded = (bytes: number): Buffer =>
        encode({ ...form, behind: [], fields: [['a', 'a'.repeat(bytes)]] });
      const own = padded(0).indexOf('content');
      const bytes = padded(POST_FIELDS_BYTES_MAX - own + beyond);
      const outcome = decode(bytes, places);
      if (beyond > 0) assert.equal(outcome, 'MaxPostPreDataLengthExceededError');
      else assert(typeof outcome !== 'string' && outcome.file === 'content');
    },
    200,
  ),
  'formBoundary returns a legal boundary or throws MalformedPOSTRequest': property(
    CONTENT_TYPE,
    (tokens) => {
      try {
        assert.match(formBoundary(tokens.join('')), /^[a-z/= -]{0,69}[a-z/=-]$/);
      } catch (error) {
        assert(error instanceof S3Error && error.code === 'MalformedPOSTRequest', String(error));
      }
    },
    1000,
  ),
});
