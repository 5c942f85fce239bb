import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { StaleEpochError } from '#src/metadata/environment.js';
import { bumpEpoch, openStore, type OpenStore } from '#src/store/open-store.js';
import { newIncarnation } from '#src/util/ids.js';

const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';

async function put(store: OpenStore, key: string): Promise<void> {
  await using staged = await store.stageObject({ bucket: 'bucket', key, sizeBytes: 0 });
  await staged.write(Buffer.from('more than the inline limit'));
  await staged.commit({
    ...{
      attributes: { userMetadata: {} },
      tags: [],
      etag: MD5,
      checksum: undefined,
      conditions: {},
    },
  });
}

test('a process of an older generation can commit nothing once a new one has begun', async (context) => {
  const basePath = mkdtempSync(join(tmpdir(), 's3ish-epoch-'));
  context.after(() => rmSync(basePath, { recursive: true, force: true }));
  const metadataPath = join(basePath, '.s3ish/metadata');
  const openIn = async (): Promise<OpenStore> => {
    const store = await openStore({
      ...{ backend: 'file', basePath, metadataPath, isFsyncEnabled: false, inlineBytesMax: 16 },
      incarnation: newIncarnation(Date.now()),
      epoch: await bumpEpoch(metadataPath, false),
    });
    context.after(() => store.close());
    return store;
  };
  const older = await openIn();
  await older.createBucket({ bucket: 'bucket', account: 'main', region: 'us-east-1' });
  await put(older, 'before');
  const newer = await openIn();

  await assert.rejects(put(older, 'after'), StaleEpochError);
  await assert.rejects(older.deleteObject({ bucket: 'bucket', key: 'before' }), StaleEpochError);
  await put(newer, 'newer');
  newer.refresh();
  const page = newer.listObjects({
    ...{ bucket: 'bucket', prefix: '', delimiter: '', after: '', afterIsCommonPrefix: false },
    countMax: 10,
  });
  assert.deepEqual(
    page.objects.map(({ key }) => key),
    ['before', 'newer'],
  );
  // The refused payload cannot be told from one whose commit is unknown: its mark stays.
  const staging = readdirSync(join(basePath, '.s3ish/staging'), { recursive: true });
  assert.equal(staging.filter((name) => /[0-9a-f]{32}$/.test(String(name))).length, 1);
});
