/**
 * Random steps. What depends on the state of a run (a matching ETag, a range inside an object, the
 * parts of an upload) is drawn as a choice and made concrete against the model when its turn comes.
 *
 * @module
 */

import fc from 'fast-check';

import type { Model } from './model.js';
import {
  INLINE_BYTES_MAX,
  md5,
  PART_SIZE_BYTES_MIN,
  type Action,
  type Conditions,
  type Interruption,
  type Place,
} from './system.js';

/** Makes the action from the state of the model; undefined when it has no sense there. */
export type Step = (model: Model) => Action | undefined;

/** Of one run. */
const STEPS_COUNT = 40;
const BLOCK_BYTES = 256 * 1024;
export const BUCKETS = ['model-one', 'model-two'] as const;
/** Prefixes of each other, names that mean something to file systems, and the longest key. */
const KEYS = ['a', 'a/', 'a/b', 'a/b/c', 'ab', 'a/data', '...', 'é%2F+', 'k'.repeat(1024)];
const OBJECT_SIZES = [
  ...[0, 1, INLINE_BYTES_MAX - 1, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1],
  ...[BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES + 5],
];
const PART_SIZES = [
  ...[0, 1, PART_SIZE_BYTES_MIN - 1, PART_SIZE_BYTES_MIN, PART_SIZE_BYTES_MIN + 1],
  ...[INLINE_BYTES_MAX, BLOCK_BYTES, BLOCK_BYTES + 1],
];

const bucket = fc.constantFrom(...Array<string>(7).fill(BUCKETS[0]), BUCKETS[1]);
/** The first ones more often, so that steps meet. */
const key = fc.constantFrom(...KEYS, ...KEYS.slice(0, 3), ...KEYS.slice(0, 3));
/** Three times in ten where the last step was. */
const place = fc.record({ bucket, key, isRepeated: fc.nat(9).map((number) => number < 3) }).map(
  ({ isRepeated, ...drawn }) =>
    (model: Model): Place =>
      (isRepeated ? model.lastPlace : undefined) ?? drawn,
);
const seed = fc.nat(2_000_000);
const payload = fc.record({ seed, sizeBytes: fc.constantFrom(...OBJECT_SIZES) });
const prefix = fc.constantFrom('', '', 'a', 'a/', 'a/b', 'x');
const countMax = fc.constantFrom(1, 2, 3, 1000);
/** Most writes have no condition. */
const condition = fc.constantFrom(
  ...Array<'none'>(8).fill('none'),
  ...(['none-match', 'match', 'match', 'other'] as const),
);
type Condition = 'none' | 'none-match' | 'match' | 'other';

const put = fc.tuple(place, payload, condition).map(([where, sent, wish]): Step => (model) => {
  const at = where(model);
  const conditions = conditionsOf(model, at, wish);
  return { kind: 'put', ...at, payload: sent, conditions };
});

/** Ends of a range, in thousandths of an object. */
const rangeEnds = fc.tuple(fc.nat(1000), fc.nat(1000));

/** A range needs a byte; every fourth time it is the whole, and no range. */
function rangeIn(
  model: Model,
  at: Place,
  [from, to]: readonly [number, number],
): { range?: readonly [number, number] } {
  const size = objectAt(model, at)?.bytes.length ?? 0;
  const ends = [Math.floor((from * size) / 1001), Math.ceil((to * size) / 1000)];
  const [start = 0, end = 0] = ends.sort((one, other) => one - other);
  return start === end || from % 4 === 0 ? {} : { range: [start, end] };
}

const get = fc.tuple(place, rangeEnds).map(([where, ends]): Step => (model) => {
  const at = where(model);
  return { kind: 'get', ...at, ...rangeIn(model, at, ends) };
});

const remove = fc
  .tuple(place, condition, fc.nat(99))
  .map(([anywhere, wish, number]): Step => (model) => {
    const at = existing(model, anywhere(model), number);
    const { ifMatch } = conditionsOf(model, at, wish);
    return { kind: 'delete', ...at, ...(ifMatch === undefined ? {} : { ifMatch }) };
  });

const copy = fc
  .tuple(place, place, condition, fc.nat(99))
  .map(([where, from, wish, number]): Step => (model) => {
    const at = where(model);
    const source = existing(model, from(model), number);
    // Onto itself is an operation of another meaning, tested elsewhere.
    if (at.bucket === source.bucket && at.key === source.key) return undefined;
    if (!model.buckets.has(source.bucket)) return undefined;
    return { kind: 'copy', ...at, source, conditions: conditionsOf(model, at, wish) };
  });

const rename = fc
  .tuple(place, key, condition, fc.nat(99))
  .map(([where, from, wish, number]): Step => (model) => {
    const at = where(model);
    const { key: sourceKey } = existing(model, { bucket: at.bucket, key: from }, number);
    // Refused before it reaches the store, tested elsewhere.
    if (sourceKey === at.key || sourceKey.endsWith('/') || at.key.endsWith('/')) return undefined;
    return { kind: 'rename', ...at, sourceKey, conditions: conditionsOf(model, at, wish) };
  });

const append = fc
  .tuple(place, payload, fc.nat(99))
  .map(([anywhere, sent, number]): Step => (model) => {
    const at = existing(model, anywhere(model), number);
    // Refused before it reaches the store, tested elsewhere.
    if (sent.sizeBytes === 0) return undefined;
    const offsetBytes = objectAt(model, at)?.bytes.length;
    return { kind: 'append', ...at, payload: sent, offsetBytes };
  });

const setTag = fc
  .tuple(place, fc.constantFrom(undefined, 'a', 'b', 'c'), fc.nat(99))
  .map(([where, tag, number]): Step => (model) => ({
    ...{ kind: 'setTag', ...existing(model, where(model), number), tag },
  }));

const getWhile = fc
  .oneof(put, append, append, rename, setTag, remove)
  .map((step): Step => (model) => {
    const change = step(model);
    if (change === undefined || !('key' in change)) return undefined;
    const key = 'sourceKey' in change ? change.sourceKey : change.key;
    return { kind: 'getWhile', bucket: change.bucket, key, change };
  });

const uploadPart = fc
  .record({
    upload: fc.nat(99),
    partNumber: fc.constantFrom(1, 2, 3, 10_000),
    payload: fc.record({ seed, sizeBytes: fc.constantFrom(...PART_SIZES) }),
  })
  .map((part): Step => (model) => {
    const upload = pick(model, part.upload);
    return upload === undefined ? undefined : { kind: 'uploadPart', ...part, upload };
  });

const copyPart = fc
  .tuple(fc.nat(99), fc.constantFrom(1, 2, 3), place, rangeEnds, fc.nat(99))
  .map(([index, partNumber, from, ends, number]): Step => (model) => {
    const upload = pick(model, index);
    if (upload === undefined) return undefined;
    const source = existing(model, from(model), number);
    return { kind: 'copyPart', upload, partNumber, source, ...rangeIn(model, source, ends) };
  });

/** `all` twice as often as lists that are wrong in some way. */
const listed = fc.constantFrom('all', 'all', 'all', 'some', 'wrong', 'reversed', 'unknown');

const complete = fc
  .tuple(fc.nat(99), listed, condition)
  .map(([number, choice, wish]): Step => (model) => {
    const index = pick(model, number);
    const upload = index === undefined ? undefined : model.uploads[index];
    if (index === undefined || upload === undefined) return undefined;
    let parts = [...upload.parts]
      .sort(([one], [other]) => one - other)
      .map(([partNumber, bytes]) => ({ partNumber, etag: md5(bytes) }));
    if (choice === 'some') parts = parts.filter((_, position) => position % 2 === 0);
    if (choice === 'reversed') parts.reverse();
    if (choice === 'wrong') parts = parts.map((part) => ({ ...part, etag: '0'.repeat(32) }));
    if (choice === 'unknown' || parts.length === 0) {
      parts = [{ partNumber: 5000, etag: '0'.repeat(32) }];
    }
    const conditions = conditionsOf(model, upload, wish);
    return { kind: 'complete', upload: index, parts, conditions };
  });

const interruption: fc.Arbitrary<Interruption> = fc.oneof(
  fc.record({
    kind: fc.constantFrom<Interruption['kind']>('disk', 'full', 'crash', 'crash'),
    afterCalls: fc.constantFrom(0, 0, 1, 1, 2, 3, 4, 5, 6, 8, 12),
  }),
  // An action commits once.
  fc.record({
    kind: fc.constantFrom<Interruption['kind']>('index', 'answer'),
    afterCalls: fc.constant(0),
  }),
);

/** Not the creation of an upload, whose name only the answer tells. */
const interrupt = fc
  .tuple(
    fc.oneof(
      put,
      put,
      append,
      rename,
      copy,
      setTag,
      remove,
      uploadPart,
      copyPart,
      complete,
      complete,
    ),
    interruption,
  )
  .map(([step, by]): Step => (model) => {
    const change = step(model);
    return change === undefined ? undefined : { kind: 'interrupt', change, by };
  });

const HOUR_MS = 3_600_000;
/** How far the clock jumps, more often back. */
const JUMPS_MS = [-24, -24, -1, -1, 1, 24].map((hours) => hours * HOUR_MS);

const deleteMany = fc
  .record({ bucket, keys: fc.uniqueArray(key, { minLength: 1 }) })
  .map((input): Step => () => ({ kind: 'deleteMany', ...input }));

/** Steps in the proportion in which they shall happen. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: put },
    { weight: 5, arbitrary: get },
    {
      weight: 1,
      arbitrary: fc.tuple(place, fc.nat(99)).map(([where, number]): Step => (model) => ({
        ...{ kind: 'head', ...existing(model, where(model), number) },
      })),
    },
    { weight: 5, arbitrary: getWhile },
    { weight: 3, arbitrary: remove },
    { weight: 1, arbitrary: deleteMany },
    { weight: 6, arbitrary: interrupt },
    { weight: 4, arbitrary: copy },
    { weight: 4, arbitrary: rename },
    { weight: 5, arbitrary: append },
    { weight: 4, arbitrary: setTag },
    {
      weight: 4,
      arbitrary: fc
        .record({
          ...{ bucket, prefix, countMax, delimiter: fc.constantFrom('', '/', '/', 'b', 'a/') },
          startAfter: fc.constantFrom('', '', 'a', 'a/', 'a/b', 'b'),
        })
        .map((input): Step => () => ({ kind: 'list', ...input })),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(place, seed).map(([where, number]): Step => (model) => ({
        ...{ kind: 'createUpload', ...where(model), seed: number },
      })),
    },
    { weight: 8, arbitrary: uploadPart },
    { weight: 3, arbitrary: copyPart },
    { weight: 5, arbitrary: complete },
    { weight: 1, arbitrary: ofUpload((upload) => ({ kind: 'abort', upload })) },
    { weight: 1, arbitrary: ofUpload((upload) => ({ kind: 'listParts', upload, countMax: 2 })) },
    {
      weight: 1,
      arbitrary: fc
        .record({ bucket, prefix, countMax })
        .map((input): Step => () => ({ kind: 'listUploads', ...input })),
    },
    {
      weight: 2,
      arbitrary: bucket.map((name): Step => () => ({ kind: 'counters', bucket: name })),
    },
    { weight: 1, arbitrary: fc.constant<Step>(() => ({ kind: 'sweep' })) },
    {
      weight: 2,
      arbitrary: fc.boolean().map((isClean): Step => () => ({ kind: 'reopen', isClean })),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(...JUMPS_MS).map((byMs): Step => () => ({ kind: 'clock', byMs })),
    },
    {
      weight: 1,
      arbitrary: bucket.map((name): Step => (model) => ({
        kind: model.buckets.has(name) ? 'deleteBucket' : 'createBucket',
        bucket: name,
      })),
    },
  ),
  { minLength: STEPS_COUNT, maxLength: STEPS_COUNT, size: 'max' },
);

function ofUpload(make: (upload: number) => Action): fc.Arbitrary<Step> {
  return fc.nat(99).map((number): Step => (model) => {
    const upload = pick(model, number);
    return upload === undefined ? undefined : make(upload);
  });
}

/** Usually one of the latest uploads, so that they get several parts and an end. */
function pick(model: Model, number: number): number | undefined {
  const count = model.uploads.length;
  if (count === 0) return undefined;
  return number < 20 ? number % count : count - 1 - (number % Math.min(2, count));
}

function conditionsOf(
  model: Model,
  at: { readonly bucket: string; readonly key: string },
  wish: Condition,
): Conditions {
  if (wish === 'none') return {};
  if (wish === 'none-match') return { ifNoneMatch: '*' };
  const etag = objectAt(model, at)?.etag;
  return { ifMatch: wish === 'match' && etag !== undefined ? etag : 'f'.repeat(32) };
}

/** The place itself, or four times in five something that exists. */
function existing<Place extends { readonly bucket: string; readonly key: string }>(
  model: Model,
  at: Place,
  number: number,
): Place {
  const keys = [...(model.buckets.get(at.bucket)?.keys() ?? [])];
  if (keys.length === 0 || number % 5 === 0) return at;
  return { ...at, key: keys[number % keys.length] ?? at.key };
}

function objectAt(model: Model, at: { readonly bucket: string; readonly key: string }) {
  return model.buckets.get(at.bucket)?.get(at.key);
}
