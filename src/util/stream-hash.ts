/**
 * A hash of bytes that come in pieces, wherever it is computed.
 *
 * @module
 */

import { createHash } from 'node:crypto';

/** Either finished or abandoned, once. */
export interface StreamHash {
  /**
   * Takes the next bytes; their memory is free again when this returns, or when what it returned
   * resolves. Call it again only then.
   */
  update(piece: Uint8Array): Promise<void> | undefined;
  /** The hash of all bytes, hex. */
  finish(): string | Promise<string>;
  /** The body has failed: nobody wants its hash. Nothing happens after `finish`. */
  abandon(): void;
}

/** Algorithms of Node that are offered. */
export type HashName = 'md5';

/** A hash that is computed where it is asked for, as the bytes come. */
export function inlineHash(name: HashName): StreamHash {
  const hash = createHash(name);
  return {
    update: (piece) => {
      hash.update(piece);
      return undefined;
    },
    finish: () => hash.digest('hex'),
    abandon: () => undefined,
  };
}
