/**
 * The blob of a manifest: no bytes, and a sidecar that names the parts of an object in order.
 *
 * @module
 */

import type { BlobLayout } from '../blobs/blob-store.js';
import type { StoreContext } from './context.js';
import { writeSidecar, type ManifestSidecar } from './sidecar.js';

/** A blob that is sealed and becomes alive with its record. */
export interface SealedBlob extends AsyncDisposable {
  readonly layout: BlobLayout;
  keep(): Promise<void>;
}

export async function sealManifest(
  context: StoreContext,
  manifest: Omit<ManifestSidecar, 'kind' | 'versionId'>,
): Promise<SealedBlob> {
  const { bucket, key, blobId } = manifest;
  const writer = await context.blobs.stage({ bucket, key, blobId }, 0);
  try {
    const layout = await writer.seal((empty) =>
      writeSidecar({ kind: 'manifest', versionId: '', ...manifest }, empty),
    );
    return {
      layout,
      keep: () => writer.keep(),
      [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
    };
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
}
