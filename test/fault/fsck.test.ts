// `s3ish fsck` tells of every inconsistency that is put into a store, by its class and alone, and of
// nothing in a store that is in order, also while it is written to.
//
// S3ISH_FSCK_LOAD_MS sets how long the load beside the online check lasts; CI runs 8 s.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { CreateBucketCommand } from '@aws-sdk/client-s3';

import { REMEDIES, type FindingClass } from '#src/maintenance/findings.js';

import { Ledger } from '../crash/ledger.js';
import { BUCKET as LOAD_BUCKET, writeOnce } from '../crash/load.js';
import { CRASH_SEED, CRASH_SETTINGS } from '../crash/rounds.js';
import { SeededRandom } from '../support/random.js';
import { reportFigure } from '../support/reliability.js';
import { REPOSITORY } from '../support/repository.js';
import { s3Client } from '../support/s3-client.js';
import { MAIN_FILE, startServer, type TestServer } from '../support/server.js';
import { FILE_CASES } from './fsck-file-cases.js';
import { INDEX_CASES } from './fsck-index-cases.js';
import { findingsIn, withCopy, writeTemplate } from './fsck-store.js';

const LOAD_MS = Number(process.env['S3ISH_FSCK_LOAD_MS'] ?? 8000);
const WRITERS = 4;
/** Only damaged pages of LMDB lead to these; index-flips.test.ts is about those. */
const OF_DAMAGED_PAGES: readonly FindingClass[] = [
  'index-unreadable',
  'table-count',
  'row-unreachable',
];
const CASES = [...INDEX_CASES, ...FILE_CASES];

describe('fsck of a store at rest', () => {
  let template: { server: TestServer; emptyUploadId: string };
  let foundCount = 0;
  before(async () => {
    template = await writeTemplate();
  });
  after(() => template.server.stop());

  test('finds nothing in a store that a server wrote', async () => {
    assert.deepEqual(await findingsIn(template.server.dataPath), []);
  });

  for (const { what, damage, classes, object } of CASES) {
    test(`notices ${what}`, async () => {
      await withCopy(template, async (store) => {
        await damage(store);
        const findings = await findingsIn(store.dataPath);
        const found = [...new Set(findings.map((one): FindingClass => one.class))].sort();
        assert.deepEqual(found, classes, JSON.stringify(findings));
        if (object !== undefined) assert(findings.some((one) => one.object.includes(object)));
      });
      foundCount += 1;
    });
  }

  test('every case was noticed', () => {
    assert.equal(foundCount, CASES.length);
    const damages = CASES.filter(({ classes }) => classes.length > 0);
    reportFigure('P-28', {
      what: 'inconsistencies put into a store',
      figure: `${damages.length} of ${damages.length} found, each under its class and nothing else`,
      faultCount: damages.length,
    });
  });

  test('every class is injected or needs damaged pages, and is documented', () => {
    const page = readFileSync(join(REPOSITORY, 'docs/MAINTENANCE.md'), 'utf8');
    const injected = new Set(CASES.flatMap(({ classes }) => classes));
    for (const name of Object.keys(REMEDIES) as FindingClass[]) {
      assert(injected.has(name) || OF_DAMAGED_PAGES.includes(name), `${name} is injected`);
      assert(page.includes(`\`${name}\``), `docs/MAINTENANCE.md explains ${name}`);
    }
  });

  test('says clean with 0, findings with 1, and a usage error with 2', async () => {
    await withCopy(template, async ({ dataPath, files }) => {
      const config = join(dataPath, '../fsck.toml');
      writeFileSync(config, `[storage]\nbase_path = ${JSON.stringify(dataPath)}\n`);
      const run = (...options: string[]) =>
        spawnSync(process.execPath, [MAIN_FILE, 'fsck', '--config', config, ...options], {
          encoding: 'utf8',
        });
      const clean = run('--verify-data');
      assert.equal(clean.status, 0, clean.stderr);
      assert.match(clean.stdout, /^clean: \d+ rows, 6 objects, /);

      const { data } = files('plain');
      const bytes = readFileSync(data);
      writeFileSync(data, bytes.subarray(1));
      const damaged = run();
      assert.equal(damaged.status, 1, damaged.stderr);
      assert.match(
        damaged.stdout,
        /^data-size: bucket\/plain: .* \(put the object again .*\)\n1 findings/,
      );
      const lines = run('--json').stdout.trim().split('\n');
      const [finding, last] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.equal(lines.length, 2);
      assert.deepEqual(Object.keys(finding ?? {}), ['class', 'object', 'problem', 'remedy']);
      assert.equal((last?.['summary'] as Record<string, unknown>)['findings'], 1);

      assert.equal(run('--frobnicate').status, 2);
      assert.equal(run('--data', join(dataPath, 'nowhere')).status, 2);
    });
  });
});

test('fsck refuses a store that is served, and finds nothing in it beside the load', async () => {
  const random = new SeededRandom(CRASH_SEED);
  const server = await startServer({ processes: 2, settings: CRASH_SETTINGS });
  const client = s3Client(server);
  try {
    const command = ['fsck', '--config', server.configFile];
    const run = (...options: string[]) =>
      spawnSync(process.execPath, [MAIN_FILE, ...command, ...options], { encoding: 'utf8' });
    const refused = run();
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /is in use\. Stop the server, or check beside it with --online\./);

    await client.send(new CreateBucketCommand({ Bucket: LOAD_BUCKET }));
    const ledger = new Ledger();
    const endMs = Date.now() + LOAD_MS;
    const write = async (writer: number): Promise<void> => {
      const own = random.fork();
      while (Date.now() < endMs) await writeOnce(client, ledger, own, writer);
    };
    const writers = Array.from({ length: WRITERS }, (_, index) => write(index));
    let checkCount = 0;
    while (Date.now() < endMs) {
      assert.deepEqual(await findingsIn(server.dataPath, { isOnline: true }), []);
      checkCount += 1;
    }
    await Promise.all(writers);
    assert(ledger.acknowledgedCount > 0);
    assert.equal(run('--online', '--verify-data').status, 0);
    reportFigure('P-28', {
      what: 'checks beside a mixed load',
      figure: `${checkCount} checks, ${ledger.acknowledgedCount} acknowledged writes, 0 false alarms`,
    });
  } finally {
    client.destroy();
    await server.stop();
  }
});
