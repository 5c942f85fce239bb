/**
 * Opens copies of a data directory, each with one bit of the index flipped, and tells what came of
 * it. A process of its own: LMDB trusts its pages, and a damaged one may end the process.
 *
 * Arguments: the directory with `pristine/` and `expected.json`, and the flips as `byte.bit`, to be
 * tried in order. Each prints two lines: `begin`, then the outcome as JSON.
 *
 * @module
 */

import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { Place } from '#src/store/damage.js';
import { bumpEpoch, openStore, type OpenStore } from '#src/store/open-store.js';
import { S3Error } from '#src/s3/errors.js';

import { flipBit } from './damageable-server.js';

/** What one flip did; `wrong` must stay empty. */
export interface FlipOutcome {
  /** The store did not open. */
  readonly refused: string | undefined;
  /** Reads that failed with a fault. */
  readonly faults: number;
  /** Objects that were answered to be absent. */
  readonly missing: number;
  /** Wrong bytes, or an object that was never written. */
  readonly wrong: readonly string[];
  /** Damages that verification found, or the fault that ended it. */
  readonly scrubbed: readonly string[];
}

/** Payload in hex, by key. */
export type Expected = Readonly<Record<string, string>>;

const BUCKET = 'bucket';
/** In place of a flip: nothing is changed, and nothing may be found. */
export const CONTROL = 'none';

async function main([directory = '', ...flips]: readonly string[]): Promise<void> {
  const expected = JSON.parse(readFileSync(join(directory, 'expected.json'), 'utf8')) as Expected;
  for (const flip of flips) {
    console.log(`begin ${flip}`);
    const [byte, bit] = flip.split('.').map(Number);
    const path = join(directory, `flipped-${flip}`);
    mkdirSync(path, { recursive: true });
    cpSync(join(directory, 'pristine'), path, { recursive: true });
    if (flip !== CONTROL) flipBit(join(path, 'data.mdb'), byte ?? 0, bit ?? 0);
    const outcome = await probe(directory, path, expected);
    console.log(JSON.stringify(outcome));
    rmSync(path, { recursive: true, force: true });
  }
}

async function probe(base: string, path: string, expected: Expected): Promise<FlipOutcome> {
  let store: OpenStore;
  try {
    const epoch = await bumpEpoch(path, false);
    store = await openStore({
      ...{ backend: 'file', basePath: join(base, 'data'), metadataPath: path },
      ...{ isFsyncEnabled: false, inlineBytesMax: 4096, incarnation: 'probe', epoch },
    });
  } catch (error) {
    return { refused: String(error), faults: 0, missing: 0, wrong: [], scrubbed: [] };
  }
  try {
    const first = await readAll(store, expected);
    const scrubbed = await scrubAll(store);
    await writeSome(store);
    const second = await readAll(store, expected);
    const wrong = [...first.wrong, ...second.wrong];
    return { refused: undefined, ...first, wrong, scrubbed };
  } finally {
    await store.close().catch(() => undefined);
  }
}

async function readAll(store: OpenStore, expected: Expected) {
  let faults = 0;
  let missing = 0;
  const wrong: string[] = [];
  const attempt = async (read: () => Promise<void>): Promise<void> => {
    try {
      await read();
    } catch (error) {
      if (error instanceof S3Error) missing += 1;
      else faults += 1;
    }
  };
  store.refresh();
  for (const [key, hex] of Object.entries(expected)) {
    await attempt(async () => {
      const open = await store.openObject(BUCKET, key);
      const body = open.read({ startByte: 0, endByte: open.version.sizeBytes });
      const pieces: Uint8Array[] = [];
      if (body instanceof Uint8Array) pieces.push(body);
      else for await (const piece of body) pieces.push(Uint8Array.from(piece));
      open.close();
      if (Buffer.concat(pieces).toString('hex') !== hex) wrong.push(`bytes of ${key}`);
    });
  }
  await attempt(async () => {
    const query = { prefix: '', delimiter: '', after: '', afterIsCommonPrefix: false };
    const page = store.listObjects({ bucket: BUCKET, ...query, countMax: 1000 });
    const listed = page.objects.map(({ key }) => key).filter((key) => !key.startsWith('after-'));
    for (const key of listed) if (!(key in expected)) wrong.push(`${key} was never written`);
    missing += Object.keys(expected).length - listed.length;
  });
  await attempt(async () => {
    const { buckets } = store.listBuckets({ account: 'main', prefix: '', after: '', countMax: 10 });
    for (const { name } of buckets) if (name !== BUCKET) wrong.push(`bucket ${name}`);
    if (buckets.length === 0) missing += 1;
  });
  return { faults, missing, wrong };
}

async function scrubAll(store: OpenStore): Promise<string[]> {
  const { verifier } = store;
  const found: string[] = [];
  try {
    const damages = await verifier.verifyIndex(() => Promise.resolve());
    found.push(...damages.map(({ problem }) => problem));
    let after: Place | undefined;
    for (;;) {
      const page = verifier.placesAfter(after, 100);
      found.push(...page.damages.map(({ damage }) => damage.problem));
      for (const place of page.places) {
        const verified = await verifier.verify(place, () => undefined);
        found.push(...verified.damages.map(({ problem }) => problem));
      }
      after = page.places.at(-1);
      if (after === undefined) return found;
    }
  } catch (error) {
    return [...found, String(error)];
  }
}

/** Writes take free pages: a damaged list of them must not lead to wrong bytes either. */
async function writeSome(store: OpenStore): Promise<void> {
  for (let index = 0; index < 5; index += 1) {
    try {
      await using staged = await store.stageObject({
        ...{ bucket: BUCKET, key: `after-${index}`, sizeBytes: 3000 },
      });
      await staged.write(Buffer.alloc(3000, index));
      await staged.commit({
        ...{ etag: '0'.repeat(32), checksum: undefined, conditions: {}, tags: [] },
        attributes: { userMetadata: {} },
      });
    } catch {
      // Refusing to write is fine.
    }
  }
}

if (process.argv[1]?.endsWith('index-probe.js') === true) await main(process.argv.slice(2));
