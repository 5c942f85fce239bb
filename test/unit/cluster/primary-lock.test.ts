import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { lockMetadata } from '#src/cluster/primary-lock.js';

test('lockMetadata refuses a second holder and names the first', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-lock-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const other = join(directory, 'other');
  symlinkSync(directory, other);

  const lock = await lockMetadata(directory);
  for (const path of [directory, other]) {
    await assert.rejects(lockMetadata(path), {
      name: 'StartError',
      message: new RegExp(`another s3ish \\(process ${process.pid}\\) serves it already`),
    });
  }
  lock.close();
});

test('lockMetadata gives the lock again once the holder is gone', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-lock-'));
  context.after(() => rmSync(directory, { recursive: true }));

  const first = await lockMetadata(directory);
  await new Promise((resolve) => first.close(resolve));
  const second = await lockMetadata(directory);
  second.close();
});
