import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'node:test';

import { dataPaths, prepareDataPaths } from '#src/cluster/data-paths.js';
import { parseConfig } from '#src/config/load.js';

test('dataPaths puts the metadata inside the data unless told otherwise', () => {
  assert.deepEqual(dataPaths(parseConfig('x', '[storage]\nbase_path = "/srv/data"')), {
    basePath: '/srv/data',
    metadataPath: '/srv/data/.s3ish/metadata',
  });
  assert.deepEqual(dataPaths(parseConfig('x', '[storage]\nmetadata_path = "nvme/index"')), {
    basePath: resolve('s3ish-data'),
    metadataPath: resolve('nvme/index'),
  });
});

test('prepareDataPaths makes directories for the owner only', async (context) => {
  const root = mkdtempSync(join(tmpdir(), 's3ish-paths-'));
  context.after(() => rmSync(root, { recursive: true }));
  const paths = { basePath: join(root, 'a/b'), metadataPath: join(root, 'a/b/.s3ish/metadata') };
  await prepareDataPaths(paths);
  for (const path of Object.values(paths)) assert.equal(statSync(path).mode & 0o777, 0o700);
  // Existing directories are fine.
  await prepareDataPaths(paths);
});

test('prepareDataPaths names the directory that cannot be used', async (context) => {
  const root = mkdtempSync(join(tmpdir(), 's3ish-paths-'));
  context.after(() => rmSync(root, { recursive: true }));
  const file = join(root, 'file');
  writeFileSync(file, '');
  await assert.rejects(prepareDataPaths({ basePath: file, metadataPath: join(file, 'x') }), {
    name: 'StartError',
    message: new RegExp(`^Cannot use the directory ${file}`),
  });
});
