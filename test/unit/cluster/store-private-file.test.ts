import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { storePrivateFile } from '#src/cluster/store-private-file.js';

test('storePrivateFile keeps the file to its owner and leaves nothing beside it', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-file-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'root-credentials');
  // Left by a crash, longer than the new text and open to everybody.
  writeFileSync(`${file}.new`, 'x'.repeat(100), { mode: 0o644 });

  await storePrivateFile(file, 'key:secret\n');
  assert.equal(readFileSync(file, 'utf8'), 'key:secret\n');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(directory), ['root-credentials']);
});
