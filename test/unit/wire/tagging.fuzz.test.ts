/** Tags as a header and as a document: what is written is what is read, and anything is survived. */

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { assertTags, type Tags } from '#src/s3/tags.js';
import { parseTagging, taggingDocument } from '#src/wire/documents/tagging.js';
import { requestedTags, TAGGING } from '#src/wire/tagging-header.js';

import { fuzzTarget, property } from '../../support/fuzz.js';

const CHARACTER = fc.constantFrom(...'aZ0 _.:/=+-@éß中ф٣', '\u3000');
const TAG = fc.record({
  key: fc.string({ unit: CHARACTER, minLength: 1, maxLength: 20 }),
  value: fc.string({ unit: CHARACTER, maxLength: 20 }),
});
/** What an object may have. */
const TAGS = fc.uniqueArray(TAG, { maxLength: 10, selector: ({ key }) => key });
const HEADER = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.constantFrom('a', '=', '&', '%', '2', 'C', '+', ';', ' ', 'é', '\0') }),
);
const DOCUMENT = fc
  .array(
    fc.constantFrom(
      ...['<Tagging>', '</Tagging>', '<TagSet>', '</TagSet>', '<Tag>', '</Tag>', '<Key>', '</Key>'],
      ...['<Value>', '</Value>', 'a', '&amp;', '&#65;', '<!-- -->', '<![CDATA[b]]>', '\n', '&'],
    ),
    { maxLength: 30 },
  )
  .map((pieces) => pieces.join(''));

fuzzTarget('tagging', {
  'a header is read as the tags it was made of, in their order': property(TAGS, (tags) => {
    const header = tags
      .map(({ key, value }) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
      .join('&');
    assert.deepEqual(requestedTags(new Map([[TAGGING, header]])), tags);
  }),
  'a document is read as the tags it was made of, in their order': property(TAGS, (tags) => {
    assert.deepEqual(parseTagging(taggingDocument(tags), 'object'), tags);
  }),
  'any header gives tags an object may have, or a refusal': property(HEADER, (header) => {
    assertAllowed(() => requestedTags(new Map([[TAGGING, header]])));
  }),
  'any document gives tags an object may have, or a refusal': property(DOCUMENT, (document) => {
    assertAllowed(() => parseTagging(document, 'object'));
  }),
});

function assertAllowed(read: () => Tags): void {
  try {
    const tags = read();
    assertTags(tags, 'object');
    assert.deepEqual(parseTagging(taggingDocument(tags), 'object'), tags);
  } catch (error) {
    assert(error instanceof S3Error && error.status < 500, String(error));
  }
}
