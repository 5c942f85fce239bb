// What a page of a listing costs: counted in entries that are read from the index, not in time.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import type { Entry, Environment } from '#src/metadata/environment.js';
import { openLmdbEnvironment } from '#src/metadata/lmdb-environment.js';
import { openMemoryEnvironment } from '#src/metadata/memory-environment.js';

import { putObject } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementTexts } from '../support/raw-request.js';

/** Fills a bucket with keys below prefixes. */
async function fill(fixture: Fixture, prefixCount: number, keysPerPrefix: number): Promise<void> {
  for (let prefix = 0; prefix < prefixCount; prefix += 1) {
    const keys = Array.from({ length: keysPerPrefix }, (_, key) => `${100 + prefix}/${1000 + key}`);
    await Promise.all(keys.map((key) => putObject(fixture, key, 'x')));
  }
}

/** Counts what both kinds of index hand out from now on; they work as before. */
async function countEntries(context: TestContext): Promise<() => number> {
  const path = await mkdtemp(join(tmpdir(), 's3ish-list-scale-'));
  const lmdb = openLmdbEnvironment({ path, isFsyncEnabled: false, epoch: undefined });
  const memory = openMemoryEnvironment();
  let count = 0;
  for (const environment of [lmdb, memory]) {
    const prototype = Object.getPrototypeOf(environment) as Environment;
    const range = prototype.range;
    context.mock.method(
      prototype,
      'range',
      function (this: Environment, ...query: Parameters<typeof range>) {
        const entries: readonly Entry[] = range.apply(this, query);
        count += entries.length;
        return entries;
      },
    );
  }
  await lmdb.close();
  await rm(path, { recursive: true });
  return () => count;
}

onEveryBackend('Listing at scale', (use) => {
  for (const query of ['delimiter=%2F&max-keys=5', 'list-type=2&delimiter=%2F&max-keys=5']) {
    test(`L17 the page ?${query} reads as much from a large bucket as from a small one`, async (context) => {
      const small = await use();
      const large = await use();
      await fill(small, 6, 1);
      await fill(large, 12, 60);
      const entriesRead = await countEntries(context);
      const costs: number[] = [];
      for (const { raw, bucket } of [small, large]) {
        const before = entriesRead();
        const page = await raw({ method: 'GET', path: `/${bucket}`, query });
        assert.deepEqual(elementTexts(page.text, 'Prefix').filter(Boolean), [
          ...['100/', '101/', '102/', '103/', '104/'],
        ]);
        assert.match(page.text, /<IsTruncated>true</);
        costs.push(entriesRead() - before);
      }
      assert.equal(costs[0], costs[1]);
      assert.ok((costs[1] ?? 0) >= 6, 'reads are counted');
    });
  }
});
