/** A second blob with the bytes of a first, also where the file system refuses to link. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { openMemoryBlobs } from '#src/blobs/memory-blobs.js';
import { duplicateBlob } from '#src/store/duplicate-blob.js';
import type { Sidecar } from '#src/store/sidecar.js';

import { storeContextOf } from '../../support/store-context.js';

const BYTES = Buffer.alloc(600_000, 'some bytes ');
const SOURCE = { bucket: 'bucket', key: 'source', blobId: '1'.repeat(32) };
const TARGET = { bucket: 'bucket', key: 'target', blobId: '2'.repeat(32) };
const SIDECAR: Sidecar = {
  ...{ kind: 'object', ...TARGET, versionId: '', lastModifiedMs: 0, md5: '' },
  ...{ checksum: undefined, attributes: { userMetadata: {} }, tags: [] },
};

for (const isRefused of [false, true]) {
  test(`duplicateBlob gives the same bytes ${isRefused ? 'without' : 'by'} a link`, async () => {
    const blobs = openMemoryBlobs();
    const writer = await blobs.stage(SOURCE, BYTES.byteLength);
    await writer.write(BYTES);
    const layout = await writer.seal(() => '');
    await writer.keep();
    if (isRefused) blobs.link = () => Promise.resolve(undefined);

    const context = storeContextOf(blobs);
    await (await duplicateBlob(context, SOURCE, layout, SIDECAR))[Symbol.asyncDispose]();
    await assert.rejects(blobs.open(TARGET, layout), /missing/);

    const blob = await duplicateBlob(context, SOURCE, layout, SIDECAR);
    await blob.keep();
    await blob[Symbol.asyncDispose]();
    assert.deepEqual(blob.layout, layout);
    await blobs.remove(SOURCE);
    const reader = await blobs.open(TARGET, blob.layout);
    const pieces: Uint8Array[] = [];
    for await (const piece of reader.read(0, BYTES.byteLength)) {
      pieces.push(Uint8Array.from(piece));
    }
    assert(Buffer.concat(pieces).equals(BYTES));
  });
}

test('duplicateBlob of a blob that is missing is a fault and leaves nothing', async () => {
  for (const isRefused of [false, true]) {
    const blobs = openMemoryBlobs();
    if (isRefused) blobs.link = () => Promise.resolve(undefined);
    const layout = { sizeBytes: 5, blockSizeBytes: 262_144, blockChecksums: Uint32Array.of(1) };
    await assert.rejects(duplicateBlob(storeContextOf(blobs), SOURCE, layout, SIDECAR), /missing/);
    for await (const found of blobs.walk()) assert.fail(`left over: ${found.blobId}`);
  }
});
