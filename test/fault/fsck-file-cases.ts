/**
 * Inconsistencies of files and directories, and the classes under which fsck must tell of each.
 *
 * @module
 */

import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { flipBit } from './damageable-server.js';
import { plainFiles, UNKNOWN_ID, type FsckCase } from './fsck-changes.js';
import { BUCKET, type FsckStore } from './fsck-store.js';

const HOURS_2 = 2 * 3600 * 1000;

const age = (path: string): void => {
  const past = new Date(Date.now() - HOURS_2);
  utimesSync(path, past, past);
};
const inTree = (make: (path: string) => void, place: (store: FsckStore) => string) => {
  return (store: FsckStore): void => make(join(store.dataPath, place(store)));
};
const stranger = (path: string): void => writeFileSync(path, 'not of s3ish', { mode: 0o600 });

export const FILE_CASES: readonly FsckCase[] = [
  {
    what: 'no directory of a blob',
    classes: ['blob-missing'],
    object: 'bucket/plain',
    damage: (store) => rmSync(plainFiles(store).directory, { recursive: true }),
  },
  {
    what: 'a file instead of a blob',
    classes: ['wrong-type'],
    damage: (store) => {
      rmSync(plainFiles(store).directory, { recursive: true });
      stranger(plainFiles(store).directory);
    },
  },
  { what: 'no data', classes: ['data-missing'], damage: (store) => rmSync(plainFiles(store).data) },
  {
    what: 'no data of a part',
    classes: ['data-missing'],
    object: 'bucket/parts',
    damage: (store) => rmSync(store.blobFiles('parts', store.part(1).blobId).data),
  },
  {
    what: 'data without its last byte',
    classes: ['data-size'],
    damage: (store) =>
      truncateSync(plainFiles(store).data, readFileSync(plainFiles(store).data).length - 1),
  },
  {
    what: 'data with a byte more',
    classes: ['data-size'],
    damage: (store) => appendFileSync(plainFiles(store).data, 'x'),
  },
  {
    what: 'a flipped bit of data',
    classes: ['data-damaged'],
    damage: (store) => flipBit(plainFiles(store).data, 300_000, 3),
  },
  {
    what: 'a directory instead of data',
    classes: ['wrong-type'],
    damage: (store) => {
      rmSync(plainFiles(store).data);
      mkdirSync(plainFiles(store).data, { mode: 0o700 });
    },
  },
  {
    what: 'a link instead of data',
    classes: ['wrong-type'],
    damage: (store) => {
      rmSync(plainFiles(store).data);
      symlinkSync('metadata.json', plainFiles(store).data);
    },
  },
  {
    what: 'no sidecar',
    classes: ['sidecar-missing'],
    damage: (store) => rmSync(plainFiles(store).sidecar),
  },
  {
    what: 'an empty sidecar',
    classes: ['sidecar-damaged'],
    damage: (store) => truncateSync(plainFiles(store).sidecar, 0),
  },
  {
    what: 'a flipped bit in a sidecar',
    classes: ['sidecar-damaged'],
    damage: (store) => flipBit(plainFiles(store).sidecar, 40, 0),
  },
  {
    what: 'the sidecar of another object',
    classes: ['sidecar-differs'],
    damage: (store) => copyFileSync(store.files('other').sidecar, plainFiles(store).sidecar),
  },
  {
    what: 'data that all may read',
    classes: ['wrong-mode'],
    damage: (store) => chmodSync(plainFiles(store).data, 0o644),
  },
  {
    what: 'a directory that all may read',
    classes: ['wrong-mode'],
    damage: (store) => chmodSync(plainFiles(store).directory, 0o755),
  },
  {
    what: 'a bucket directory that all may read',
    classes: ['wrong-mode'],
    damage: inTree(
      (path) => chmodSync(path, 0o755),
      () => BUCKET,
    ),
  },
  {
    what: 'an old blob that no record knows',
    classes: ['blob-orphaned'],
    damage: (store) => {
      const orphan = join(dirname(plainFiles(store).directory), UNKNOWN_ID);
      cpSync(plainFiles(store).directory, orphan, { recursive: true });
      chmodSync(orphan, 0o700);
      age(join(orphan, 'data'));
      age(orphan);
    },
  },
  {
    what: 'a young blob that no record knows, which is no finding',
    classes: [],
    damage: (store) => {
      const orphan = join(dirname(plainFiles(store).directory), UNKNOWN_ID);
      cpSync(plainFiles(store).directory, orphan, { recursive: true });
      chmodSync(orphan, 0o700);
    },
  },
  {
    what: 'a copy of a blob under another key',
    classes: ['blob-misplaced'],
    damage: (store) => {
      const copy = join(dirname(store.files('other').directory), plainFiles(store).blobId);
      cpSync(plainFiles(store).directory, copy, { recursive: true });
      chmodSync(copy, 0o700);
    },
  },
  {
    what: 'a blob that was moved to another key',
    classes: ['blob-misplaced', 'blob-missing'],
    damage: (store) =>
      renameSync(
        plainFiles(store).directory,
        join(dirname(store.files('other').directory), plainFiles(store).blobId),
      ),
  },
  {
    what: 'an old empty directory',
    classes: ['empty-directory'],
    damage: (store) => {
      const empty = join(dirname(dirname(plainFiles(store).directory)), 'empty');
      mkdirSync(empty, { mode: 0o700 });
      age(empty);
    },
  },
  {
    what: 'an old staging mark',
    classes: ['mark-stale'],
    damage: (store) => {
      const past = new Date(Date.now() - HOURS_2);
      lutimesSync(store.mark(`${BUCKET}/00/key/${UNKNOWN_ID}`, UNKNOWN_ID), past, past);
    },
  },
  {
    what: 'a young staging mark, which is no finding',
    classes: [],
    damage: (store) => store.mark(`${BUCKET}/00/key/${UNKNOWN_ID}`, UNKNOWN_ID),
  },
  {
    what: 'a staging mark that leads out',
    classes: ['mark-damaged'],
    damage: (store) => store.mark('../../etc', UNKNOWN_ID),
  },
  {
    what: 'a foreign file beside the marks',
    classes: ['foreign-entry'],
    damage: (store) => store.mark(`${BUCKET}/00/key/${UNKNOWN_ID}`, 'foreign'),
  },
  {
    what: 'a foreign file in the base',
    classes: ['foreign-entry'],
    object: 'README',
    damage: inTree(stranger, () => 'README'),
  },
  {
    what: 'a file instead of a bucket',
    classes: ['foreign-entry'],
    damage: inTree(stranger, () => 'no-bucket'),
  },
  {
    what: 'a foreign directory of the server',
    classes: ['foreign-entry'],
    damage: inTree(
      (path) => mkdirSync(path),
      () => '.s3ish/foreign',
    ),
  },
  {
    what: 'a foreign file in a bucket',
    classes: ['foreign-entry'],
    damage: inTree(stranger, () => `${BUCKET}/notes`),
  },
  {
    what: 'a foreign file beside keys',
    classes: ['foreign-entry'],
    damage: (store) => stranger(join(dirname(dirname(plainFiles(store).directory)), 'notes')),
  },
  {
    what: 'a foreign file beside blobs',
    classes: ['foreign-entry'],
    damage: (store) => stranger(join(dirname(plainFiles(store).directory), 'notes')),
  },
  {
    what: 'a foreign file inside a blob',
    classes: ['foreign-entry'],
    damage: (store) => stranger(join(plainFiles(store).directory, 'data.bak')),
  },
];
