/**
 * Reading a range of a blob in verified blocks, one block ahead of the reader.
 *
 * A block is given back when the reader pulls the next one or leaves.
 *
 * @module
 */

import { crc32 } from '../kernels/crc.js';
import { DamagedBlobError, type BlobLayout, type BlobLocation } from './blob-store.js';

/** Reads exactly the bytes [startByte, endByte) of the data, or fewer at the end of the file. */
export type ReadBlock = (startByte: number, endByte: number) => Promise<Uint8Array>;

/** Takes a block back whose bytes nobody looks at any more. */
export type GiveBlock = (block: Uint8Array) => void;

export async function* readBlocks(
  location: BlobLocation,
  layout: BlobLayout,
  readBlock: ReadBlock,
  startByte: number,
  endByte: number,
  giveBlock: GiveBlock = () => undefined,
): AsyncGenerator<Uint8Array> {
  if (startByte >= endByte) return;
  const { blockSizeBytes, sizeBytes } = layout;
  const firstIndex = Math.floor(startByte / blockSizeBytes);
  const lastIndex = Math.floor((endByte - 1) / blockSizeBytes);
  const fetch = (index: number): Promise<Uint8Array> => {
    const block = readBlock(
      index * blockSizeBytes,
      Math.min(sizeBytes, (index + 1) * blockSizeBytes),
    );
    // A block read ahead may fail while the reader is busy with the one before. Its failure is
    // thrown where the block is used; unhandled until then it would end the process.
    block.catch(() => undefined);
    return block;
  };

  let next = fetch(firstIndex);
  let isNextTaken = false;
  try {
    for (let index = firstIndex; index <= lastIndex; index += 1) {
      const block = await next;
      if (index < lastIndex) next = fetch(index + 1);
      else isNextTaken = true;
      try {
        verifyBlock(location, layout, index, block);
        const blockStart = index * blockSizeBytes;
        yield block.subarray(
          Math.max(0, startByte - blockStart),
          Math.min(block.byteLength, endByte - blockStart),
        );
      } finally {
        giveBlock(block);
      }
    }
  } finally {
    // A read that nobody waits for any more must end before its descriptor may be closed.
    if (!isNextTaken) await next.then(giveBlock, () => undefined);
  }
}

/** @throws {DamagedBlobError} the block is short or does not match its checksum. */
function verifyBlock(
  location: BlobLocation,
  layout: BlobLayout,
  index: number,
  block: Uint8Array,
): void {
  const expectedBytes = Math.min(
    layout.blockSizeBytes,
    layout.sizeBytes - index * layout.blockSizeBytes,
  );
  const where = `block ${index} of blob ${location.blobId}`;
  if (block.byteLength !== expectedBytes) {
    throw new DamagedBlobError(
      location,
      `${where} holds ${block.byteLength} bytes, not ${expectedBytes}`,
    );
  }
  if (crc32(block) !== layout.blockChecksums[index]) {
    throw new DamagedBlobError(location, `${where} does not match its checksum`);
  }
}
