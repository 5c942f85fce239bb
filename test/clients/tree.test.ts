/**
 * A real tree of at least 10,000 files through `aws s3 sync`, up and down, over a kill -9.
 *
 * By default the second configuration takes every n-th file only, because the client needs four
 * minutes for all of them; S3ISH_CLIENTS_FULL=1 runs both with the whole tree.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';

import { buildTree, thinTree, type FileTree } from '../support/file-tree.js';
import { absent, openWorkbench, report } from '../support/workbench.js';

const SOURCES = ['/usr/share/doc', '/usr/include'];
const FILES_MIN = 10_000;
const IS_FULL = process.env['S3ISH_CLIENTS_FULL'] === '1';
const FILES_OF_THIN_TREE = 1_500;

suite('tree', { skip: absent('aws') }, () => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-tree-'));
  const whole = join(directory, 'whole');
  const thin = join(directory, 'thin');
  let tree: FileTree;
  let thinCount: number;

  before(() => {
    tree = buildTree(whole, SOURCES, FILES_MIN);
    thinCount = thinTree(whole, thin, FILES_OF_THIN_TREE);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  for (const processes of [1, 4]) {
    const isWhole = processes === 1 || IS_FULL;

    test(`aws s3 sync brings a tree back unchanged, also after kill -9, ${processes} process(es)`, async () => {
      const filesCount = isWhole ? tree.copiedCount + tree.generatedCount : thinCount;
      const source = isWhole ? whole : thin;
      const bench = await openWorkbench(`tree, ${processes} process(es)`, { processes });
      try {
        const sync = async (from: string, to: string): Promise<string> =>
          (await bench.aws('s3', 'sync', '--no-progress', from, to)).stdout;
        await bench.aws('s3', 'mb', 's3://tree-bucket');

        const seconds = stopwatch();
        const uploaded = await sync(source, 's3://tree-bucket/tree');
        const upSeconds = seconds();
        assert.equal(lineCount(uploaded), filesCount);
        const downloaded = await sync('s3://tree-bucket/tree', bench.path('before'));
        const downSeconds = seconds();
        assert.equal(lineCount(downloaded), filesCount);
        await bench.assertSameTree(source, bench.path('before'));
        rmSync(bench.path('before'), { recursive: true });

        await bench.server.killAll();
        await bench.server.restart();
        await sync('s3://tree-bucket/tree', bench.path('after'));
        await bench.assertSameTree(source, bench.path('after'));

        // Sizes and times of the listing tell the client that nothing needs to be sent.
        assert.equal(await sync(source, 's3://tree-bucket/tree'), '');
        const generated = isWhole ? ` (${tree.generatedCount} generated)` : '';
        report(
          `tree, ${processes} process(es): ${filesCount} files${generated}, ` +
            `up ${upSeconds} s, down ${downSeconds} s`,
        );
      } finally {
        await bench.close();
      }
    });
  }
});

function lineCount(text: string): number {
  return text.split('\n').filter((line) => line !== '').length;
}

/** Seconds since the last call. */
function stopwatch(): () => number {
  let before = Date.now();
  return () => {
    const elapsedMs = Date.now() - before;
    before += elapsedMs;
    return Math.round(elapsedMs / 1000);
  };
}
