import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { httpDate, isoDate, parseHttpDate } from '#src/s3/dates.js';

const MOMENT_MS = Date.UTC(1994, 10, 6, 8, 49, 37);

test('httpDate and isoDate cut the milliseconds off', () => {
  assert.equal(httpDate(MOMENT_MS + 999), 'Sun, 06 Nov 1994 08:49:37 GMT');
  assert.equal(isoDate(MOMENT_MS + 999), '1994-11-06T08:49:37.000Z');
  assert.equal(httpDate(MOMENT_MS + 1000), 'Sun, 06 Nov 1994 08:49:38 GMT');
  assert.equal(isoDate(MOMENT_MS + 1000), '1994-11-06T08:49:38.000Z');
});

test('httpDate and isoDate agree with Date, in any order of moments', () => {
  fc.assert(
    fc.property(fc.integer({ min: -8_640_000_000, max: 253_402_300_799 }), (seconds) => {
      const date = new Date(seconds * 1000);
      assert.equal(httpDate(seconds * 1000 + 1), date.toUTCString());
      assert.equal(isoDate(seconds * 1000 + 1), date.toISOString());
    }),
    { numRuns: 500 },
  );
  const midnightMs = Date.UTC(2026, 0, 1);
  assert.equal(isoDate(midnightMs - 1), '2025-12-31T23:59:59.000Z');
  assert.equal(isoDate(midnightMs), '2026-01-01T00:00:00.000Z');
});

test('parseHttpDate reads the three forms of RFC 9110', () => {
  const forms = [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ];
  for (const form of forms) assert.equal(parseHttpDate(form), MOMENT_MS, form);
});

test('parseHttpDate refuses what is no date', () => {
  const wrong = [
    ...['', 'yesterday', '1994-11-06T08:49:37Z', '784111777', 'Sun, 06 Nov 1994 08:49:37'],
    ...['Sun, 31 Feb 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 25:00:00 GMT', 'Sun, 06 Nov 1994'],
    ...[
      'Sun, 06 Foo 1994 08:49:37 GMT',
      'Sun, 06 ovD 1994 08:49:37 GMT',
      'Sun, 00 Nov 1994 08:49:37 GMT',
    ],
    ...['Sun, 06 Nov 1994 08:60:37 GMT', ' Sun, 06 Nov 1994 08:49:37 GMT'],
  ];
  for (const text of wrong) assert.equal(parseHttpDate(text), undefined, text);
});

test('parseHttpDate undoes httpDate', () => {
  const second = fc.integer({ min: 0, max: 253_402_300_799 });
  fc.assert(
    fc.property(second, (seconds) => {
      assert.equal(parseHttpDate(httpDate(seconds * 1000)), seconds * 1000);
    }),
    { numRuns: 300 },
  );
});
