/** What a renamed object remembers, beside extensions of others. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { renameMemoryOf, withRenameMemory } from '#src/metadata/rename-memory.js';

const MEMORY = { parameters: 'ab'.repeat(32), token: 'token-1' };
const LOWER = { tag: 2, content: Uint8Array.of(1) };
const HIGHER = { tag: 200, content: Uint8Array.of(2) };

test('withRenameMemory keeps other extensions, in the order of their tags', () => {
  const extensions = withRenameMemory({ extensions: [LOWER, HIGHER] }, MEMORY);
  assert.deepEqual(
    extensions.map(({ tag }) => tag),
    [2, 4, 200],
  );
  assert.deepEqual(renameMemoryOf({ extensions }), MEMORY);
  assert.deepEqual([extensions[0], extensions[2]], [LOWER, HIGHER]);
});

test('withRenameMemory replaces and removes an earlier memory', () => {
  const extensions = withRenameMemory({ extensions: [HIGHER] }, MEMORY);
  const newer = { ...MEMORY, token: 'token-2' };
  assert.deepEqual(renameMemoryOf({ extensions: withRenameMemory({ extensions }, newer) }), newer);
  assert.deepEqual(withRenameMemory({ extensions }, undefined), [HIGHER]);
});

test('renameMemoryOf finds nothing where nothing is', () => {
  assert.equal(renameMemoryOf({}), undefined);
  assert.equal(renameMemoryOf({ extensions: [LOWER, HIGHER] }), undefined);
});
