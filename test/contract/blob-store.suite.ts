/**
 * The contract of a blob store, run on each implementation: the numbered invariants of
 * `src/blobs/blob-store.ts`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';

import {
  DamagedBlobError,
  type BlobLayout,
  type BlobLocation,
  type BlobReader,
  type BlobStore,
} from '#src/blobs/blob-store.js';
import { BLOCK_SIZE_BYTES } from '#src/blobs/block-checksums.js';

/** Opens a store without blobs; `dispose` closes it and removes what it left. */
export type OpenBlobs = () => Promise<{
  readonly blobs: BlobStore;
  readonly dispose: () => Promise<void>;
}>;

/** Sizes around everything that is counted in bytes. */
const SIZES = [
  ...[0, 1, BLOCK_SIZE_BYTES - 1, BLOCK_SIZE_BYTES, BLOCK_SIZE_BYTES + 1],
  ...[3 * BLOCK_SIZE_BYTES, 1024 * 1024 + 1],
];

export function locationOf(digit: string, key = 'a key'): BlobLocation {
  return { bucket: 'bucket', key, blobId: digit.repeat(32) };
}

/** Stages, seals and keeps a blob. */
export async function storeBlob(
  blobs: BlobStore,
  location: BlobLocation,
  payload: Uint8Array,
): Promise<BlobLayout> {
  await using writer = await blobs.stage(location, payload.byteLength);
  await writer.write(Uint8Array.from(payload));
  const layout = await writer.seal(() => '{}\n');
  await writer.keep();
  return layout;
}

export async function readBlob(
  blobs: BlobStore,
  location: BlobLocation,
  layout: BlobLayout,
  [startByte, endByte] = [0, layout.sizeBytes],
): Promise<Buffer> {
  const reader = await blobs.open(location, layout);
  try {
    return await collect(reader, startByte, endByte);
  } finally {
    reader.close();
  }
}

async function collect(reader: BlobReader, startByte: number, endByte: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of reader.read(startByte, endByte)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** Blob ids in the store, first digits only. */
export async function idsIn(blobs: BlobStore): Promise<string> {
  const ids: string[] = [];
  for await (const { blobId } of blobs.walk()) ids.push(blobId.slice(0, 1));
  return ids.sort().join('');
}

export function blobStoreSuite(name: string, openBlobs: OpenBlobs): void {
  describe(`BlobStore on ${name}`, () => {
    let blobs: BlobStore;
    let dispose: () => Promise<void>;
    beforeEach(async () => ({ blobs, dispose } = await openBlobs()));
    afterEach(() => dispose());

    for (const sizeBytes of SIZES) {
      test(`1: a blob of ${sizeBytes} bytes is read back, in pieces of any size`, async () => {
        const payload = randomBytes(sizeBytes);
        await using writer = await blobs.stage(locationOf('a'), undefined);
        for (let at = 0, step = 1; at < sizeBytes; at += step, step = step * 7 + 1) {
          await writer.write(Uint8Array.from(payload.subarray(at, at + step)));
        }
        const layout = await writer.seal(() => '{}');
        await writer.keep();
        assert.equal(layout.sizeBytes, sizeBytes);
        assert.equal(layout.blockChecksums.length, Math.ceil(sizeBytes / layout.blockSizeBytes));
        assert.deepEqual(await readBlob(blobs, locationOf('a'), layout), payload);
      });
    }

    test('1: any range is read back', async () => {
      const payload = randomBytes(2 * BLOCK_SIZE_BYTES + 100);
      const layout = await storeBlob(blobs, locationOf('a'), payload);
      const edges = [0, 1, BLOCK_SIZE_BYTES - 1, BLOCK_SIZE_BYTES, BLOCK_SIZE_BYTES + 1];
      for (const start of edges) {
        for (const end of [...edges, 2 * BLOCK_SIZE_BYTES, payload.length]) {
          if (end < start) continue;
          const found = await readBlob(blobs, locationOf('a'), layout, [start, end]);
          assert.deepEqual(found, payload.subarray(start, end), `${start} to ${end}`);
        }
      }
    });

    test('1: blobs of one key are separate', async () => {
      const layouts = [
        await storeBlob(blobs, locationOf('a'), Buffer.from('first')),
        await storeBlob(blobs, locationOf('b'), Buffer.from('second')),
      ] as const;
      assert.equal((await readBlob(blobs, locationOf('a'), layouts[0])).toString(), 'first');
      assert.equal((await readBlob(blobs, locationOf('b'), layouts[1])).toString(), 'second');
    });

    test('1: a reader keeps its bytes when the blob is removed', async () => {
      const payload = randomBytes(3 * BLOCK_SIZE_BYTES);
      const layout = await storeBlob(blobs, locationOf('a'), payload);
      const reader = await blobs.open(locationOf('a'), layout);
      await blobs.remove(locationOf('a'));
      assert.deepEqual(await collect(reader, 0, layout.sizeBytes), payload);
      reader.close();
      await assert.rejects(blobs.open(locationOf('a'), layout), DamagedBlobError);
    });

    test('2: a blob that was not kept goes on disposal, sealed or not', async () => {
      for (const isSealed of [false, true]) {
        {
          await using writer = await blobs.stage(locationOf('a'), undefined);
          await writer.write(Buffer.from('payload'));
          if (isSealed) await writer.seal(() => '{}');
        }
        assert.equal(await idsIn(blobs), '');
      }
    });

    test('2: a kept blob stays on disposal, which may come twice', async () => {
      const writer = await blobs.stage(locationOf('a'), undefined);
      await writer.write(Buffer.from('payload'));
      const layout = await writer.seal(() => '{}');
      await writer.keep();
      await writer[Symbol.asyncDispose]();
      await writer[Symbol.asyncDispose]();
      assert.equal((await readBlob(blobs, locationOf('a'), layout)).toString(), 'payload');
    });

    test('link makes a second blob of the same bytes that outlives the first', async () => {
      const payload = randomBytes(BLOCK_SIZE_BYTES + 5);
      const layout = await storeBlob(blobs, locationOf('a'), payload);
      const target = locationOf('b', 'another key');
      {
        await using linked = await blobs.link(locationOf('a'), target, '{}');
        assert(linked !== undefined);
        await linked.keep();
      }
      await blobs.remove(locationOf('a'));
      assert.deepEqual(await readBlob(blobs, target, layout), payload);
    });

    test('link leaves the source alone when the target is not kept', async () => {
      const layout = await storeBlob(blobs, locationOf('a'), Buffer.from('payload'));
      await using linked = await blobs.link(locationOf('a'), locationOf('b'), '{}');
      assert(linked !== undefined);
      await linked[Symbol.asyncDispose]();
      assert.equal(await idsIn(blobs), 'a');
      assert.equal((await readBlob(blobs, locationOf('a'), layout)).toString(), 'payload');
    });

    test('link of a missing blob is a fault and leaves nothing', async () => {
      await assert.rejects(blobs.link(locationOf('a'), locationOf('b'), '{}'), DamagedBlobError);
      assert.equal(await idsIn(blobs), '');
    });

    test('remove takes one blob; an absent one is fine', async () => {
      await storeBlob(blobs, locationOf('a'), Buffer.from('1'));
      await storeBlob(blobs, locationOf('b'), Buffer.from('2'));
      await blobs.remove(locationOf('a'));
      await blobs.remove(locationOf('a'));
      await blobs.remove(locationOf('c', 'never written'));
      assert.equal(await idsIn(blobs), 'b');
    });

    test('walk tells what is staged and removes what it is told to', async () => {
      await storeBlob(blobs, locationOf('a'), Buffer.from('1'));
      await using staged = await blobs.stage(locationOf('b'), undefined);
      await staged.seal(() => '{}');
      const isStaged: Record<string, boolean> = {};
      for await (const blob of blobs.walk()) {
        isStaged[blob.blobId.slice(0, 1)] = await blob.isStaged();
        assert.equal(blob.bucket, 'bucket');
        assert(Math.abs(blob.modifiedMs - Date.now()) < 3_600_000);
        if (blob.blobId.startsWith('a')) await blob.remove();
      }
      assert.deepEqual(isStaged, { a: false, b: true });
      assert.equal(await idsIn(blobs), 'b');
    });

    test('3: a blob that is missing is a fault', async () => {
      const layout = await storeBlob(blobs, locationOf('a'), Buffer.from('payload'));
      await assert.rejects(blobs.open(locationOf('b'), layout), DamagedBlobError);
    });

    test('3: a blob of another size than its record says is a fault', async () => {
      const layout = await storeBlob(blobs, locationOf('a'), Buffer.from('payload'));
      for (const sizeBytes of [6, 8]) {
        const wrong = { ...layout, sizeBytes };
        await assert.rejects(readBlob(blobs, locationOf('a'), wrong), DamagedBlobError);
      }
    });

    test('3: the bytes of another blob of the same size are a fault', async () => {
      const layouts = [
        await storeBlob(blobs, locationOf('a'), Buffer.from('payload')),
        await storeBlob(blobs, locationOf('b'), Buffer.from('PAYLOAD')),
      ] as const;
      await assert.rejects(readBlob(blobs, locationOf('a'), layouts[1]), DamagedBlobError);
    });

    test('3: bytes before a damaged block are right, and none of the block is yielded', async () => {
      const payload = randomBytes(3 * BLOCK_SIZE_BYTES);
      const layout = await storeBlob(blobs, locationOf('a'), payload);
      layout.blockChecksums[1] = (layout.blockChecksums[1] ?? 0) ^ 1;
      const reader = await blobs.open(locationOf('a'), layout);
      const pieces: Buffer[] = [];
      await assert.rejects(async () => {
        for await (const piece of reader.read(0, payload.length)) pieces.push(Buffer.from(piece));
      }, DamagedBlobError);
      reader.close();
      assert.deepEqual(Buffer.concat(pieces), payload.subarray(0, BLOCK_SIZE_BYTES));
    });

    test('3: a range that only touches a damaged block is refused', async () => {
      const payload = randomBytes(3 * BLOCK_SIZE_BYTES);
      const layout = await storeBlob(blobs, locationOf('a'), payload);
      layout.blockChecksums[1] = (layout.blockChecksums[1] ?? 0) ^ 1;
      const byteBefore = [BLOCK_SIZE_BYTES - 1, BLOCK_SIZE_BYTES] as const;
      assert.equal((await readBlob(blobs, locationOf('a'), layout, [...byteBefore])).length, 1);
      const byteInside = [BLOCK_SIZE_BYTES, BLOCK_SIZE_BYTES + 1] as const;
      await assert.rejects(
        readBlob(blobs, locationOf('a'), layout, [...byteInside]),
        DamagedBlobError,
      );
    });
  });
}
