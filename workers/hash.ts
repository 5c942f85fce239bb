/**
 * Entry point of a thread that hashes bodies: one lane, one body at a time.
 *
 * @module
 */

import { HashLaneState, type HashTask } from '#src/compute/hash-task.js';

const lane = new HashLaneState();

/** @returns the hash of a body after its last batch. */
export function hashBatch(task: HashTask): string | undefined {
  return lane.run(task);
}
