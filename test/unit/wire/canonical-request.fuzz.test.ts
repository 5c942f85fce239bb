/** Paths and queries: what a signature covers is what the request addresses, in any spelling. */

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { parsePath } from '#src/wire/addressing.js';
import { canonicalQuery, parseQuery } from '#src/wire/query.js';
import { canonicalRequest } from '#src/wire/sigv4.js';
import { decodeUriComponentStrict, encodePathAws, encodeUriComponentAws } from '#src/wire/uri.js';

import { fuzzTarget, property } from '../../support/fuzz.js';

const TEXT = fc
  .string({ unit: 'binary', maxLength: 20 })
  .filter((value) => !value.includes('\0') && !value.includes('\uFFFD'));
/** Characters that mean something to somebody: escapes, separators, dots, forms of one letter. */
const CHARACTER = fc.oneof(
  fc.constantFrom(...'/.+%& =?#;:~*!\'()"<>\\', 'é', 'e\u0301', 'Å', '\u212b', '😀', '\r', '\n'),
  fc.constantFrom('..', '//', '%2F', '%252F', '\u202e', '\ufeff', 'ﬁ', 'İ'),
  fc
    .string({ unit: 'binary', minLength: 1, maxLength: 1 })
    .filter((one) => !/[\0\uFFFD]/.test(one)),
);
const SPELLING = fc.constantFrom('bare', 'upper', 'lower');
const SPELT = fc.array(fc.record({ character: CHARACTER, spelling: SPELLING }), { maxLength: 16 });
const RAW = fc
  .array(
    fc.constantFrom(
      ...[
        '/',
        '//',
        '.',
        '..',
        '%',
        '%2',
        '%2F',
        '%2f',
        '%25',
        '%252F',
        '+',
        '%2B',
        '%20',
        ' ',
        '&',
      ],
      ...['=', 'a', 'A', 'é', '%C3%A9', '%c3%a9', 'e\u0301', '%FF', '%C0%AF', '%00', '\uFFFD', 'x'],
    ),
    { maxLength: 10 },
  )
  .map((pieces) => pieces.join(''));
const PAIRS = fc.array(fc.tuple(TEXT, TEXT), { maxLength: 6 });

fuzzTarget('canonical-request', {
  'the escapes of AWS are undone by decoding once': property(TEXT, (text) => {
    assert.equal(decodeUriComponentStrict(encodePathAws(text)), text);
    assert.equal(decodeUriComponentStrict(encodeUriComponentAws(text)), text);
  }),
  'every spelling of a path has one signature and names one key': property(SPELT, (spelt) => {
    const key = spelt.map(({ character }) => character).join('');
    const rawPath = `/bucket/${spelt.map(({ character, spelling }) => spell(character, spelling)).join('')}`;
    const canonical = `/bucket/${encodePathAws(key)}`;
    assert.equal(canonicalPath(rawPath), canonical);
    assert.deepEqual(parsePath(rawPath), { bucket: 'bucket', key });
    assert.deepEqual(parsePath(canonical), { bucket: 'bucket', key });
  }),
  'two paths have one signature exactly when they name one key': property(
    fc.record({ left: RAW, right: RAW }),
    ({ left, right }) => {
      const [first, second] = [left, right].map((raw) => addressOf(`/b/${raw}`));
      if (first === undefined || second === undefined) return;
      const isOneSignature = first.canonical === second.canonical;
      assert.equal(isOneSignature, first.key === second.key);
    },
  ),
  'a path is refused by the signature exactly when it is by the address': property(RAW, (raw) => {
    const outcomes = [parsePath, canonicalPath].map((read) => isRefused(() => read(`/b/${raw}`)));
    assert.equal(outcomes[0], outcomes[1]);
  }),
  'a canonical query holds the parameters of its query, and is its own': property(
    RAW,
    (rawQuery) => {
      if (isRefused(() => parseQuery(rawQuery))) return;
      const query = parseQuery(rawQuery);
      const canonical = canonicalQuery(query);
      assert.equal(canonicalQuery(parseQuery(canonical)), canonical);
      assert.deepEqual(sortedPairs(parseQuery(canonical)), sortedPairs(query));
    },
  ),
  'a canonical query does not depend on the order or the separators': property(
    fc.record({ pairs: PAIRS, order: fc.array(fc.nat(), { maxLength: 6 }), lead: fc.boolean() }),
    ({ pairs, order, lead }) => {
      const texts = pairs.map(
        ([name, value]) => `${encodeUriComponentAws(name)}=${encodeUriComponentAws(value)}`,
      );
      const moved = [...texts];
      for (const [index, at] of order.entries()) {
        const [text] = moved.splice(at % Math.max(moved.length, 1), 1);
        if (text !== undefined) moved.splice(index % (moved.length + 1), 0, text);
      }
      const rawQuery = (lead ? '&' : '') + moved.join('&&');
      assert.equal(
        canonicalQuery(parseQuery(rawQuery)),
        canonicalQuery(parseQuery(texts.join('&'))),
      );
      const expected = pairs.map(([name, value]) => JSON.stringify([name, value])).sort();
      assert.deepEqual(sortedPairs(parseQuery(rawQuery)), expected);
    },
  ),
});

/** What must be escaped always is: percent itself, and what ends a path. */
function spell(character: string, spelling: string): string {
  if (spelling === 'bare' && !/[%?#]/.test(character)) return character;
  const bytes = [...Buffer.from(character)];
  const escaped = bytes.map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  return spelling === 'lower' ? escaped : escaped.toUpperCase();
}

function canonicalPath(rawPath: string): string {
  const text = canonicalRequest({
    ...{ method: 'GET', rawPath, canonicalQuery: '', headers: new Map(), signedHeaders: [] },
    ...{ repeatedHeaders: new Set<string>(), payloadHash: '' },
  });
  return text.split('\n')[1] ?? '';
}

function addressOf(rawPath: string): { key: string; canonical: string } | undefined {
  if (isRefused(() => parsePath(rawPath))) return undefined;
  return { key: parsePath(rawPath).key, canonical: canonicalPath(rawPath) };
}

function isRefused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    assert.ok(error instanceof S3Error && error.code === 'InvalidURI', String(error));
    return true;
  }
}

function sortedPairs(query: ReadonlyMap<string, readonly string[]>): string[] {
  return [...query]
    .flatMap(([name, values]) => values.map((value) => JSON.stringify([name, value])))
    .sort();
}
