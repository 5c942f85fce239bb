// The two places of a form that describe it: the Content-Type and the heads of its parts.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formBoundary, parsePartHead } from '#src/wire/form-data.js';

import { throwsS3Error } from '../../support/s3-error.js';

// Not a matter of milliseconds: where the cost grows with the square, these never end.
test('BI-070 formBoundary and parsePartHead take linear time for any white space', () => {
  const space = ' '.repeat(1_000_000);
  for (const parameter of [
    `; boundary=a${space}b`,
    `;${space}b`,
    `${space}; a=b${space};${space}b`,
  ]) {
    throwsS3Error(() => formBoundary(`multipart/form-data${parameter}`), 'MalformedPOSTRequest');
    throwsS3Error(
      () => parsePartHead(`Content-Disposition: form-data${parameter}`),
      'MalformedPOSTRequest',
    );
  }
  assert.equal(formBoundary(`multipart/form-data;${space}boundary=a${space};${space}`), 'a');
});
