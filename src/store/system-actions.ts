/**
 * Aftercare and generations in the index, as actions.
 *
 * @module
 */

import type { WriteView } from '../metadata/environment.js';
import {
  blobIdKey,
  INDEX_FORMAT,
  KEEP_ORPHANS_KEY,
  manifestKey,
  partKey,
} from '../metadata/keys.js';
import { decodeNumber, encodeNumber } from '../metadata/record-codec.js';

/** Forgets garbage whose files are gone, with the part rows that belonged to it. */
export function forgetGarbageAction(
  txn: WriteView,
  input: readonly {
    readonly key: Uint8Array;
    readonly uploadId: string | undefined;
    readonly parts: readonly { readonly partNumber: number; readonly blobId: string }[];
    readonly blobId: string;
  }[],
): void {
  for (const entry of input) {
    txn.remove('garbage', entry.key);
    if (entry.blobId !== '') txn.remove('layouts', blobIdKey(entry.blobId));
    if (entry.uploadId === undefined) continue;
    txn.remove('manifests', manifestKey(entry.uploadId));
    for (const part of entry.parts) {
      txn.remove('parts', partKey(entry.uploadId, part.partNumber));
      txn.remove('layouts', blobIdKey(part.blobId));
    }
  }
}

/** Begins a new server generation; writes of older ones are refused from here on. */
export function setEpochAction(
  txn: WriteView,
  input: { readonly key: Uint8Array; readonly format: Uint8Array },
): number {
  const bytes = txn.get('system', input.key);
  const epoch = (bytes === undefined ? 0 : decodeNumber(bytes)) + 1;
  txn.put('system', input.key, encodeNumber(epoch));
  txn.put('system', input.format, encodeNumber(INDEX_FORMAT));
  return epoch;
}

/** Says whether blobs that the index does not know stay on disk. */
export function keepOrphansAction(txn: WriteView, isKept: boolean): void {
  if (isKept) txn.put('system', KEEP_ORPHANS_KEY, encodeNumber(1));
  else txn.remove('system', KEEP_ORPHANS_KEY);
}
