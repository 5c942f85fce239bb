/**
 * What `s3ish fsck` can find: the classes, each with what repairs it.
 *
 * The names are stable: scripts compare them.
 *
 * @see docs/MAINTENANCE.md, "Checking a store"
 * @module
 */

const RESTORE = 'put the object again or restore it from a backup';
const REBUILD = 'restore the index from a backup or run s3ish rebuild-index';
const SWEEPER = 'harmless; the sweeper of a running server removes it within a day';
const NEW_SIDECAR = 'copy the object onto itself: that writes a new sidecar';
const BY_HAND = 'look at it, then move it out of the tree';

/** Class of a finding to what to do about it. */
export const REMEDIES = {
  // The index, row by row.
  'index-unreadable': REBUILD,
  'table-count': REBUILD,
  'row-unreachable': REBUILD,
  'record-damaged': REBUILD,
  'record-newer': 'run the version of s3ish that wrote it',
  'bad-key': REBUILD,
  'system-record-missing': REBUILD,
  'sequence-behind': REBUILD,
  'bad-bucket-name': REBUILD,
  'bucket-id-shared': REBUILD,
  'bucket-id-unissued': REBUILD,
  'row-without-bucket': REBUILD,
  'counters-wrong': REBUILD,
  // Rows against each other.
  'inline-payload-missing': RESTORE,
  'inline-payload-wrong': RESTORE,
  'inline-payload-unused': `takes space only; ${REBUILD}`,
  'layout-missing': RESTORE,
  'layout-differs': RESTORE,
  'layout-unused': `takes space only; ${REBUILD}`,
  'manifest-missing': RESTORE,
  'manifest-differs': RESTORE,
  'manifest-unused': `takes space only; ${REBUILD}`,
  'part-missing': RESTORE,
  'part-unused': `takes space only; ${REBUILD}`,
  'garbage-in-use': `stop the server before its sweeper removes the payload; then ${REBUILD}`,
  // Files that records name.
  'blob-missing': RESTORE,
  'data-missing': RESTORE,
  'data-size': RESTORE,
  'data-damaged': RESTORE,
  'sidecar-missing': NEW_SIDECAR,
  'sidecar-damaged': NEW_SIDECAR,
  'sidecar-differs': NEW_SIDECAR,
  'wrong-type': 'move it away; then put the object again or restore it from a backup',
  'wrong-mode': 'chmod 700 directories and 600 files',
  // The tree.
  'blob-orphaned': SWEEPER,
  'blob-misplaced': 'move it to the place its sidecar names, or out of the tree',
  'empty-directory': 'harmless; rmdir it while the server is stopped',
  'mark-stale': 'harmless; start the server: its sweeper removes it',
  'mark-damaged': BY_HAND,
  'foreign-entry': BY_HAND,
} as const satisfies Readonly<Record<string, string>>;

export type FindingClass = keyof typeof REMEDIES;

/** One inconsistency. */
export interface Finding {
  readonly class: FindingClass;
  /** What it is about: `bucket/key`, a row of a table, or a path below the base. */
  readonly object: string;
  /** What was seen and what was wanted. */
  readonly problem: string;
}

/** Same finding, whatever was counted meanwhile. */
export function identityOf({ class: name, object, problem }: Finding): string {
  return `${name} ${object} ${problem}`;
}
