/**
 * The places of a store in order, a page at a time, for whoever goes through all of it.
 *
 * Rows are checked on the way for what only shows beside their neighbours: a key that is none, and
 * a row that a search for its own key does not find, which is damage to the tree above it.
 *
 * @module
 */

import type { Entry, Table } from '../metadata/environment.js';
import {
  afterPrefix,
  bucketIdKey,
  bucketKey,
  justAfter,
  keyOfObjectKey,
  objectKey,
  partsOfUploadKey,
  uploadKey,
} from '../metadata/keys.js';
import { decodeBucket } from '../metadata/records.js';
import type { StoreContext } from './context.js';
import { damageOf, type Damage, type Place } from './damage.js';

export interface PlacePage {
  /** Nothing more comes after an empty page. */
  readonly places: readonly Place[];
  readonly damages: readonly { readonly place: Place; readonly damage: Damage }[];
}

/** How the places of a table are named. */
interface Walk {
  readonly table: Table;
  readonly placeOf: (bucket: string, key: Uint8Array) => Place;
  readonly keyOf: (bucketId: number, place: Place) => Buffer;
}

const OBJECTS: Walk = {
  table: 'objects',
  placeOf: (bucket, key) => ({ bucket, key: keyOfObjectKey(key) }),
  keyOf: (bucketId, { key }) => objectKey(bucketId, key),
};
const UPLOADS: Walk = {
  table: 'uploads',
  placeOf: (bucket, key) => ({ bucket, ...partsOfUploadKey(key) }),
  keyOf: (bucketId, { key, uploadId = '' }) => uploadKey(bucketId, key, uploadId),
};

/** @param after - the last place of the page before; undefined starts at the beginning. */
export function nextPlaces(
  context: StoreContext,
  after: Place | undefined,
  countMax: number,
): PlacePage {
  context.environment.refresh();
  const isAmongUploads = after?.uploadId !== undefined;
  if (!isAmongUploads) {
    const page = placesOf(context, OBJECTS, after, countMax);
    if (page.places.length > 0) return page;
    const uploads = placesOf(context, UPLOADS, undefined, countMax);
    return { places: uploads.places, damages: [...page.damages, ...uploads.damages] };
  }
  return placesOf(context, UPLOADS, after, countMax);
}

/** Places of the first bucket that has any. */
function placesOf(
  context: StoreContext,
  walk: Walk,
  after: Place | undefined,
  countMax: number,
): PlacePage {
  const damages: PlacePage['damages'][number][] = [];
  let start = after === undefined ? Buffer.of(0) : bucketKey(after.bucket);
  for (;;) {
    const range = { start, end: Buffer.of(0xff), countMax: 1 };
    const [bucket] = context.environment.range('buckets', range);
    if (bucket === undefined) return { places: [], damages };
    const name = Buffer.from(bucket.key).toString('utf8');
    try {
      const { id } = decodeBucket(bucket.value);
      const isSame = after?.bucket === name;
      const first = isSame ? justAfter(walk.keyOf(id, after)) : bucketIdKey(id);
      const end = afterPrefix(bucketIdKey(id));
      const rows = context.environment.range(walk.table, { start: first, end, countMax });
      if (rows.length > 0) {
        const places = rows.map((row) => checkRow(context, walk, { name, id }, row, damages));
        return { places, damages };
      }
    } catch (error) {
      damages.push({ place: { bucket: name, key: '' }, damage: damageOf(error) });
    }
    start = justAfter(bucket.key);
  }
}

function checkRow(
  context: StoreContext,
  walk: Walk,
  bucket: { readonly name: string; readonly id: number },
  { key }: Entry,
  damages: PlacePage['damages'][number][],
): Place {
  const place = walk.placeOf(bucket.name, key);
  const isKey = walk.keyOf(bucket.id, place).equals(key);
  if (!isKey || context.environment.get(walk.table, key) === undefined) {
    const problem = isKey
      ? `a search in ${walk.table} does not find this row`
      : `a row of ${walk.table} has a damaged key`;
    damages.push({ place, damage: { kind: 'index', problem } });
  }
  return place;
}
