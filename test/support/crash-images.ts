/**
 * What a crash may leave of a simulated disk: every state that its flushes allow.
 *
 * @module
 */

import { crc32 } from 'node:zlib';

import {
  emptyDirectory,
  fileOf,
  overwritten,
  type SimDirectory,
  type SimFile,
  type SimNode,
} from './sim-disk.js';

/** A disk after a crash. */
export interface CrashImage {
  /** Equal for equal disks. */
  readonly name: string;
  /** A disk of its own at each call. */
  restore(): SimDirectory;
}

export interface CrashImages {
  readonly images: readonly CrashImage[];
  /** False when there were too many: then of all those with few deviations. */
  readonly isComplete: boolean;
}

const SECTOR_BYTES = 512;
/** Of one file; beyond, prefixes only. */
const SUBSET_WRITES_MAX = 4;
/** From "all of it was kept" or "none of it was". */
const DEVIATIONS_MAX = 2;

/** What may have become of one thing that was not flushed: an entry, or the bytes of a file. */
type Unknown = SimFile | (SimNode | undefined)[];
type Outcome = SimNode | Buffer | undefined;
type Outcomes = Map<Unknown, Outcome>;

/**
 * All disks that a crash may leave now. With more than `countMax`, those in which at most two
 * things differ from the last state or from the flushed one.
 */
export function crashImages(root: SimDirectory, countMax: number): CrashImages {
  const all = explore(root, countMax, Infinity);
  if (all !== undefined) return { images: all, isComplete: true };
  const some = explore(root, Infinity, DEVIATIONS_MAX) ?? [];
  return { images: some, isComplete: false };
}

/** One of the disks that a crash may leave, drawn at random. */
export function randomCrashImage(root: SimDirectory, draw: (count: number) => number): CrashImage {
  const outcomes: Outcomes = new Map();
  for (;;) {
    const next = firstUnknown(root, outcomes);
    if (next === undefined) return imageOf(root, outcomes);
    const possible = outcomesOf(next);
    outcomes.set(next, possible[draw(possible.length)]);
  }
}

/** The disk as it is, flushed or not: what the end of a process leaves. */
export function currentImage(root: SimDirectory): CrashImage {
  return randomCrashImage(root, (count) => count - 1);
}

function explore(
  root: SimDirectory,
  countMax: number,
  deviationsMax: number,
): CrashImage[] | undefined {
  const found = new Map<string, CrashImage>();
  const outcomes: Outcomes = new Map();
  const visit = (lostCount: number, keptCount: number): boolean => {
    const next = firstUnknown(root, outcomes);
    if (next === undefined) {
      const image = imageOf(root, outcomes);
      found.set(image.name, image);
      return found.size <= countMax;
    }
    const possible = outcomesOf(next);
    for (const [index, outcome] of possible.entries()) {
      const lost = lostCount + (index < possible.length - 1 ? 1 : 0);
      const kept = keptCount + (index > 0 ? 1 : 0);
      if (Math.min(lost, kept) > deviationsMax) continue;
      outcomes.set(next, outcome);
      if (!visit(lost, kept)) return false;
    }
    outcomes.delete(next);
    return true;
  };
  return visit(0, 0) ? [...found.values()] : undefined;
}

/** The first thing on the way through the tree whose outcome is open. */
function firstUnknown(directory: SimDirectory, outcomes: Outcomes): Unknown | undefined {
  for (const history of directory.unflushed.values()) {
    if (!outcomes.has(history)) return history;
    const node = outcomes.get(history) as SimNode | undefined;
    const below = node && unknownIn(node, outcomes);
    if (below !== undefined) return below;
  }
  for (const [name, node] of directory.entries) {
    if (directory.unflushed.has(name)) continue;
    const below = unknownIn(node, outcomes);
    if (below !== undefined) return below;
  }
  return undefined;
}

function unknownIn(node: SimNode, outcomes: Outcomes): Unknown | undefined {
  if (node.kind === 'directory') return firstUnknown(node, outcomes);
  if (node.kind === 'file' && node.writes.length > 0 && !outcomes.has(node)) return node;
  return undefined;
}

/** From nothing kept to everything kept. */
function outcomesOf(unknown: Unknown): Outcome[] {
  if (!Array.isArray(unknown)) return contentsOf(unknown);
  // Each at the last time it was so: the flushed state may have come back.
  return [...new Set(unknown.toReversed())].reverse();
}

function contentsOf(file: SimFile): Buffer[] {
  const { writes, flushed, content } = file;
  const found = new Map<string, Buffer>();
  const add = (bytes: Buffer): void => {
    found.set(digest(bytes), bytes);
  };
  add(flushed);
  for (const kept of subsetsOf(writes)) {
    // Its length may be there before its bytes.
    add(overwritten(flushed, content.byteLength, Buffer.alloc(0)));
    for (const torn of kept) {
      for (let end = SECTOR_BYTES; end < torn.bytes.byteLength; end += SECTOR_BYTES) {
        for (const part of [
          { position: torn.position, bytes: torn.bytes.subarray(0, end) },
          { position: torn.position + end, bytes: torn.bytes.subarray(end) },
        ]) {
          add(applied(flushed, [...kept.filter((one) => one !== torn), part]));
        }
      }
    }
    add(applied(flushed, kept));
  }
  found.delete(digest(content));
  add(content);
  return [...found.values()];
}

type Writes = readonly SimFile['writes'][number][];

function subsetsOf(writes: Writes): Writes[] {
  if (writes.length > SUBSET_WRITES_MAX)
    return writes.map((_, index) => writes.slice(0, index + 1));
  return Array.from({ length: 2 ** writes.length }, (_, bits) =>
    writes.filter((_one, index) => (bits >> index) % 2 === 1),
  );
}

function applied(flushed: Buffer, writes: Writes): Buffer {
  return writes.reduce((bytes, one) => overwritten(bytes, one.position, one.bytes), flushed);
}

function imageOf(root: SimDirectory, outcomes: Outcomes): CrashImage {
  // Names of one file must lead to one file again.
  const numbers = new Map<SimFile, number>();
  const name = nameOf(root, outcomes, numbers);
  const chosen = new Map(outcomes);
  const contents = new Map([...numbers.keys()].map((file) => [file, contentOf(file, chosen)]));
  const tree = (directory: SimDirectory): [string, SimNode][] => entriesOf(directory, chosen);
  const plan = planOf(root, tree);
  return { name, restore: () => build(plan, contents, new Map()) };
}

/** Fixed at the time of the crash: the live tree goes on changing. */
type Plan = [string, Plan | Exclude<SimNode, SimDirectory>][];

function planOf(directory: SimDirectory, tree: (of: SimDirectory) => [string, SimNode][]): Plan {
  return tree(directory).map(([name, node]) => [
    name,
    node.kind === 'directory' ? planOf(node, tree) : node,
  ]);
}

function build(
  plan: Plan,
  contents: ReadonlyMap<SimFile, Buffer>,
  files: Map<SimFile, SimFile>,
): SimDirectory {
  const directory = emptyDirectory();
  for (const [name, node] of plan) {
    if (Array.isArray(node)) directory.entries.set(name, build(node, contents, files));
    else if (node.kind === 'link') directory.entries.set(name, node);
    else {
      const file = files.get(node) ?? fileOf(contents.get(node) ?? Buffer.alloc(0));
      files.set(node, file);
      directory.entries.set(name, file);
    }
  }
  return directory;
}

function entriesOf(directory: SimDirectory, outcomes: Outcomes): [string, SimNode][] {
  const entries = new Map(directory.entries);
  for (const [name, history] of directory.unflushed) {
    const node = outcomes.get(history) as SimNode | undefined;
    if (node === undefined) entries.delete(name);
    else entries.set(name, node);
  }
  return [...entries].sort(([one], [other]) => (one < other ? -1 : 1));
}

function contentOf(file: SimFile, outcomes: Outcomes): Buffer {
  return (outcomes.get(file) as Buffer | undefined) ?? file.content;
}

function nameOf(
  directory: SimDirectory,
  outcomes: Outcomes,
  numbers: Map<SimFile, number>,
): string {
  let name = '';
  for (const [entry, node] of entriesOf(directory, outcomes)) {
    if (node.kind === 'directory') name += `${entry}/{${nameOf(node, outcomes, numbers)}}`;
    else if (node.kind === 'link') name += `${entry}@ `;
    else {
      const number = numbers.get(node) ?? numbers.size;
      numbers.set(node, number);
      name += `${entry}#${number}:${digest(contentOf(node, outcomes))} `;
    }
  }
  return name;
}

const digests = new WeakMap<Buffer, string>();

function digest(bytes: Buffer): string {
  const known = digests.get(bytes);
  if (known !== undefined) return known;
  const made = `${bytes.byteLength}.${crc32(bytes).toString(16)}`;
  digests.set(bytes, made);
  return made;
}
