/**
 * Trees of real files to send up and fetch again.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Sizes of generated files: empty, inside the metadata, and files of their own. */
const GENERATED_SIZES = [0, 1, 300, 5_000, 32_768, 32_769, 70_000];
const GENERATED_PER_DIRECTORY = 200;

export interface FileTree {
  readonly copiedCount: number;
  readonly generatedCount: number;
}

/**
 * Fills a directory with copies of the regular files of others, and with generated ones until
 * there are `countMin`.
 *
 * S3 has objects only: symbolic links, special files and empty directories are left out, and names
 * that are no UTF-8, or a comparison would find them missing.
 */
export function buildTree(target: string, sources: readonly string[], countMin: number): FileTree {
  mkdirSync(target, { recursive: true });
  let copiedCount = 0;
  for (const source of sources) {
    for (const file of regularFiles(source)) {
      const copy = join(target, source, file);
      mkdirSync(dirname(copy), { recursive: true });
      copyFileSync(join(source, file), copy);
      copiedCount += 1;
    }
  }
  const generatedCount = Math.max(0, countMin - copiedCount);
  for (let index = 0; index < generatedCount; index += 1) {
    const folder = join(target, 'generated', String(Math.floor(index / GENERATED_PER_DIRECTORY)));
    mkdirSync(folder, { recursive: true });
    const bytes = GENERATED_SIZES[index % GENERATED_SIZES.length] ?? 0;
    writeFileSync(join(folder, `file ${index}.bin`), randomBytes(bytes));
  }
  return { copiedCount, generatedCount };
}

/** Copies every n-th file of a tree, so that about `count` of them arrive. */
export function thinTree(source: string, target: string, count: number): number {
  const files = regularFiles(source);
  const step = Math.max(1, Math.floor(files.length / count));
  const chosen = files.filter((_, index) => index % step === 0);
  for (const file of chosen) {
    const copy = join(target, file);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(join(source, file), copy);
  }
  return chosen.length;
}

function regularFiles(root: string, folder = ''): string[] {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch (error) {
    // The machine has no such folder; generated files stand in.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && folder === '') return [];
    throw error;
  }
  return entries
    .filter(({ name }) => !name.includes('\uFFFD'))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return regularFiles(root, path);
      return entry.isFile() ? [path] : [];
    });
}
