/**
 * Where the scrubber is, in a small file beside the index: `scrub.json`.
 *
 * It is a convenience, not a record: written without flushes, and one that is missing or makes no
 * sense starts a new pass.
 *
 * @module
 */

import { readFile, rename, writeFile } from 'node:fs/promises';

import { codeOf } from '../util/error-code.js';
import type { Place } from './damage.js';

export interface ScrubState {
  /** The last place of the pass that was verified; undefined at its beginning. */
  readonly after: Place | undefined;
  /** Of the pass under way. */
  readonly passStartedMs: number | undefined;
  /** Of the last complete pass. */
  readonly passEndedMs: number | undefined;
  /** Of the pass under way or, between passes, the last one. */
  readonly lastStartedMs: number | undefined;
  readonly doneBytes: number;
  readonly damaged: readonly Place[];
}

const FILE_NAME = 'scrub.json';

/** @returns undefined when there is none that can be used. */
export async function readScrubState(metadataPath: string): Promise<ScrubState | undefined> {
  try {
    const text = await readFile(`${metadataPath}/${FILE_NAME}`, 'utf8');
    const state: unknown = JSON.parse(text);
    return isState(state) ? state : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeScrubState(metadataPath: string, state: ScrubState): Promise<void> {
  const path = `${metadataPath}/${FILE_NAME}`;
  await writeFile(`${path}.new`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function isState(value: unknown): value is ScrubState {
  if (typeof value !== 'object' || value === null) return false;
  const state = value as Partial<Record<keyof ScrubState, unknown>>;
  const times = [state.passStartedMs, state.passEndedMs, state.lastStartedMs];
  return (
    times.every((time) => time === undefined || typeof time === 'number') &&
    typeof state.doneBytes === 'number' &&
    Array.isArray(state.damaged) &&
    state.damaged.every(isPlace) &&
    (state.after === undefined || isPlace(state.after))
  );
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null) return false;
  const { bucket, key, uploadId } = value as Partial<Record<keyof Place, unknown>>;
  const texts = [bucket, key, uploadId ?? ''];
  return texts.every((text) => typeof text === 'string');
}
