/**
 * How a request's body proves that it is what was signed. Decided by `authenticate`, applied by
 * `operations/payload.ts`.
 *
 * @module
 */

import type { ChunkSigning } from '../wire/chunk-signatures.js';

/** How a streamed body proves itself; made by `auth/` from the verified request head. */
export type PayloadVerification =
  /** Header named the body's SHA-256; hex, lower-case. */
  | { readonly mode: 'sha256'; readonly sha256Hex: string }
  | { readonly mode: 'unsigned' }
  /** aws-chunked; `signing` present when each chunk carries a signature. */
  | {
      readonly mode: 'aws-chunked';
      readonly hasTrailer: boolean;
      readonly signing: ChunkSigning | undefined;
    };
