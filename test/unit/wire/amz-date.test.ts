import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatAmzDate, parseAmzDate } from '#src/wire/amz-date.js';

test('parseAmzDate reads the basic form and formatAmzDate writes it', () => {
  const timeMs = Date.UTC(2013, 4, 24, 1, 2, 3);
  assert.equal(parseAmzDate('20130524T010203Z'), timeMs);
  assert.equal(formatAmzDate(timeMs + 999), '20130524T010203Z');
  assert.equal(parseAmzDate('20240229T235959Z'), Date.UTC(2024, 1, 29, 23, 59, 59));
});

for (const text of [
  '',
  '20130524',
  '20130524T010203',
  '20130524T010203Z ',
  '2013-05-24T01:02:03Z',
  '20130524t010203z',
  '20130231T000000Z',
  '20230229T000000Z',
  '20131301T000000Z',
  '20130524T240000Z',
  '20130524T006000Z',
  '20130524T000060Z',
  '20130524T000000Z\n',
  'Fri, 24 May 2013 00:00:00 GMT',
]) {
  test(`parseAmzDate refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parseAmzDate(text), undefined);
  });
}
