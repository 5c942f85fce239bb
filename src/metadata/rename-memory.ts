/**
 * What a renamed object remembers of the request that renamed it, so that a repetition is known:
 * extension 4 of the object record.
 *
 * `rename memory = parameters:32 token`, the SHA-256 of what the request asked for and its
 * `x-amz-client-token`. Even, so whoever does not know it keeps it.
 *
 * @see docs/ON_DISK_FORMAT.md, "Records"
 * @module
 */

import type { Extensible, Extension } from './record-codec.js';

const RENAME_MEMORY_TAG = 4;
const PARAMETERS_BYTES = 32;

/** A request of RenameObject with a client token. */
export interface RenameMemory {
  /** SHA-256 in hex. */
  readonly parameters: string;
  readonly token: string;
}

/** The extensions of a record with this memory in place of an earlier one. */
export function withRenameMemory(
  record: Extensible,
  memory: RenameMemory | undefined,
): readonly Extension[] {
  const others = (record.extensions ?? []).filter(({ tag }) => tag !== RENAME_MEMORY_TAG);
  if (memory === undefined) return others;
  const content = Buffer.concat([
    Buffer.from(memory.parameters, 'hex'),
    Buffer.from(memory.token, 'latin1'),
  ]);
  return [...others, { tag: RENAME_MEMORY_TAG, content }].sort((one, other) => one.tag - other.tag);
}

export function renameMemoryOf(record: Extensible): RenameMemory | undefined {
  const found = record.extensions?.find(({ tag }) => tag === RENAME_MEMORY_TAG);
  if (found === undefined) return undefined;
  const content = Buffer.from(found.content);
  return {
    parameters: content.toString('hex', 0, PARAMETERS_BYTES),
    token: content.toString('latin1', PARAMETERS_BYTES),
  };
}
