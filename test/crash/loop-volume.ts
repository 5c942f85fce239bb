/**
 * An ext4 file system in a file, whose power can be cut: what was not flushed is gone.
 *
 * Uses the shutdown request of ext4, which drops the journal in memory and answers EIO from then
 * on. It loses what was not written back; it tears no block and changes no order, so some files are
 * written back early, as a kernel may do at any time.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import type { SeededRandom } from '../support/random.js';
import { waitFor } from '../support/server.js';

/** Room for what a thousand cuts leave, which only the daily walk of the sweeper finds; sparse. */
const IMAGE_BYTES = 2 * 1024 ** 3;
/** `_IOR('X', 125, __u32)`, EXT4_IOC_SHUTDOWN. */
const SHUTDOWN_REQUEST = 0x8004587d;
/** EXT4_GOING_FLAGS_NOLOGFLUSH: the harshest one. */
const NO_LOG_FLUSH = 2;
const WRITTEN_BACK_COUNT_MAX = 3;

export class LoopVolume {
  readonly #imagePath: string;
  readonly #mountPath: string;
  #isMounted = false;

  /** Makes an empty volume and mounts it. Sparse: the image takes what is written. */
  static create(
    imagePath: string,
    mountPath: string,
    { sizeBytes = IMAGE_BYTES, inodesCount }: { sizeBytes?: number; inodesCount?: number } = {},
  ): LoopVolume {
    writeFileSync(imagePath, '');
    truncateSync(imagePath, sizeBytes);
    const inodes = inodesCount === undefined ? [] : ['-N', String(inodesCount)];
    run('mkfs.ext4', ['-q', '-F', ...inodes, imagePath]);
    mkdirSync(mountPath, { recursive: true });
    const volume = new LoopVolume(imagePath, mountPath);
    volume.mount();
    return volume;
  }

  private constructor(imagePath: string, mountPath: string) {
    this.#imagePath = imagePath;
    this.#mountPath = mountPath;
  }

  /** Mounts, replaying the journal. */
  mount(): void {
    run('mount', ['-o', 'loop', this.#imagePath, this.#mountPath]);
    this.#isMounted = true;
  }

  /** Everything written so far is durable. */
  flush(): void {
    run('sync', ['-f', this.#mountPath]);
  }

  /** Writes a few files back that nobody has flushed. */
  writeBackSome(random: SeededRandom): void {
    const count = random.below(WRITTEN_BACK_COUNT_MAX + 1);
    try {
      const files = readdirSync(this.#mountPath, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      if (files.length === 0) return;
      for (let written = 0; written < count; written += 1) writeBack(random.oneOf(files));
    } catch (error) {
      // Removed meanwhile, which is what a busy store does.
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOENT');
    }
  }

  /** From here on nothing reaches the disk, and every access that needs it fails. */
  cutPower(): void {
    // Node has no ioctl; perl is part of every Debian.
    const program =
      'open(my $f, "<", $ARGV[0]) or die "$!"; ioctl($f, $ARGV[1], pack("L", $ARGV[2])) or die "$!"';
    run('perl', ['-e', program, this.#mountPath, String(SHUTDOWN_REQUEST), String(NO_LOG_FLUSH)]);
  }

  /** @returns whether it is so now; while a file is open for writing it cannot be `ro`. */
  remount(mode: 'ro' | 'rw'): boolean {
    return spawnSync('mount', ['-o', `remount,${mode}`, this.#mountPath]).status === 0;
  }

  /** As after an error in its journal: read-only until it is mended. */
  abort(): void {
    run('mount', ['-o', 'remount,abort', this.#mountPath]);
  }

  /** Takes it away, whoever uses it, and mends the file system, as an operator would. */
  repair(): void {
    run('umount', ['--lazy', this.#mountPath]);
    this.#isMounted = false;
    // 1: mended. More is a file system that is lost.
    const { status, stdout } = spawnSync('e2fsck', ['-fy', this.#imagePath], { encoding: 'utf8' });
    assert(status !== null && status <= 1, `e2fsck: ${stdout}`);
  }

  /** Waits until nobody uses it any more. Does nothing if it is not mounted. */
  async unmount(): Promise<void> {
    if (!this.#isMounted) return;
    await waitFor(
      `${this.#mountPath} to be unmounted`,
      () => spawnSync('umount', [this.#mountPath]).status === 0,
    );
    this.#isMounted = false;
  }

  writeFile(name: string, isFlushed: boolean): void {
    const file = openSync(join(this.#mountPath, name), 'w');
    writeSync(file, name);
    if (isFlushed) {
      fsyncSync(file);
      this.#syncDirectory();
    }
    closeSync(file);
  }

  fileNames(): string[] {
    return readdirSync(this.#mountPath).filter((name) => name !== 'lost+found');
  }

  #syncDirectory(): void {
    const directory = openSync(this.#mountPath, 'r');
    fsyncSync(directory);
    closeSync(directory);
  }
}

/** @returns why volumes cannot be made here, or undefined when they can. */
export function whyNoLoopVolumes(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  for (const tool of ['mkfs.ext4', 'perl']) {
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `${tool} is not there`;
  }
  const { status, stderr } = spawnSync('losetup', ['--find'], { encoding: 'utf8' });
  return status === 0 ? undefined : `no loop device: ${stderr.trim()}`;
}

function writeBack(path: string): void {
  const file = openSync(path, 'r');
  fdatasyncSync(file);
  closeSync(file);
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
}
