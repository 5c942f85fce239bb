// Data that is whole but not what belongs there, and things that are no data at all.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { readSidecar, writeSidecar } from '#src/store/sidecar.js';

import { uploadInParts } from '../support/objects.js';
import { reportFigure } from '../support/reliability.js';
import { s3Client } from '../support/s3-client.js';
import {
  BUCKET,
  startDamageableServer,
  type DamageableServer,
  type StoredBlob,
} from './damageable-server.js';

const BLOCK_BYTES = 256 * 1024;
const BODY = randomBytes(BLOCK_BYTES + 8 * 1024);
const OLDER = randomBytes(BODY.length);
const OTHER = randomBytes(BODY.length);
const PAGE_BYTES = 4096;
/** Whoever waits for the other end of a pipe waits for ever. */
const IN_TIME = { timeout: 60_000 };

/** The blob of the object under test, its older version's, and another object's. */
interface Blobs {
  readonly own: StoredBlob;
  readonly older: StoredBlob;
  readonly other: StoredBlob;
}

interface Case {
  readonly what: string;
  readonly damage: (blobs: Blobs) => void;
  /** What verification must name. */
  readonly kinds: readonly string[];
  /** Byte that a range asks for; the middle unless told. */
  readonly atByte?: number;
}

const replace = (file: string, make: (file: string) => void): void => {
  rmSync(file, { recursive: true, force: true });
  make(file);
};
const pipe = (file: string): void => {
  assert.equal(spawnSync('mkfifo', [file]).status, 0);
};
const zeroPage = (file: string, startByte: number): void => {
  const bytes = readFileSync(file);
  bytes.fill(0, startByte, startByte + PAGE_BYTES);
  writeFileSync(file, bytes);
};

const DATA = ['data'];
const SIDECAR = ['sidecar'];
const BOTH = ['sidecar', 'data'];
// prettier-ignore -- a table.
const CASES: readonly Case[] = [
  {
    what: 'data without its last byte',
    kinds: DATA,
    damage: ({ own }) => truncateSync(own.dataFile, BODY.length - 1),
  },
  {
    what: 'data with a byte more',
    kinds: DATA,
    damage: ({ own }) => truncateSync(own.dataFile, BODY.length + 1),
  },
  { what: 'no bytes of data', kinds: DATA, damage: ({ own }) => truncateSync(own.dataFile, 0) },
  {
    what: 'a page of zeros in the first block',
    kinds: DATA,
    damage: ({ own }) => zeroPage(own.dataFile, PAGE_BYTES),
    atByte: PAGE_BYTES,
  },
  {
    what: 'a page of zeros in the last block',
    kinds: DATA,
    damage: ({ own }) => zeroPage(own.dataFile, BLOCK_BYTES),
    atByte: BLOCK_BYTES,
  },
  {
    what: 'data of the older version',
    kinds: DATA,
    damage: ({ own, older }) => copyFileSync(older.dataFile, own.dataFile),
  },
  {
    what: 'data of another object',
    kinds: DATA,
    damage: ({ own, other }) => copyFileSync(other.dataFile, own.dataFile),
  },
  {
    what: 'data by link from another object',
    kinds: DATA,
    damage: ({ own, other }) => replace(own.dataFile, (file) => linkSync(other.dataFile, file)),
  },
  {
    what: 'everything of the older version',
    kinds: BOTH,
    damage: ({ own, older }) =>
      replace(own.directory, (path) => cpSync(older.directory, path, { recursive: true })),
  },
  {
    what: 'everything of another object',
    kinds: BOTH,
    damage: ({ own, other }) =>
      replace(own.directory, (path) => cpSync(other.directory, path, { recursive: true })),
  },
  {
    what: 'no directory',
    kinds: BOTH,
    damage: ({ own }) => rmSync(own.directory, { recursive: true }),
  },
  {
    what: 'a file instead of the directory',
    kinds: BOTH,
    damage: ({ own }) => replace(own.directory, (path) => writeFileSync(path, '')),
  },
  { what: 'no data file', kinds: DATA, damage: ({ own }) => rmSync(own.dataFile) },
  {
    what: 'a directory instead of data',
    kinds: DATA,
    damage: ({ own }) => replace(own.dataFile, (file) => mkdirSync(file)),
  },
  {
    what: 'a symbolic link to the right bytes instead of data',
    kinds: DATA,
    damage: ({ own }) => {
      renameSync(own.dataFile, `${own.dataFile}.moved`);
      symlinkSync('data.moved', own.dataFile);
    },
  },
  {
    what: 'a named pipe instead of data',
    kinds: DATA,
    damage: ({ own }) => replace(own.dataFile, pipe),
  },
];
// prettier-ignore -- a table.
const SIDECAR_CASES: readonly Case[] = [
  { what: 'no sidecar', kinds: SIDECAR, damage: ({ own }) => rmSync(own.sidecarFile) },
  {
    what: 'an empty sidecar',
    kinds: SIDECAR,
    damage: ({ own }) => truncateSync(own.sidecarFile, 0),
  },
  {
    what: 'the sidecar of the older version',
    kinds: SIDECAR,
    damage: ({ own, older }) => copyFileSync(older.sidecarFile, own.sidecarFile),
  },
  {
    what: 'the sidecar of another object',
    kinds: SIDECAR,
    damage: ({ own, other }) => copyFileSync(other.sidecarFile, own.sidecarFile),
  },
  {
    what: 'a whole sidecar that says something else of the same data',
    kinds: SIDECAR,
    damage: ({ own }) => {
      const { sidecar, layout } = readSidecar(readFileSync(own.sidecarFile, 'utf8'));
      writeFileSync(own.sidecarFile, writeSidecar({ ...sidecar, md5: '0'.repeat(32) }, layout));
    },
  },
  {
    what: 'a named pipe instead of a sidecar',
    kinds: SIDECAR,
    damage: ({ own }) => replace(own.sidecarFile, pipe),
  },
  {
    what: 'a directory instead of a sidecar',
    kinds: SIDECAR,
    damage: ({ own }) => replace(own.sidecarFile, (file) => mkdirSync(file)),
  },
];

describe('wrong and missing data', () => {
  let damageable: DamageableServer;
  let noticedCount = 0;
  before(async () => {
    // Nothing is swept: the older version has to stay on disk.
    damageable = await startDamageableServer({ sweep_interval_secs: 86_400 });
  });
  after(() => damageable.stop());

  async function prepare(key: string): Promise<Blobs> {
    for (const body of [OLDER, BODY]) await damageable.put(key, body);
    await damageable.put(`${key}-other`, OTHER);
    const [older, own] = await damageable.blobsOf(key);
    const [other] = await damageable.blobsOf(`${key}-other`);
    assert(older !== undefined && own !== undefined && other !== undefined);
    assert.deepEqual(await damageable.scrub(key), []);
    return { own, older, other };
  }

  for (const [index, { what, damage, kinds, atByte = BODY.length / 2 }] of CASES.entries()) {
    test(`GetObject and verification notice ${what}`, IN_TIME, async () => {
      const key = `data-${index}`;
      damage(await prepare(key));
      assert.notEqual(await damageable.read(key, BODY), 'exact');
      assert.equal(await damageable.read(key, BODY, [atByte, atByte + 1]), 'refused');
      assert.deepEqual(kindsOf(await damageable.scrub(key)), kinds);
      noticedCount += 1;
    });
  }

  for (const [index, { what, damage, kinds }] of SIDECAR_CASES.entries()) {
    test(`verification notices ${what}, and GetObject needs none`, IN_TIME, async () => {
      const key = `sidecar-${index}`;
      damage(await prepare(key));
      assert.equal(await damageable.read(key, BODY), 'exact');
      assert.deepEqual(kindsOf(await damageable.scrub(key)), kinds);
      noticedCount += 1;
    });
  }

  test('GetObject and verification notice data that two objects have swapped', async () => {
    const { own, other } = await prepare('swapped');
    swap(own.dataFile, other.dataFile);
    for (const [key, body] of [
      ['swapped', BODY],
      ['swapped-other', OTHER],
    ] as const) {
      assert.equal(await damageable.read(key, body), 'refused');
      assert.deepEqual(kindsOf(await damageable.scrub(key)), ['data']);
    }
    swap(own.directory, other.directory);
    assert.deepEqual(kindsOf(await damageable.scrub('swapped')), ['sidecar']);
    noticedCount += 1;
  });

  test('GetObject and verification notice two parts of an object that were swapped', async () => {
    const parts = [1, 2, 3].map(() => randomBytes(BLOCK_BYTES + 7));
    const body = Buffer.concat(parts);
    const client = s3Client(damageable.server);
    await uploadInParts({ client, bucket: BUCKET }, 'parts', parts);
    client.destroy();
    assert.equal(await damageable.read('parts', body), 'exact');
    assert.deepEqual(await damageable.scrub('parts'), []);

    const blobs = await damageable.blobsOf('parts');
    const [first, second] = blobs.filter(({ sidecar }) => sidecar.kind === 'part');
    const manifest = blobs.find(({ sidecar }) => sidecar.kind === 'manifest');
    assert(first !== undefined && second !== undefined && manifest !== undefined);
    swap(first.dataFile, second.dataFile);
    assert.notEqual(await damageable.read('parts', body), 'exact');
    for (const byte of [0, BLOCK_BYTES + 7]) {
      assert.notEqual(await damageable.read('parts', body, [byte, byte + 1]), 'exact');
    }
    assert.deepEqual(kindsOf(await damageable.scrub('parts')), ['data', 'data']);
    swap(first.dataFile, second.dataFile);
    swap(first.sidecarFile, manifest.sidecarFile);
    assert.equal(await damageable.read('parts', body), 'exact');
    assert.deepEqual(kindsOf(await damageable.scrub('parts')), ['sidecar', 'sidecar']);
    noticedCount += 1;
  });

  test('every case was noticed', () => {
    const count = CASES.length + SIDECAR_CASES.length + 2;
    assert.equal(noticedCount, count);
    reportFigure('P-11', {
      what: 'wrong, foreign, cut and missing files',
      figure: `${count} of ${count} cases noticed, none served`,
      faultCount: count,
    });
  });
});

function swap(one: string, other: string): void {
  renameSync(one, `${one}.swapped`);
  renameSync(other, one);
  renameSync(`${one}.swapped`, other);
}

function kindsOf(damages: readonly { readonly kind: string }[]): string[] {
  return damages.map(({ kind }) => kind);
}
