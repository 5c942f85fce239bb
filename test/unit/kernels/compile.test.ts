import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import { KERNELS, compileKernel } from '#src/kernels/compile.js';

for (const { sourcePath, modulePath } of KERNELS) {
  test(`compileKernel makes ${modulePath} as it is checked in`, async () => {
    const module = await compileKernel(await readFile(sourcePath, 'utf8'));
    assert.equal(
      module,
      await readFile(modulePath, 'utf8'),
      'the kernel or the compiler changed: run node dist/kernels/compile.js',
    );
  });
}

test('compileKernel refuses a source that does not compile', async () => {
  await assert.rejects(compileKernel('export function f(): i32 { return nothing; }'), /nothing/);
});
