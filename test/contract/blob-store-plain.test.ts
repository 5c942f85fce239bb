/** The contract of a blob store, in files; and what only files can suffer. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { DamagedBlobError, type BlobStore } from '#src/blobs/blob-store.js';
import { BLOCK_SIZE_BYTES } from '#src/blobs/block-checksums.js';
import { blobPaths } from '#src/blobs/layout.js';
import { openPlainBlobs } from '#src/blobs/plain-blobs.js';
import { FencedError } from '#src/util/fenced-error.js';

import { spyOnFlushes } from '../support/flush-spy.js';
import { blobStoreSuite, idsIn, locationOf, readBlob, storeBlob } from './blob-store.suite.js';

blobStoreSuite('files', async () => {
  const basePath = await newDirectory();
  const blobs = await openAt(basePath, 'one');
  return {
    blobs,
    dispose: async () => {
      await blobs.close();
      await rm(basePath, { recursive: true });
    },
  };
});

const PLACE = locationOf('a');
const dataFile = (basePath: string): string => join(blobPaths(basePath, PLACE).blob, 'data');

test('files 1: seal flushes data and sidecar, then the directories', async (context) => {
  const { basePath, blobs } = await fixture(context);
  const { flushes } = await spyOnFlushes(context);
  await using writer = await blobs.stage(PLACE, undefined);
  await writer.write(Buffer.from('payload'));
  await writer.seal(() => '{}');
  const { blob, key, fanOut, bucket } = blobPaths(basePath, PLACE);
  assert.deepEqual(flushes.slice(0, 2).sort(), [
    `fdatasync ${blob}/data`,
    `fdatasync ${blob}/metadata.json`,
  ]);
  const directories = [blob, key, fanOut, bucket, basePath];
  assert.deepEqual(flushes.slice(2).sort(), directories.map((path) => `fsync ${path}`).sort());
});

test('files 1: link flushes the sidecar, then the directories', async (context) => {
  const { basePath, blobs } = await fixture(context);
  await storeBlob(blobs, PLACE, Buffer.from('payload'));
  const { flushes } = await spyOnFlushes(context);
  await using linked = await blobs.link(PLACE, locationOf('b', 'another'), '{}');
  assert(linked !== undefined);
  const { blob, key, fanOut, bucket } = blobPaths(basePath, locationOf('b', 'another'));
  assert.equal(flushes[0], `fdatasync ${blob}/metadata.json`);
  // The base knows the bucket already.
  const directories = [blob, key, fanOut, bucket];
  assert.deepEqual(flushes.slice(1).sort(), directories.map((path) => `fsync ${path}`).sort());
});

for (const failing of ['/data', '/metadata.json', PLACE.blobId, '/bucket']) {
  test(`files 1: a failed flush of ${failing} is no seal, leaves nothing and fences`, async (context) => {
    const { basePath, blobs } = await fixture(context);
    const spy = await spyOnFlushes(context);
    spy.failOn(failing);
    {
      await using writer = await blobs.stage(PLACE, undefined);
      await writer.write(Buffer.from('payload'));
      await assert.rejects(
        writer.seal(() => '{}'),
        { code: 'EIO' },
      );
    }
    assert.equal(await idsIn(blobs), '');
    assert.deepEqual(marksIn(basePath), []);
    spy.succeed();
    await assert.rejects(blobs.stage(locationOf('b'), undefined), FencedError);
    const again = await openAt(basePath, 'two');
    await storeBlob(again, PLACE, Buffer.from('payload'));
  });
}

test('files 1: the data file is the payload, the sidecar what seal was given', async (context) => {
  const { basePath, blobs } = await fixture(context);
  await using writer = await blobs.stage(PLACE, undefined);
  await writer.write(Buffer.from('payload'));
  await writer.seal(({ sizeBytes }) => `sidecar of ${sizeBytes} bytes`);
  assert.equal(readFileSync(dataFile(basePath), 'utf8'), 'payload');
  const sidecar = readFileSync(join(blobPaths(basePath, PLACE).blob, 'metadata.json'), 'utf8');
  assert.equal(sidecar, 'sidecar of 7 bytes');
});

test('files 2: a mark stands from before the first byte until keep or disposal', async (context) => {
  const { basePath, blobs } = await fixture(context);
  const writer = await blobs.stage(PLACE, undefined);
  assert.deepEqual(marksIn(basePath), [PLACE.blobId]);
  await writer.seal(() => '{}');
  assert.deepEqual(marksIn(basePath), [PLACE.blobId]);
  await writer.keep();
  assert.deepEqual(marksIn(basePath), []);
  const dropped = await blobs.stage(locationOf('b'), undefined);
  assert.deepEqual(marksIn(basePath), [locationOf('b').blobId]);
  await dropped[Symbol.asyncDispose]();
  assert.deepEqual(marksIn(basePath), []);
});

test('files 2: sweepStaging removes what a dead process left, except what lives', async (context) => {
  const { basePath, blobs: dead } = await fixture(context);
  const layout = await storeBlob(dead, locationOf('a'), Buffer.from('kept'));
  const committed = await dead.stage(locationOf('b'), undefined);
  await committed.seal(() => '{}');
  const sealed = await dead.stage(locationOf('c'), undefined);
  await sealed.seal(() => '{}');
  const half = await dead.stage(locationOf('d', 'k'.repeat(1024)), undefined);
  await half.write(Buffer.from('half'));
  const living = await openAt(basePath, 'two');
  await living.stage(locationOf('e'), undefined);

  assert.deepEqual([...(await living.stagingIncarnations())].sort(), ['one', 'two']);
  const isCommitted = (blobId: string): boolean => blobId === locationOf('b').blobId;
  assert.equal(await living.sweepStaging('one', isCommitted), 2);
  assert.equal(await idsIn(living), 'abe');
  assert.deepEqual(await living.stagingIncarnations(), ['two']);
  assert.equal(await living.sweepStaging('one', isCommitted), 0, 'once more changes nothing');
  assert.equal((await readBlob(living, locationOf('a'), layout)).toString(), 'kept');
});

test('files 3: any flipped byte is detected, whichever range asks for its block', async (context) => {
  const { basePath, blobs } = await fixture(context);
  const payload = randomBytes(600);
  const layout = await storeBlob(blobs, PLACE, payload);
  for (let at = 0; at < payload.length; at += 1) {
    const flipped = Buffer.from(payload);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    await writeFile(dataFile(basePath), flipped);
    await assert.rejects(readBlob(blobs, PLACE, layout), DamagedBlobError, `byte ${at}`);
    await assert.rejects(readBlob(blobs, PLACE, layout, [300, 301]), DamagedBlobError);
  }
  await writeFile(dataFile(basePath), payload);
  assert.deepEqual(await readBlob(blobs, PLACE, layout), payload);
});

const DAMAGES: Readonly<Record<string, (file: string, sizeBytes: number) => Promise<void>>> = {
  'cut by a byte': (file, sizeBytes) => truncate(file, sizeBytes - 1),
  'cut to nothing': (file) => truncate(file, 0),
  'longer by a byte': (file) => appendFile(file, 'x'),
  'another file of the same size': (file, sizeBytes) => writeFile(file, randomBytes(sizeBytes)),
  'zeroes in its last page': async (file, sizeBytes) => {
    const handle = await open(file, 'r+');
    await handle.write(Buffer.alloc(4096), 0, 4096, sizeBytes - 4096);
    await handle.close();
  },
  removed: (file) => rm(file),
  'a directory': async (file) => {
    await rm(file);
    await mkdir(file);
  },
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  test(`files 3: a data file that is ${what} is detected`, async (context) => {
    const { basePath, blobs } = await fixture(context);
    const payload = randomBytes(2 * BLOCK_SIZE_BYTES);
    const layout = await storeBlob(blobs, PLACE, payload);
    await damage(dataFile(basePath), payload.length);
    await assert.rejects(readBlob(blobs, PLACE, layout), DamagedBlobError);
  });
}

for (const what of ['cut by a byte', 'another file of the same size'] as const) {
  test(`files 3: a data file that becomes ${what} under a reader is detected`, async (context) => {
    const { basePath, blobs } = await fixture(context);
    const payload = randomBytes(6 * BLOCK_SIZE_BYTES);
    const layout = await storeBlob(blobs, PLACE, payload);
    const reader = await blobs.open(PLACE, layout);
    const seen: Buffer[] = [];
    await assert.rejects(async () => {
      for await (const piece of reader.read(0, payload.length)) {
        seen.push(Buffer.from(piece));
        if (seen.length === 2) await DAMAGES[what]?.(dataFile(basePath), payload.length);
      }
    }, DamagedBlobError);
    reader.close();
    const bytes = Buffer.concat(seen);
    assert(bytes.length >= 2 * BLOCK_SIZE_BYTES && bytes.length < payload.length);
    assert.deepEqual(bytes, payload.subarray(0, bytes.length));
  });
}

test('files 3: a file that grows under a reader changes nothing for it', async (context) => {
  const { basePath, blobs } = await fixture(context);
  const payload = randomBytes(2 * BLOCK_SIZE_BYTES + 1);
  const layout = await storeBlob(blobs, PLACE, payload);
  const reader = await blobs.open(PLACE, layout);
  await appendFile(dataFile(basePath), 'x');
  const pieces: Buffer[] = [];
  for await (const piece of reader.read(0, payload.length)) pieces.push(Buffer.from(piece));
  reader.close();
  assert.deepEqual(Buffer.concat(pieces), payload);
});

test('files: a link is the same file, not a copy', async (context) => {
  const { basePath, blobs } = await fixture(context);
  await storeBlob(blobs, PLACE, Buffer.from('payload'));
  await using linked = await blobs.link(PLACE, locationOf('b'), 'its own sidecar');
  assert(linked !== undefined);
  const directory = blobPaths(basePath, locationOf('b')).blob;
  await appendFile(join(directory, 'data'), '!');
  assert.equal(readFileSync(dataFile(basePath), 'utf8'), 'payload!');
  assert.equal(await readFile(join(directory, 'metadata.json'), 'utf8'), 'its own sidecar');
});

test('files: nothing of a removed blob stays, and neighbours do', async (context) => {
  const { basePath, blobs } = await fixture(context);
  await storeBlob(blobs, PLACE, Buffer.from('1'));
  await storeBlob(blobs, locationOf('b'), Buffer.from('2'));
  await blobs.remove(PLACE);
  assert.equal(existsSync(blobPaths(basePath, PLACE).key), true);
  await blobs.remove(locationOf('b'));
  assert.equal(existsSync(blobPaths(basePath, PLACE).fanOut), false);
});

async function fixture(context: TestContext): Promise<{ basePath: string; blobs: BlobStore }> {
  const basePath = await newDirectory();
  context.after(() => rm(basePath, { recursive: true }));
  return { basePath, blobs: await openAt(basePath, 'one') };
}

function newDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 's3ish-blobs-'));
}

function openAt(basePath: string, incarnation: string): Promise<BlobStore> {
  return openPlainBlobs({ basePath, isFsyncEnabled: true, incarnation });
}

function marksIn(basePath: string): string[] {
  const staging = join(basePath, '.s3ish', 'staging');
  return readdirSync(staging).flatMap((incarnation) => readdirSync(join(staging, incarnation)));
}
