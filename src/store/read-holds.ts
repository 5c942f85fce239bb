/**
 * Keeps payloads from being removed under readers, across processes and without locks.
 *
 * A process reports how far its readers have come: the lowest write number at which an object is
 * being opened, and the uploads whose parts are being read. The sweeper removes a payload that
 * write number N made garbage only when every living process has reported N or more and does not
 * hold its upload: nobody who looks from then on can find it, and nobody has it open by name.
 *
 * @module
 */

/** What one process tells the sweeper. */
export interface ReadReport {
  readonly readableFrom: number;
  readonly heldUploads: readonly string[];
}

export class ReadHolds {
  readonly #opening = new Map<number, number>();
  readonly #uploads = new Map<string, number>();

  /** Marks an open under way at this point of the order of writes; call the result once. */
  beginOpen(sequence: number): () => void {
    return hold(this.#opening, sequence);
  }

  /** Keeps the parts of a completed upload until the result is called. */
  holdUpload(uploadId: string): () => void {
    return hold(this.#uploads, uploadId);
  }

  report(lastSequence: number): ReadReport {
    return {
      readableFrom: Math.min(lastSequence, ...this.#opening.keys()),
      heldUploads: [...this.#uploads.keys()],
    };
  }
}

function hold<Key>(counts: Map<Key, number>, key: Key): () => void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    const left = (counts.get(key) ?? 1) - 1;
    if (left === 0) counts.delete(key);
    else counts.set(key, left);
  };
}
