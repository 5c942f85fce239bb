/**
 * What verification finds, and where.
 *
 * @module
 */

import { DamagedRecordError } from '../metadata/record-codec.js';
import { NewerFormatError } from '../util/newer-format-error.js';
import { isBlobDamage } from './verify-blob.js';

/** An object, or an upload in progress. */
export interface Place {
  readonly bucket: string;
  readonly key: string;
  /** Undefined for an object. */
  readonly uploadId?: string | undefined;
}

/** `data` and `sidecar` are files; `record` is a row of the index; `index` its whole. */
export const DAMAGE_KINDS = ['data', 'sidecar', 'record', 'index'] as const;
export type DamageKind = (typeof DAMAGE_KINDS)[number];

export interface Damage {
  readonly kind: DamageKind;
  readonly problem: string;
}

/** What a fault says about the records. @throws it again when it says nothing about them. */
export function damageOf(error: unknown): Damage {
  const isDamage = error instanceof DamagedRecordError || error instanceof NewerFormatError;
  if (isDamage) return { kind: 'record', problem: error.message };
  throw error;
}

/** Whether a request failed because stored bytes are not what was written. */
export function isDamage(fault: unknown): boolean {
  return fault instanceof DamagedRecordError || isBlobDamage(fault);
}
