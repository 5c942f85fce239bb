/**
 * Rows that nothing refers to: no server and no sweeper would ever remove them.
 *
 * The filter of used ids says which rows are surely not used; those, and what was written while it
 * was filled, are looked for again by name. References only ever move from uploads to objects to
 * parts to garbage, which is the order of this second pass, so none is missed.
 *
 * @module
 */

import type { Entry, Table } from '../metadata/environment.js';
import { partsOfUploadKey, UPLOAD_ID_BYTES } from '../metadata/keys.js';
import { decodeGarbage } from '../metadata/payload-records.js';
import { decodeObject, decodePart } from '../metadata/records.js';
import { asBuffer } from '../util/bytes.js';
import { pagesOf, readable, type CheckContext } from './check-context.js';
import type { FindingClass } from './findings.js';

interface Unused {
  readonly class: FindingClass;
  readonly table: Table;
  readonly key: Uint8Array;
}

/** Candidates looked for in one pass; the rest has the next run. */
const CANDIDATES_MAX = 100_000;
const KINDS: readonly (readonly [Table, FindingClass, (key: Buffer) => string])[] = [
  ['layouts', 'layout-unused', (key) => `layout ${key.toString('hex')}`],
  ['manifests', 'manifest-unused', (key) => `manifest ${key.toString('latin1')}`],
  ['parts', 'part-unused', (key) => `upload ${key.toString('latin1', 0, UPLOAD_ID_BYTES)}`],
  ['inline', 'inline-payload-unused', (key) => `inline ${BigInt(`0x0${key.toString('hex')}`)}`],
];

export async function checkUnused(context: CheckContext): Promise<void> {
  // What a damaged record refers to would look unused.
  if (context.counts.unreadable > 0) return;
  const candidates = await collect(context);
  if (candidates.size === 0) return;
  const dropUsed = (id: string): void => void candidates.delete(id);
  for (const table of ['uploads', 'objects', 'versions', 'parts', 'garbage'] as const) {
    for (const rows of pagesOf(context, table)) {
      for (const row of rows) readable(() => idsUsedBy(table, row).forEach(dropUsed));
      await new Promise(setImmediate);
    }
  }
  context.store.environment.refresh();
  for (const unused of [...candidates.values()].flat()) {
    const { table, key } = unused;
    if (context.store.environment.get(table, key) === undefined) continue;
    const isText = table === 'manifests';
    context.report({
      class: unused.class,
      object: `${table} ${asBuffer(key).toString(isText ? 'latin1' : 'hex')}`,
      problem: 'no record refers to this row',
    });
  }
}

/** Rows whose id is surely not used, by id. */
async function collect(context: CheckContext): Promise<Map<string, Unused[]>> {
  const candidates = new Map<string, Unused[]>();
  for (const [table, name, idOf] of KINDS) {
    for (const rows of pagesOf(context, table)) {
      for (const { key } of rows) {
        const id = idOf(asBuffer(key));
        if (context.used.mayHave(id) || candidates.size >= CANDIDATES_MAX) continue;
        candidates.set(id, [...(candidates.get(id) ?? []), { class: name, table, key }]);
      }
      await new Promise(setImmediate);
    }
  }
  return candidates;
}

function idsUsedBy(table: Table, { key, value }: Entry): readonly string[] {
  if (table === 'uploads') return [`upload ${partsOfUploadKey(key).uploadId}`];
  if (table === 'parts') return [`layout ${decodePart(value).blobId}`];
  if (table === 'garbage') {
    const record = decodeGarbage(value);
    const ofUpload = record.kind === 'upload' ? idsOfUpload(record.uploadId) : [];
    return [`layout ${record.blobId}`, ...ofUpload];
  }
  const { placement, sequence } = decodeObject(value);
  if (placement.kind === 'inline') return [`inline ${sequence}`];
  const ofUpload = placement.kind === 'parts' ? idsOfUpload(placement.uploadId) : [];
  return [`layout ${placement.blobId}`, ...ofUpload];
}

function idsOfUpload(uploadId: string): readonly string[] {
  return [`upload ${uploadId}`, `manifest ${uploadId}`];
}
