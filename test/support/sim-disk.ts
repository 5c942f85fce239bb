/**
 * A disk in memory that behaves like a file system until the power goes: what was flushed is there
 * then, and of the rest any part.
 *
 * - A flush of a file keeps its bytes, not its name; a flush of a directory keeps its entries.
 * - Of a file's other writes any subset reached the disk, one of them torn between two sectors.
 * - Each other change of an entry reached the disk or did not, whatever became of its neighbours.
 *
 * Any call can be made to fail. What Node does in several system calls (`rm`, a recursive `mkdir`)
 * is several calls here too.
 *
 * @see crash-images.ts, for what a crash may leave
 * @module
 */

import { constants } from 'node:fs';

import type { Disk, DiskEntry, DiskFile, DiskStats } from '#src/blobs/disk.js';

export interface SimFile {
  readonly kind: 'file';
  content: Buffer;
  /** What a crash leaves at least. */
  flushed: Buffer;
  /** Since the last flush. */
  writes: { readonly position: number; readonly bytes: Buffer }[];
}

export interface SimLink {
  readonly kind: 'link';
  readonly target: string;
}

export interface SimDirectory {
  readonly kind: 'directory';
  readonly entries: Map<string, SimNode>;
  /** What each name stood for since the last flush, the flushed state first. */
  readonly unflushed: Map<string, (SimNode | undefined)[]>;
}

export type SimNode = SimFile | SimLink | SimDirectory;

/** A failure to come: of the n-th call from now, or of that and all later ones. */
export interface CallFault {
  readonly afterCalls: number;
  readonly code: string;
  readonly isSticky: boolean;
}

export class SimDisk implements Disk {
  readonly root: SimDirectory;
  /** Called after every call that changed something. */
  onChange: (() => void) | undefined;
  /** Files and directories that are open. */
  openCount = 0;
  /** Names of the calls that failed on purpose. */
  readonly faults: string[] = [];
  #fault: CallFault | undefined;
  #callsLeft = 0;

  constructor(root: SimDirectory = emptyDirectory()) {
    this.root = root;
  }

  failOn(fault: CallFault | undefined): void {
    this.#fault = fault;
    this.#callsLeft = fault?.afterCalls ?? 0;
  }

  async open(path: string, flags: number): Promise<DiskFile> {
    await this.#call('open', path);
    const { parent, name } = this.#parentOf(path);
    let node = name === '' ? parent : parent.entries.get(name);
    const isNew = (flags & constants.O_CREAT) !== 0;
    if (isNew && (flags & constants.O_EXCL) !== 0 && node !== undefined)
      throw fault('EEXIST', path);
    if (node?.kind === 'link') {
      throw fault((flags & constants.O_NOFOLLOW) !== 0 ? 'ELOOP' : 'ENOENT', path);
    }
    if ((flags & constants.O_DIRECTORY) !== 0 && node?.kind === 'file')
      throw fault('ENOTDIR', path);
    if (node === undefined) {
      if (!isNew) throw fault('ENOENT', path);
      node = fileOf(Buffer.alloc(0));
      this.#setEntry(parent, name, node);
    }
    this.openCount += 1;
    return this.#handle(node, path);
  }

  async opendir(path: string): Promise<AsyncIterable<DiskEntry>> {
    await this.#call('opendir', path);
    const node = this.#find(path);
    if (node.kind !== 'directory') throw fault(node.kind === 'link' ? 'ENOENT' : 'ENOTDIR', path);
    const entries = [...node.entries].map(([name, one]) => ({
      name,
      isDirectory: () => one.kind === 'directory',
    }));
    return (async function* () {
      await Promise.resolve();
      yield* entries;
    })();
  }

  async mkdir(
    path: string,
    options: { readonly recursive?: boolean },
  ): Promise<string | undefined> {
    if (options.recursive !== true) {
      await this.#mkdirOne(path);
      return undefined;
    }
    let first: string | undefined;
    let each = '';
    for (const name of namesOf(path)) {
      each += `/${name}`;
      const node = this.#peek(each);
      if (node?.kind === 'directory') continue;
      if (node !== undefined) {
        const code = node.kind === 'link' ? 'ENOENT' : 'EEXIST';
        throw fault(each === path ? code : 'ENOTDIR', path);
      }
      try {
        await this.#mkdirOne(each);
        first ??= each;
      } catch (error) {
        // Somebody else made it in the meantime.
        if (codeOf(error) !== 'EEXIST' || this.#peek(each)?.kind !== 'directory') throw error;
      }
    }
    return first;
  }

  async rmdir(path: string): Promise<void> {
    await this.#call('rmdir', path);
    const { parent, name } = this.#parentOf(path);
    const node = parent.entries.get(name);
    if (node === undefined) throw fault('ENOENT', path);
    if (node.kind !== 'directory') throw fault('ENOTDIR', path);
    if (node.entries.size > 0) throw fault('ENOTEMPTY', path);
    this.#setEntry(parent, name, undefined);
  }

  async rm(path: string): Promise<void> {
    let node: SimNode | undefined;
    try {
      node = this.#find(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    if (node.kind !== 'directory') return this.unlink(path);
    for (const name of [...node.entries.keys()]) await this.rm(`${path}/${name}`);
    await this.rmdir(path);
  }

  async link(from: string, to: string): Promise<void> {
    await this.#call('link', to);
    const node = this.#find(from);
    const { parent, name } = this.#parentOf(to);
    if (parent.entries.has(name)) throw fault('EEXIST', to);
    if (node.kind === 'directory') throw fault('EPERM', from);
    this.#setEntry(parent, name, node);
  }

  async symlink(target: string, path: string): Promise<void> {
    await this.#call('symlink', path);
    const { parent, name } = this.#parentOf(path);
    if (parent.entries.has(name)) throw fault('EEXIST', path);
    this.#setEntry(parent, name, { kind: 'link', target });
  }

  async readlink(path: string): Promise<string> {
    await this.#call('readlink', path);
    const node = this.#find(path);
    if (node.kind !== 'link') throw fault('EINVAL', path);
    return node.target;
  }

  async unlink(path: string): Promise<void> {
    await this.#call('unlink', path);
    const { parent, name } = this.#parentOf(path);
    const node = parent.entries.get(name);
    if (node === undefined) throw fault('ENOENT', path);
    if (node.kind === 'directory') throw fault('EISDIR', path);
    this.#setEntry(parent, name, undefined);
  }

  /** Links here lead nowhere, as staging marks do. */
  async stat(path: string): Promise<DiskStats> {
    const stats = await this.lstat(path);
    if (this.#find(path).kind === 'link') throw fault('ENOENT', path);
    return stats;
  }

  async lstat(path: string): Promise<DiskStats> {
    await this.#call('stat', path);
    return statsOf(this.#find(path));
  }

  async #mkdirOne(path: string): Promise<void> {
    await this.#call('mkdir', path);
    const { parent, name } = this.#parentOf(path);
    if (parent.entries.has(name)) throw fault('EEXIST', path);
    this.#setEntry(parent, name, emptyDirectory());
  }

  #handle(node: SimFile | SimDirectory, path: string): DiskFile {
    let [isOpen, position] = [true, 0];
    const begin = async (name: string): Promise<void> => {
      if (!isOpen) throw fault('EBADF', path);
      await this.#call(name, path);
    };
    const fileOnly = (): SimFile => {
      if (node.kind !== 'file') throw fault('EISDIR', path);
      return node;
    };
    const append = (bytes: Buffer): { bytesWritten: number } => {
      if (bytes.byteLength > 0) write(fileOnly(), position, bytes);
      position += bytes.byteLength;
      this.onChange?.();
      return { bytesWritten: bytes.byteLength };
    };
    return {
      writev: async (pieces) => {
        await begin('writev');
        return append(Buffer.concat(pieces));
      },
      write: async (bytes, offset) => {
        await begin('write');
        return append(Buffer.from(bytes.subarray(offset)));
      },
      writeFile: async (text) => {
        await begin('write');
        append(Buffer.from(text));
      },
      readFile: async () => {
        await begin('read');
        return fileOnly().content.toString();
      },
      read: async (target, offset, sizeBytes, start) => {
        await begin('read');
        const bytes = fileOnly().content.subarray(start, start + sizeBytes);
        target.set(bytes, offset);
        return { bytesRead: bytes.byteLength };
      },
      stat: async () => {
        await begin('fstat');
        return statsOf(node);
      },
      datasync: async () => {
        await begin('fdatasync');
        flush(node);
        this.onChange?.();
      },
      sync: async () => {
        await begin('fsync');
        flush(node);
        this.onChange?.();
      },
      close: async () => {
        // A close that fails has closed: Linux says so.
        if (isOpen) this.openCount -= 1;
        try {
          await begin('close');
        } finally {
          isOpen = false;
        }
      },
    };
  }

  /** Every call begins here. */
  async #call(name: string, path: string): Promise<void> {
    await Promise.resolve();
    if (this.#fault === undefined) return;
    this.#callsLeft -= 1;
    const isDue = this.#fault.isSticky ? this.#callsLeft < 0 : this.#callsLeft === -1;
    if (!isDue) return;
    this.faults.push(`${name} ${path}`);
    throw fault(this.#fault.code, `${name} ${path} (on purpose)`);
  }

  #setEntry(directory: SimDirectory, name: string, node: SimNode | undefined): void {
    const history = directory.unflushed.get(name) ?? [directory.entries.get(name)];
    directory.unflushed.set(name, [...history, node]);
    if (node === undefined) directory.entries.delete(name);
    else directory.entries.set(name, node);
    this.onChange?.();
  }

  #find(path: string): SimNode {
    const { parent, name } = this.#parentOf(path);
    const node = name === '' ? parent : parent.entries.get(name);
    if (node === undefined) throw fault('ENOENT', path);
    return node;
  }

  #peek(path: string): SimNode | undefined {
    try {
      return this.#find(path);
    } catch {
      return undefined;
    }
  }

  #parentOf(path: string): { parent: SimDirectory; name: string } {
    const names = namesOf(path);
    const last = names.pop() ?? '';
    let parent = this.root;
    for (const name of names) {
      const node = parent.entries.get(name);
      if (node === undefined || node.kind === 'link') throw fault('ENOENT', path);
      if (node.kind === 'file') throw fault('ENOTDIR', path);
      parent = node;
    }
    return { parent, name: last };
  }
}

export function emptyDirectory(): SimDirectory {
  return { kind: 'directory', entries: new Map(), unflushed: new Map() };
}

/** All of it flushed. */
export function fileOf(content: Buffer): SimFile {
  return { kind: 'file', content, flushed: content, writes: [] };
}

export function overwritten(content: Buffer, position: number, bytes: Buffer): Buffer {
  const grown = Buffer.alloc(Math.max(content.byteLength, position + bytes.byteLength));
  content.copy(grown);
  bytes.copy(grown, position);
  return grown;
}

function write(file: SimFile, position: number, bytes: Buffer): void {
  file.content = overwritten(file.content, position, bytes);
  file.writes.push({ position, bytes });
}

function flush(node: SimFile | SimDirectory): void {
  if (node.kind === 'directory') node.unflushed.clear();
  else {
    node.flushed = node.content;
    node.writes = [];
  }
}

function statsOf(node: SimNode): DiskStats {
  return {
    size: node.kind === 'file' ? node.content.byteLength : 0,
    mtimeMs: 0,
    isFile: () => node.kind === 'file',
  };
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function fault(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
