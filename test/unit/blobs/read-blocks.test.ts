import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';

import { DamagedBlobError, type BlobLayout } from '#src/blobs/blob-store.js';
import { readBlocks } from '#src/blobs/read-blocks.js';

const LOCATION = { bucket: 'bucket', key: 'key', blobId: '0'.repeat(32) };
const BLOCK = Buffer.from('abcd');
const LAYOUT: BlobLayout = {
  sizeBytes: 10,
  blockSizeBytes: 4,
  blockChecksums: Uint32Array.of(crc32(BLOCK), crc32(BLOCK), crc32(Buffer.from('ab'))),
};
const PAYLOAD = Buffer.from('abcdabcdab');

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += Buffer.from(piece).toString();
  return text;
}

test('readBlocks yields exactly the range, wherever it starts and ends', async () => {
  for (let start = 0; start <= PAYLOAD.length; start += 1) {
    for (let end = start; end <= PAYLOAD.length; end += 1) {
      const read = (from: number, to: number) => Promise.resolve(PAYLOAD.subarray(from, to));
      const text = await collect(readBlocks(LOCATION, LAYOUT, read, start, end));
      assert.equal(text, PAYLOAD.toString('utf8', start, end));
    }
  }
});

test('readBlocks refuses a changed and a short block before yielding any of it', async () => {
  for (const block of ['abcx', 'abc']) {
    const read = () => Promise.resolve(Buffer.from(block));
    await assert.rejects(collect(readBlocks(LOCATION, LAYOUT, read, 1, 2)), DamagedBlobError);
  }
});

test('readBlocks reports a read that fails ahead of a slow reader to that reader', async () => {
  const unhandled: unknown[] = [];
  const note = (fault: unknown): number => unhandled.push(fault);
  process.on('unhandledRejection', note);
  try {
    const fault = new Error('EIO');
    const read = (start: number): Promise<Uint8Array> =>
      start === 0 ? Promise.resolve(BLOCK) : Promise.reject(fault);
    const pieces = readBlocks(LOCATION, LAYOUT, read, 0, 10);
    await pieces.next();
    // The reader is busy sending while the block it has not asked for yet cannot be read.
    await turn();
    await turn();
    await assert.rejects(pieces.next(), fault);
    assert.deepEqual(unhandled, [], 'nobody but the reader hears of it');
  } finally {
    process.off('unhandledRejection', note);
  }
});
