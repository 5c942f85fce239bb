/**
 * What the blob layer asks of a file system, and nothing more: the names and errors are those of
 * `node:fs/promises`, so that the real one is that module itself and a call costs nothing extra.
 *
 * A test puts a simulated disk in its place, which loses and tears what was not flushed.
 *
 * @module
 */

/** An open file, or a directory opened to be flushed. */
export interface DiskFile {
  /** Writes at the end of what was written before; may take less than it was given. */
  writev(pieces: readonly Uint8Array[]): Promise<{ readonly bytesWritten: number }>;
  /** As `writev`, from `offset` of the bytes on. */
  write(bytes: Uint8Array, offset: number): Promise<{ readonly bytesWritten: number }>;
  /** Writes all of it. */
  writeFile(text: string): Promise<void>;
  readFile(encoding: 'utf8'): Promise<string>;
  /** Reads some of the bytes; none at the end of the file. */
  read(
    target: Uint8Array,
    offset: number,
    sizeBytes: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
  stat(): Promise<DiskStats>;
  /** Makes bytes and length durable, not the name. */
  datasync(): Promise<void>;
  /** Makes the entries of a directory durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface DiskStats {
  readonly size: number;
  readonly mtimeMs: number;
  isFile(): boolean;
}

export interface DiskEntry {
  readonly name: string;
  isDirectory(): boolean;
}

export interface Disk {
  open(path: string, flags: number, mode?: number): Promise<DiskFile>;
  opendir(path: string): Promise<AsyncIterable<DiskEntry>>;
  /** @returns the first directory that was made, when `recursive`. */
  mkdir(
    path: string,
    options: { readonly recursive?: boolean; readonly mode: number },
  ): Promise<string | undefined>;
  rmdir(path: string): Promise<void>;
  /** Removes a directory with everything in it. */
  rm(path: string, options: { readonly recursive: true; readonly force: true }): Promise<void>;
  link(from: string, to: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  readlink(path: string): Promise<string>;
  unlink(path: string): Promise<void>;
  stat(path: string): Promise<DiskStats>;
  lstat(path: string): Promise<DiskStats>;
}
