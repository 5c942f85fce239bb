/**
 * Payload bytes on their way in: kept in memory while they may go inline, else written to a blob.
 *
 * @module
 */

import type { BlobLayout, BlobWriter } from '../blobs/blob-store.js';
import { newBlobId } from '../util/ids.js';
import type { StoreContext } from './context.js';

/** What the payload became. */
export type SealedPayload =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'plain'; readonly blobId: string; readonly layout: BlobLayout };

export interface StagePayload {
  readonly bucket: string;
  readonly key: string;
  readonly sizeBytes: number | undefined;
  /** 0 forces a blob. */
  readonly inlineBytesMax: number;
}

/** Pieces of an inline payload that wait side by side. */
const INLINE_PIECES_COUNT_MAX = 64;

export class StagedPayload implements AsyncDisposable {
  readonly #context: StoreContext;
  readonly #input: StagePayload;
  #pieces: Uint8Array[] = [];
  #sizeBytes = 0;
  #writer: BlobWriter | undefined;
  #isUncertain = false;

  constructor(context: StoreContext, input: StagePayload) {
    this.#context = context;
    this.#input = input;
  }

  /** @param piece - is copied: the caller may use its memory again. */
  async write(piece: Uint8Array): Promise<void> {
    this.#sizeBytes += piece.byteLength;
    const expected = Math.max(this.#sizeBytes, this.#input.sizeBytes ?? 0);
    if (this.#writer === undefined && expected <= this.#input.inlineBytesMax) {
      this.#pieces.push(Buffer.from(piece));
      // A body of tiny pieces would cost many times its bytes.
      if (this.#pieces.length >= INLINE_PIECES_COUNT_MAX) this.#pieces = [joined(this.#pieces)];
      return;
    }
    const writer = await this.#blob();
    await writer.write(piece);
  }

  /** Makes the payload durable. Inline payloads become durable with their record. */
  async seal(sidecar: (blobId: string, layout: BlobLayout) => string): Promise<SealedPayload> {
    if (this.#writer === undefined && this.#sizeBytes <= this.#input.inlineBytesMax) {
      const isDirect = this.#input.inlineBytesMax > 0;
      if (isDirect) return { kind: 'inline', bytes: joined(this.#pieces) };
    }
    const writer = await this.#blob();
    const { blobId } = writer.location;
    const layout = await writer.seal((finished) => sidecar(blobId, finished));
    return { kind: 'plain', blobId, layout };
  }

  /**
   * Runs the commit. When it fails in a way that leaves open whether it happened, the blob is
   * left for the sweeper, which asks the index; removing it here could lose a committed version.
   */
  async publish<Output>(
    commit: () => Promise<Output>,
    isRefusal: (error: unknown) => boolean,
  ): Promise<Output> {
    this.#isUncertain = true;
    try {
      const output = await commit();
      await this.#writer?.keep();
      return output;
    } catch (error) {
      if (isRefusal(error)) this.#isUncertain = false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pieces = [];
    if (!this.#isUncertain) await this.#writer?.[Symbol.asyncDispose]();
  }

  async #blob(): Promise<BlobWriter> {
    if (this.#writer !== undefined) return this.#writer;
    const { bucket, key, sizeBytes } = this.#input;
    const blobId = newBlobId(this.#context.nowMs());
    this.#writer = await this.#context.blobs.stage({ bucket, key, blobId }, sizeBytes);
    for (const piece of this.#pieces) await this.#writer.write(piece);
    this.#pieces = [];
    return this.#writer;
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
}
