// Policies of forms: whatever they say, they are read or refused with an S3 error, and a policy
// that allows one form allows no form that differs from it.

import assert from 'node:assert/strict';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { assertPolicyAllows, parsePostPolicy } from '#src/s3/post-policy.js';

import { fuzzTarget, property } from '../../support/fuzz.js';

const EXPIRATION = '2099-01-01T00:00:00Z';

function encode(policy: unknown): string {
  return Buffer.from(JSON.stringify(policy)).toString('base64');
}

function isAllowed(policy: string, bucket: string, fields: readonly [string, string][]): boolean {
  try {
    assertPolicyAllows(parsePostPolicy(policy), { bucket, fields: new Map(fields) });
    return true;
  } catch (error) {
    assert(error instanceof S3Error && error.code === 'AccessDenied', String(error));
    return false;
  }
}

const NAME = fc
  .stringMatching(/^[a-z][a-z-]{0,8}$/)
  .filter((name) => !['bucket', 'policy', 'file'].includes(name) && !name.startsWith('x-ignore-'));
const FIELDS = fc.uniqueArray(fc.tuple(NAME, fc.string({ unit: 'binary', maxLength: 12 })), {
  minLength: 1,
  maxLength: 5,
  selector: ([name]) => name,
});

const CONDITION = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.array(
    fc.oneof(
      fc.constantFrom('eq', 'starts-with', 'content-length-range', '$key', '', '10'),
      fc.jsonValue({ maxDepth: 0 }),
    ),
    { maxLength: 4 },
  ),
);
const DOCUMENT = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.record({
    expiration: fc.oneof(fc.constant(EXPIRATION), fc.jsonValue({ maxDepth: 0 })),
    conditions: fc.oneof(fc.array(CONDITION), fc.jsonValue({ maxDepth: 1 })),
  }),
);
const CHANGE = fc.record({ at: fc.nat(), value: fc.string({ maxLength: 4 }) });
const TEXT = fc.string({ unit: 'binary', maxLength: 6 });

fuzzTarget('post-policy', {
  'parsePostPolicy reads or refuses any document': property(
    DOCUMENT,
    (value) => {
      try {
        parsePostPolicy(encode(value));
      } catch (error) {
        assert(error instanceof S3Error, String(error));
        assert.match(error.code, /^(InvalidPolicyDocument|AccessDenied)$/);
      }
    },
    1000,
  ),
  'parsePostPolicy answers arbitrary text with InvalidPolicyDocument': property(
    fc.tuple(fc.string({ unit: 'binary', maxLength: 40 }), fc.boolean()),
    ([text, isEncoded]) => {
      const sent = isEncoded ? Buffer.from(text).toString('base64') : text;
      assert.throws(() => parsePostPolicy(sent), { code: 'InvalidPolicyDocument' });
    },
    500,
  ),
  'a policy of equalities allows the form it names, and no other': property(
    fc.tuple(FIELDS, CHANGE, NAME),
    ([fields, { at, value }, name]) => {
      const conditions = [
        { bucket: 'bucket' },
        ...fields.map(([field, text]) => ({ [field]: text })),
      ];
      const policy = encode({ expiration: EXPIRATION, conditions });
      assert(isAllowed(policy, 'bucket', fields));
      assert(!isAllowed(policy, 'other', fields));
      const index = at % fields.length;
      assert(!isAllowed(policy, 'bucket', fields.toSpliced(index, 1)), 'a field is missing');
      const [field = '', text = ''] = fields[index] ?? [];
      const changed = fields.with(index, [field, `${text}${value || 'x'}`]);
      assert(!isAllowed(policy, 'bucket', changed), 'a value is another');
      if (fields.some(([known]) => known === name)) return;
      assert(!isAllowed(policy, 'bucket', [...fields, [name, value]]), 'a field is new');
    },
    300,
  ),
  'a prefix allows what begins with it': property(
    fc.tuple(TEXT, TEXT),
    ([prefix, value]) => {
      const conditions = [{ bucket: 'bucket' }, ['starts-with', '$key', prefix]];
      const policy = encode({ expiration: EXPIRATION, conditions });
      assert(isAllowed(policy, 'bucket', [['key', prefix + value]]));
      assert.equal(isAllowed(policy, 'bucket', [['key', value]]), value.startsWith(prefix));
    },
    300,
  ),
});
