/**
 * The simulated disk against a real one: the same calls give the same results and errors, and leave
 * the same tree.
 */

import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { lstat, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import type { Disk, DiskFile } from '#src/blobs/disk.js';
import { nodeDisk } from '#src/blobs/node-disk.js';

import { currentImage } from '../support/crash-images.js';
import { SeededRandom } from '../support/random.js';
import { SimDisk, type SimDirectory } from '../support/sim-disk.js';

const RUNS = Number(process.env['S3ISH_SIM_DISK_RUNS'] ?? 200);
const CALLS = 150;
const NAMES = ['a', 'b', 'c'];
const EXCLUSIVE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const READ = constants.O_RDONLY | constants.O_NOFOLLOW;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/** A call that does the same on any disk; what it gives is compared. */
type Call = (disk: Disk, base: string) => Promise<unknown>;

test('the simulated disk does what a real one does', async () => {
  const random = new SeededRandom('S3ISH_SIM_DISK_SEED');
  let callCount = 0;
  const codes = new Set<string>();
  for (let run = 0; run < RUNS; run += 1) {
    const base = await mkdtemp(join(tmpdir(), 's3ish-disk-'));
    try {
      const sim = new SimDisk();
      await sim.mkdir('/base', {});
      for (let count = 0; count < CALLS; count += 1) {
        const [name, call] = drawCall((limit) => random.below(limit));
        const real = await resultOf(call, nodeDisk, base);
        const simulated = await resultOf(call, sim, '/base');
        assert.deepEqual(simulated, real, `run ${run}, call ${count}: ${name}`);
        if (typeof real === 'object' && real !== null && 'code' in real)
          codes.add(String(real.code));
        callCount += 1;
      }
      const restored = currentImage(sim.root).restore();
      assert.deepEqual(treeOf(restored.entries.get('base') as SimDirectory), await realTree(base));
      assert.equal(sim.openCount, 0);
    } finally {
      await rm(base, { recursive: true, force: true });
    }
  }
  console.log(`${callCount} calls, among them these errors: ${[...codes].sort().join(', ')}`);
  assert(codes.size >= 5, 'the calls meet their errors');
});

function drawCall(draw: (limit: number) => number): [string, Call] {
  const path = (): string =>
    Array.from({ length: 1 + draw(3) }, () => `/${NAMES[draw(NAMES.length)]}`).join('');
  const [one, other, bytes] = [path(), path(), Buffer.alloc(draw(2000), 97 + draw(26))];
  const calls: Record<string, Call> = {
    create: (disk, base) =>
      using(disk.open(base + one, EXCLUSIVE, 0o600), async (file) => {
        const written = await file.writev([bytes, bytes]);
        await file.datasync();
        const { bytesWritten } = await file.write(bytes, Math.min(10, bytes.byteLength));
        await file.writeFile('the end');
        return [written.bytesWritten, bytesWritten, (await file.stat()).size];
      }),
    read: (disk, base) =>
      using(disk.open(base + one, READ), async (file) => {
        const target = Buffer.alloc(1000);
        const { bytesRead } = await file.read(target, 3, 900, 700);
        return [bytesRead, target.toString(), await file.readFile('utf8')];
      }),
    sync: (disk, base) => using(disk.open(base + one, DIRECTORY), (file) => file.sync()),
    opendir: async (disk, base) => {
      const names: unknown[] = [];
      for await (const entry of await disk.opendir(base + one)) {
        names.push([entry.name, entry.isDirectory()].join());
      }
      return names.sort();
    },
    mkdir: (disk, base) => disk.mkdir(base + one, { mode: 0o700 }),
    mkdirs: async (disk, base) => {
      const made = await disk.mkdir(base + one, { recursive: true, mode: 0o700 });
      return made?.slice(base.length);
    },
    rmdir: (disk, base) => disk.rmdir(base + one),
    rm: (disk, base) => disk.rm(base + one, { recursive: true, force: true }),
    link: (disk, base) => disk.link(base + one, base + other),
    symlink: (disk, base) => disk.symlink('nowhere/at/all', base + one),
    readlink: (disk, base) => disk.readlink(base + one),
    unlink: (disk, base) => disk.unlink(base + one),
    stat: async (disk, base) => (await disk.stat(base + one)).isFile(),
    lstat: async (disk, base) => (await disk.lstat(base + one)).isFile(),
  };
  const names = Object.keys(calls);
  const name = names[draw(names.length)] ?? '';
  return [`${name} ${one} ${other}`, calls[name] as Call];
}

async function using<Output>(
  opening: Promise<DiskFile>,
  work: (file: DiskFile) => Promise<Output>,
): Promise<Output> {
  const file = await opening;
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

async function resultOf(call: Call, disk: Disk, base: string): Promise<unknown> {
  try {
    return await call(disk, base);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { code: error.code };
    throw error;
  }
}

/** Paths with what lies there. */
type Tree = Record<string, string>;

function treeOf(directory: SimDirectory, path = ''): Tree {
  const tree: Tree = {};
  for (const [name, node] of directory.entries) {
    const below = `${path}/${name}`;
    if (node.kind === 'directory') Object.assign(tree, { [below]: '/' }, treeOf(node, below));
    else tree[below] = node.kind === 'link' ? `-> ${node.target}` : node.content.toString();
  }
  return tree;
}

async function realTree(base: string): Promise<Tree> {
  const tree: Tree = {};
  for (const name of await readdir(base, { recursive: true })) {
    const path = join(base, name);
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) tree[`/${name}`] = `-> ${await readlink(path)}`;
    else tree[`/${name}`] = (await stat(path)).isFile() ? await readFile(path, 'utf8') : '/';
  }
  return tree;
}
