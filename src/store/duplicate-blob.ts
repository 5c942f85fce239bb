/**
 * A second blob with the bytes of a first: by hard link, or by copying where the file system
 * refuses one.
 *
 * @module
 */

import type { BlobLayout, BlobLocation } from '../blobs/blob-store.js';
import type { StoreContext } from './context.js';
import type { SealedBlob } from './manifest.js';
import { writeSidecar, type Sidecar } from './sidecar.js';

/** @param sidecar - of the new blob; it says where that one lies. */
export async function duplicateBlob(
  context: StoreContext,
  source: BlobLocation,
  layout: BlobLayout,
  sidecar: Sidecar,
): Promise<SealedBlob> {
  const { bucket, key, blobId } = sidecar;
  const target = { bucket, key, blobId };
  const linked = await context.blobs.link(source, target, writeSidecar(sidecar, layout));
  if (linked === undefined) return copyBlob(context, source, layout, sidecar);
  return {
    layout,
    keep: () => linked.keep(),
    [Symbol.asyncDispose]: () => linked[Symbol.asyncDispose](),
  };
}

async function copyBlob(
  context: StoreContext,
  source: BlobLocation,
  layout: BlobLayout,
  sidecar: Sidecar,
): Promise<SealedBlob> {
  const { bucket, key, blobId } = sidecar;
  const reader = await context.blobs.open(source, layout);
  try {
    const writer = await context.blobs.stage({ bucket, key, blobId }, layout.sizeBytes);
    try {
      for await (const piece of reader.read(0, layout.sizeBytes, true)) await writer.write(piece);
      return {
        layout: await writer.seal((copied) => writeSidecar(sidecar, copied)),
        keep: () => writer.keep(),
        [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
      };
    } catch (error) {
      await writer[Symbol.asyncDispose]();
      throw error;
    }
  } finally {
    reader.close();
  }
}
