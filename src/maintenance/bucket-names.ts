/**
 * From the id in a row's key to the name of its bucket.
 *
 * @module
 */

import type { Environment } from '../metadata/environment.js';
import { bucketKey, justAfter } from '../metadata/keys.js';
import { decodeBucket } from '../metadata/records.js';
import { readable } from './check-context.js';

const PAGE_COUNT = 1000;
const LAST_NAME = Buffer.of(0xff);

export class BucketNames {
  readonly #environment: Environment;
  #names = new Map<number, string>();
  #readAt = -1;
  /** A record could not be read. */
  isIncomplete = false;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** The name in the snapshot at hand; undefined when no bucket has this id. */
  nameOf(id: number): string | undefined {
    const name = this.#names.get(id);
    if (name !== undefined && this.idOf(name) === id) return name;
    // Buckets come and go with a write of the store.
    const last = readable(() => this.#environment.lastSequence());
    if (last === this.#readAt) return undefined;
    this.#readAt = last ?? -1;
    this.#names = this.#read();
    return this.#names.get(id);
  }

  idOf(name: string): number | undefined {
    const bytes = this.#environment.get('buckets', bucketKey(name));
    return bytes && readable(() => decodeBucket(bytes).id);
  }

  #read(): Map<number, string> {
    const names = new Map<number, string>();
    let start: Buffer = Buffer.of(0);
    for (;;) {
      const range = { start, end: LAST_NAME, countMax: PAGE_COUNT };
      const rows = this.#environment.range('buckets', range);
      for (const { key, value } of rows) {
        const id = readable(() => decodeBucket(value).id);
        this.isIncomplete ||= id === undefined;
        if (id !== undefined) names.set(id, Buffer.from(key).toString('utf8'));
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE_COUNT) return names;
      start = justAfter(last.key);
    }
  }
}
