import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';

import { matchesEtag, multipartEtag, parseEtag, quoteEtag } from '#src/s3/etag.js';

const ETAG = 'd41d8cd98f00b204e9800998ecf8427e';

test('quoteEtag and parseEtag undo each other', () => {
  assert.equal(quoteEtag(ETAG), `"${ETAG}"`);
  assert.equal(parseEtag(quoteEtag(ETAG)), ETAG);
});

test('parseEtag takes quotes as optional and keeps a weak prefix', () => {
  assert.equal(parseEtag(ETAG), ETAG);
  assert.equal(parseEtag(` "${ETAG}" `), ETAG);
  assert.equal(parseEtag(`W/"${ETAG}"`), `W/"${ETAG}"`);
  assert.equal(parseEtag('"'), '"');
  assert.equal(parseEtag('""'), '');
});

test('multipartEtag is the MD5 of the binary MD5s and the count', () => {
  const parts = ['a', 'bc'].map((text) => createHash('md5').update(text).digest());
  const expected = createHash('md5').update(Buffer.concat(parts)).digest('hex');
  assert.equal(multipartEtag(parts.map((part) => part.toString('hex'))), `${expected}-2`);
});

test('matchesEtag finds the ETag quoted, bare, in a list and as any', () => {
  for (const header of [`"${ETAG}"`, ETAG, '*', ' * ', `"x", "${ETAG}"`, `x,${ETAG}`]) {
    assert(matchesEtag(header, ETAG, 'strong'), header);
    assert(matchesEtag(header, ETAG, 'weak'), header);
  }
});

test('matchesEtag finds nothing in other ETags', () => {
  for (const header of [
    '',
    '"',
    '""',
    `"${ETAG}-1"`,
    `"${ETAG}`,
    '"*"',
    `"${ETAG.toUpperCase()}"`,
  ]) {
    assert(!matchesEtag(header, ETAG, 'strong'), header);
    assert(!matchesEtag(header, ETAG, 'weak'), header);
  }
});

test('matchesEtag compares weak ETags only weakly', () => {
  assert(!matchesEtag(`W/"${ETAG}"`, ETAG, 'strong'));
  assert(matchesEtag(`W/"${ETAG}"`, ETAG, 'weak'));
  assert(matchesEtag(`"x", W/"${ETAG}"`, ETAG, 'weak'));
});
