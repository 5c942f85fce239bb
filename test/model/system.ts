/**
 * What a model run does to a store, as plain data, and what it gets back, in words that the model,
 * the store and the HTTP interface share.
 *
 * @module
 */

import { createHash } from 'node:crypto';

/** Larger objects lie in files: what is appended to them becomes a part, which shows in the ETag. */
export { INLINE_BYTES_MAX } from '../support/in-process-server.js';

/** Bytes that a seed and a size name: cut out of one buffer of noise. */
export interface Payload {
  readonly seed: number;
  readonly sizeBytes: number;
}

export interface Conditions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: '*';
}

export interface Place {
  readonly bucket: string;
  readonly key: string;
}

/** What goes wrong while an action is carried out. */
export interface Interruption {
  /**
   * - `disk`: calls to the files fail. `full`: those and commits, for want of room.
   * - `index`: commits fail. `answer`: they succeed, and nobody hears of it.
   * - `crash`: everything stops; the store is opened again without having been closed.
   */
  readonly kind: 'disk' | 'full' | 'index' | 'answer' | 'crash';
  /** That many of its calls go well. */
  readonly afterCalls: number;
}

/** One step. Uploads are named by their number in the order of creation. */
export type Action =
  | { readonly kind: 'createBucket' | 'deleteBucket' | 'counters'; readonly bucket: string }
  | (Place & { readonly kind: 'put'; readonly payload: Payload; readonly conditions: Conditions })
  | (Place & { readonly kind: 'get'; readonly range?: readonly [number, number] })
  | (Place & { readonly kind: 'head' })
  /** Puts bytes behind what is there; creates the object where nothing is. */
  | (Place & {
      readonly kind: 'append';
      readonly payload: Payload;
      /** Size of what is there; undefined when nothing is. */
      readonly offsetBytes: number | undefined;
    })
  /** Sets one tag, or none. */
  | (Place & { readonly kind: 'setTag'; readonly tag: string | undefined })
  | (Place & { readonly kind: 'getTag' })
  /** Opens the object, does something to it, sweeps, and only then reads what was opened. */
  | (Place & { readonly kind: 'getWhile'; readonly change: Action })
  | (Place & { readonly kind: 'delete'; readonly ifMatch?: string })
  | { readonly kind: 'deleteMany'; readonly bucket: string; readonly keys: readonly string[] }
  | (Place & {
      readonly kind: 'copy';
      readonly source: Place;
      readonly conditions: Conditions;
    })
  | (Place & {
      readonly kind: 'rename';
      readonly sourceKey: string;
      readonly conditions: Conditions;
    })
  | {
      readonly kind: 'list';
      readonly bucket: string;
      readonly prefix: string;
      readonly delimiter: string;
      readonly startAfter: string;
      readonly countMax: number;
    }
  | (Place & { readonly kind: 'createUpload'; readonly seed: number })
  | {
      readonly kind: 'uploadPart';
      readonly upload: number;
      readonly partNumber: number;
      readonly payload: Payload;
    }
  | {
      readonly kind: 'copyPart';
      readonly upload: number;
      readonly partNumber: number;
      readonly source: Place;
      readonly range?: readonly [number, number];
    }
  | {
      readonly kind: 'complete';
      readonly upload: number;
      readonly parts: readonly { readonly partNumber: number; readonly etag: string }[];
      readonly conditions: Conditions;
    }
  | { readonly kind: 'abort'; readonly upload: number }
  | { readonly kind: 'listParts'; readonly upload: number; readonly countMax: number }
  | {
      readonly kind: 'listUploads';
      readonly bucket: string;
      readonly prefix: string;
      readonly countMax: number;
    }
  | { readonly kind: 'sweep' }
  /** Closes the store first, or does not. */
  | { readonly kind: 'reopen'; readonly isClean: boolean }
  /** The clock jumps. */
  | { readonly kind: 'clock'; readonly byMs: number }
  | { readonly kind: 'interrupt'; readonly change: Action; readonly by: Interruption };

/** What a step shows: plain data, or the code of an S3 error. */
export type Outcome = unknown;

/** The answer got lost: the action was carried out as a whole or not at all. */
export const NO_ANSWER = Symbol('no answer');
/** This system has no way to show it. */
export const NOT_SHOWN = Symbol('not shown');

export interface System {
  apply(action: Action): Promise<Outcome>;
}

/** Smallest part that is not the last, far below S3's so that runs are quick. */
export const PART_SIZE_BYTES_MIN = 1024;

const NOISE = noise(3 * 1024 * 1024);

export function bytesOf({ seed, sizeBytes }: Payload): Buffer {
  return NOISE.subarray(seed, seed + sizeBytes);
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** Order of S3 listings. */
export function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** xorshift: the same bytes in every run. */
function noise(sizeBytes: number): Buffer {
  const words = new Uint32Array(sizeBytes / 4);
  let state = 0x9e3779b9;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return Buffer.from(words.buffer);
}
