import assert from 'node:assert/strict';
import test from 'node:test';

import {
  sourceConditions,
  deleteCondition,
  evaluateSourceConditions,
  evaluateReadConditions,
  readConditions,
  writeConditions,
} from '#src/s3/conditions.js';
import { httpDate } from '#src/s3/dates.js';
import { S3Error } from '#src/s3/errors.js';

import { headersOf, throwsS3Error } from '../../support/s3-error.js';

const NOW_MS = Date.UTC(2026, 1, 3, 12, 0, 0);
// Half a second: dates in headers cannot say it.
const MODIFIED_MS = NOW_MS - 3_600_000 + 500;
const SUBJECT = { etag: 'abc', lastModifiedMs: MODIFIED_MS };

const SAME = '"abc"';
const OTHER = '"other"';
const BEFORE = httpDate(MODIFIED_MS - 60_000);
const EXACT = httpDate(MODIFIED_MS);
const AFTER = httpDate(MODIFIED_MS + 60_000);
const FUTURE = httpDate(NOW_MS + 60_000);
const GARBAGE = 'yesterday';

type Outcome = 'ok' | 'NotModified' | 'If-Match' | 'If-Unmodified-Since';

const READS: readonly [Readonly<Record<string, string>>, Outcome][] = [
  [{}, 'ok'],
  [{ 'if-match': SAME }, 'ok'],
  [{ 'if-match': 'abc' }, 'ok'],
  [{ 'if-match': '*' }, 'ok'],
  [{ 'if-match': OTHER }, 'If-Match'],
  [{ 'if-match': `W/${SAME}` }, 'If-Match'],
  [{ 'if-none-match': SAME }, 'NotModified'],
  [{ 'if-none-match': 'abc' }, 'NotModified'],
  [{ 'if-none-match': '*' }, 'NotModified'],
  [{ 'if-none-match': `W/${SAME}` }, 'NotModified'],
  [{ 'if-none-match': OTHER }, 'ok'],
  [{ 'if-modified-since': BEFORE }, 'ok'],
  [{ 'if-modified-since': EXACT }, 'NotModified'],
  [{ 'if-modified-since': AFTER }, 'NotModified'],
  [{ 'if-modified-since': FUTURE }, 'ok'],
  [{ 'if-modified-since': GARBAGE }, 'ok'],
  [{ 'if-unmodified-since': BEFORE }, 'If-Unmodified-Since'],
  [{ 'if-unmodified-since': EXACT }, 'ok'],
  [{ 'if-unmodified-since': AFTER }, 'ok'],
  [{ 'if-unmodified-since': FUTURE }, 'ok'],
  [{ 'if-unmodified-since': GARBAGE }, 'ok'],
  // The ETag decides, the date of the same kind is not looked at.
  [{ 'if-match': SAME, 'if-unmodified-since': BEFORE }, 'ok'],
  [{ 'if-match': OTHER, 'if-unmodified-since': AFTER }, 'If-Match'],
  [{ 'if-none-match': SAME, 'if-modified-since': BEFORE }, 'NotModified'],
  [{ 'if-none-match': OTHER, 'if-modified-since': AFTER }, 'ok'],
  [{ 'if-match': OTHER, 'if-none-match': SAME }, 'If-Match'],
];

for (const [headers, outcome] of READS) {
  test(`evaluateReadConditions answers ${outcome} to ${JSON.stringify(headers)}`, () => {
    const run = () => {
      evaluateReadConditions(readConditions(headersOf(headers)), SUBJECT, NOW_MS);
    };
    if (outcome === 'ok') run();
    else if (outcome === 'NotModified') throwsS3Error(run, 'NotModified', {});
    else throwsS3Error(run, 'PreconditionFailed', { Condition: outcome });
  });
}

test('readConditions is undefined without conditions', () => {
  assert.equal(readConditions(headersOf({ range: 'bytes=0-1' })), undefined);
});

test('evaluateReadConditions sends ETag and Last-Modified with NotModified', () => {
  const conditions = readConditions(headersOf({ 'if-none-match': SAME }));
  const error = throwsS3Error(() => {
    evaluateReadConditions(conditions, SUBJECT, NOW_MS);
  }, 'NotModified');
  assert.deepEqual(error.headers, { etag: SAME, 'last-modified': EXACT });
});

test('evaluateSourceConditions answers every failure with PreconditionFailed', () => {
  const failures: [Record<string, string>, string][] = [
    [{ 'x-amz-copy-source-if-match': OTHER }, 'If-Match'],
    [{ 'x-amz-copy-source-if-none-match': SAME }, 'If-None-Match'],
    [{ 'x-amz-copy-source-if-modified-since': AFTER }, 'If-Modified-Since'],
    [{ 'x-amz-copy-source-if-unmodified-since': BEFORE }, 'If-Unmodified-Since'],
  ];
  for (const [headers, condition] of failures) {
    const conditions = sourceConditions(headersOf(headers), 'x-amz-copy-source');
    throwsS3Error(
      () => {
        evaluateSourceConditions(conditions, SUBJECT, NOW_MS, 'x-amz-copy-source');
      },
      'PreconditionFailed',
      { Condition: `x-amz-copy-source-${condition}` },
    );
  }
});

test('sourceConditions does not look at the conditions of the target', () => {
  assert.equal(sourceConditions(headersOf({ 'if-match': OTHER }), 'x-amz-copy-source'), undefined);
});

test('writeConditions reads the forms that AWS accepts', () => {
  assert.deepEqual(writeConditions(headersOf({})), {});
  assert.deepEqual(writeConditions(headersOf({ 'if-none-match': '*' })), { ifNoneMatch: '*' });
  assert.deepEqual(writeConditions(headersOf({ 'if-match': SAME })), { ifMatch: 'abc' });
  assert.deepEqual(writeConditions(headersOf({ 'if-match': 'abc' })), { ifMatch: 'abc' });
});

test('writeConditions refuses the forms that AWS refuses', () => {
  const refused: [Record<string, string>, string][] = [
    [{ 'if-none-match': SAME }, 'If-None-Match'],
    [{ 'if-none-match': '"*"' }, 'If-None-Match'],
    [{ 'if-match': '*' }, 'If-Match'],
    [{ 'if-match': SAME, 'if-none-match': '*' }, 'If-Match,If-None-Match'],
  ];
  for (const [headers, header] of refused) {
    const error = throwsS3Error(() => writeConditions(headersOf(headers)), 'NotImplemented');
    assert.equal(error.details['Header'], header);
  }
});

test('writeConditions keeps a weak ETag from ever matching', () => {
  assert.deepEqual(writeConditions(headersOf({ 'if-match': `W/${SAME}` })), {
    ifMatch: `W/${SAME}`,
  });
});

test('deleteCondition reads If-Match and refuses If-None-Match', () => {
  assert.equal(deleteCondition(headersOf({})), undefined);
  assert.equal(deleteCondition(headersOf({ 'if-match': SAME })), 'abc');
  assert.equal(deleteCondition(headersOf({ 'if-match': '*' })), '*');
  assert.throws(() => deleteCondition(headersOf({ 'if-none-match': '*' })), S3Error);
});
