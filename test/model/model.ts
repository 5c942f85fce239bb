/**
 * The reference: what S3 promises, in maps. It knows nothing of placements, records or files.
 *
 * @module
 */

import type { Clock } from '../support/clocked-client.js';
import {
  byBytes,
  bytesOf,
  INLINE_BYTES_MAX,
  md5,
  type Action,
  type Conditions,
  type Outcome,
  type Place,
  type System,
} from './system.js';

export interface ModelObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly meta: string;
  readonly tag: string | undefined;
  readonly writtenAt: number;
  readonly modifiedMs: number;
  /** The upload that made it, and its parts; -1 under another key than the upload's. */
  readonly upload?: number;
  readonly parts: readonly { readonly partNumber: number; readonly bytes: Buffer }[];
}

export interface ModelUpload {
  readonly bucket: string;
  readonly key: string;
  readonly meta: string;
  readonly startedAt: number;
  readonly initiatedMs: number;
  readonly parts: Map<number, Buffer>;
  isKeyDeleted: boolean;
  isOpen: boolean;
}

class Refusal extends Error {}

export interface ModelOptions {
  /** Undefined: nothing is said about times. */
  readonly clock: Clock | undefined;
  readonly partSizeBytesMin: number;
}

export class Model implements System {
  readonly buckets = new Map<string, Map<string, ModelObject>>();
  readonly uploads: ModelUpload[] = [];
  /** What the last action was about; the next one often is about the same. */
  lastPlace: Place | undefined;
  readonly #options: ModelOptions;
  #writeCount = 0;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  /** Another one that knows the same. */
  clone(): Model {
    const other = new Model(this.#options);
    for (const [name, objects] of this.buckets) other.buckets.set(name, new Map(objects));
    for (const upload of this.uploads) {
      other.uploads.push({ ...upload, parts: new Map(upload.parts) });
    }
    other.lastPlace = this.lastPlace;
    other.#writeCount = this.#writeCount;
    return other;
  }

  async apply(action: Action): Promise<Outcome> {
    if ('key' in action) this.lastPlace = { bucket: action.bucket, key: action.key };
    return this.#attempt(action);
  }

  #attempt(action: Action): Outcome {
    try {
      return this.#apply(action);
    } catch (error) {
      if (error instanceof Refusal) return error.message;
      throw error;
    }
  }

  #apply(action: Action): Outcome {
    switch (action.kind) {
      case 'createBucket':
        this.buckets.set(action.bucket, new Map());
        return 'ok';
      case 'deleteBucket':
        return this.#deleteBucket(action.bucket);
      case 'counters':
        return this.#counters(action.bucket);
      case 'put': {
        const objects = this.#bucket(action.bucket);
        check(action.conditions, objects.get(action.key));
        return { etag: this.#put(objects, action.key, bytesOf(action.payload), metaOf(action)) };
      }
      case 'get':
        return this.#get(action);
      case 'head':
        return this.#describe(this.#object(action.bucket, action.key));
      case 'getWhile': {
        const shown = this.#get({ ...action, kind: 'get' });
        return [shown, this.#attempt(action.change)];
      }
      case 'delete': {
        const current = this.#bucket(action.bucket).get(action.key);
        const isOther = action.ifMatch !== undefined && current && action.ifMatch !== current.etag;
        if (isOther === true) throw new Refusal('PreconditionFailed');
        return this.#remove(action.bucket, action.key);
      }
      case 'deleteMany':
        for (const key of action.keys) this.#remove(action.bucket, key);
        return 'ok';
      case 'copy': {
        const objects = this.#bucket(action.bucket);
        const source = this.#object(action.source.bucket, action.source.key);
        check(action.conditions, objects.get(action.key));
        return { etag: this.#put(objects, action.key, source.bytes, source.meta, source.tag) };
      }
      case 'append':
        return this.#append(action);
      case 'setTag': {
        const object = this.#object(action.bucket, action.key);
        this.#bucket(action.bucket).set(action.key, { ...object, tag: action.tag });
        return 'ok';
      }
      case 'getTag':
        return { tag: this.#object(action.bucket, action.key).tag };
      case 'rename': {
        const objects = this.#bucket(action.bucket);
        const source = this.#object(action.bucket, action.sourceKey);
        check(action.conditions, objects.get(action.key));
        this.#writeCount += 1;
        const moved = { ...source, writtenAt: this.#writeCount };
        objects.set(action.key, source.upload === undefined ? moved : { ...moved, upload: -1 });
        this.#remove(action.bucket, action.sourceKey);
        return { etag: source.etag };
      }
      case 'list':
        return this.#list(action);
      case 'createUpload':
        this.#bucket(action.bucket);
        this.uploads.push({
          ...{ bucket: action.bucket, key: action.key, meta: `seed ${action.seed}` },
          ...{ startedAt: this.#writeCount, initiatedMs: this.#nowMs() },
          ...{ parts: new Map(), isKeyDeleted: false, isOpen: true },
        });
        return 'ok';
      case 'uploadPart': {
        const bytes = bytesOf(action.payload);
        this.#upload(action.upload).parts.set(action.partNumber, bytes);
        return { etag: md5(bytes) };
      }
      case 'copyPart': {
        const { parts } = this.#upload(action.upload);
        const source = this.#object(action.source.bucket, action.source.key);
        const bytes = source.bytes.subarray(...(action.range ?? []));
        parts.set(action.partNumber, bytes);
        return { etag: md5(bytes) };
      }
      case 'complete':
        return this.#complete(action);
      case 'abort':
        this.#upload(action.upload).isOpen = false;
        return 'ok';
      case 'listParts':
        return [...this.#upload(action.upload).parts]
          .sort(([one], [other]) => one - other)
          .map(([partNumber, bytes]) => [partNumber, md5(bytes), bytes.length]);
      case 'listUploads':
        this.#bucket(action.bucket);
        return this.openUploads(action.bucket)
          .filter(({ key }) => key.startsWith(action.prefix))
          .sort((one, other) => byBytes(one.key, other.key) || one.number - other.number);
      case 'interrupt':
        return this.#attempt(action.change);
      case 'sweep':
      case 'reopen':
      case 'clock':
        return 'ok';
    }
  }

  openUploads(bucket: string): { readonly key: string; readonly number: number }[] {
    return this.uploads.flatMap((upload, number) =>
      upload.isOpen && upload.bucket === bucket ? [{ key: upload.key, number }] : [],
    );
  }

  #bucket(name: string): Map<string, ModelObject> {
    const objects = this.buckets.get(name);
    if (objects === undefined) throw new Refusal('NoSuchBucket');
    return objects;
  }

  #object(bucket: string, key: string): ModelObject {
    const object = this.#bucket(bucket).get(key);
    if (object === undefined) throw new Refusal('NoSuchKey');
    return object;
  }

  #upload(number: number): ModelUpload {
    const upload = this.uploads[number];
    if (upload === undefined) throw new Error(`there is no upload ${number}`);
    this.#bucket(upload.bucket);
    if (!upload.isOpen) throw new Refusal('NoSuchUpload');
    return upload;
  }

  #deleteBucket(name: string): Outcome {
    if (this.#bucket(name).size > 0) throw new Refusal('BucketNotEmpty');
    this.buckets.delete(name);
    for (const upload of this.uploads) if (upload.bucket === name) upload.isOpen = false;
    return 'ok';
  }

  #counters(bucket: string): Outcome {
    const objects = [...this.#bucket(bucket).values()];
    return {
      objectCount: objects.length,
      objectBytes: objects.reduce((sum, { bytes }) => sum + bytes.length, 0),
      uploadCount: this.openUploads(bucket).length,
    };
  }

  #put(
    objects: Map<string, ModelObject>,
    key: string,
    bytes: Buffer,
    meta: string,
    tag?: string,
  ): string {
    const etag = md5(bytes);
    const written = this.#written(objects.get(key));
    objects.set(key, { bytes, etag, meta, tag, ...written, parts: [] });
    return etag;
  }

  #append(action: Extract<Action, { kind: 'append' }>): Outcome {
    const objects = this.#bucket(action.bucket);
    const base = objects.get(action.key);
    const added = bytesOf(action.payload);
    if ((action.offsetBytes ?? 0) !== (base?.bytes.length ?? 0)) {
      throw new Refusal('InvalidWriteOffset');
    }
    if (base === undefined) {
      return { etag: this.#put(objects, action.key, added, metaOf(action)) };
    }
    const { meta, tag } = base;
    const bytes = Buffer.concat([base.bytes, added]);
    if (base.upload === undefined && base.bytes.length <= INLINE_BYTES_MAX) {
      return { etag: this.#put(objects, action.key, bytes, meta, tag) };
    }
    const before = base.upload === undefined ? [{ partNumber: 1, bytes: base.bytes }] : base.parts;
    const partNumber = (before.at(-1)?.partNumber ?? 0) + 1;
    const parts = [...before, { partNumber, bytes: added }];
    const etag = etagOfParts(parts);
    const made = { bytes, etag, parts, upload: base.upload ?? -1 };
    objects.set(action.key, { ...base, ...made, ...this.#written(base) });
    return { etag };
  }

  #get({ bucket, key, range }: Extract<Action, { kind: 'get' }>): Outcome {
    const object = this.#object(bucket, key);
    const [start, end] = range ?? [0, object.bytes.length];
    return { ...this.#describe(object), md5: md5(object.bytes.subarray(start, end)) };
  }

  #remove(bucket: string, key: string): Outcome {
    if (!this.#bucket(bucket).delete(key)) return 'ok';
    for (const upload of this.uploads) {
      if (upload.bucket === bucket && upload.key === key) upload.isKeyDeleted = true;
    }
    return 'ok';
  }

  #list(action: Extract<Action, { kind: 'list' }>): Outcome {
    const { prefix, delimiter, startAfter, countMax } = action;
    const objects = this.#bucket(action.bucket);
    const names = [...objects.keys()]
      .filter((key) => key.startsWith(prefix) && byBytes(key, startAfter) > 0)
      .sort(byBytes)
      .map((key) => {
        const index = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
        return index < 0 ? key : `${key.slice(0, index + delimiter.length)}*`;
      });
    const entries = [...new Set(names)];
    const pages: Outcome[] = [];
    for (let start = 0; start === 0 || start < entries.length; start += countMax) {
      const page = entries.slice(start, start + countMax);
      pages.push({
        objects: page.flatMap((name) => {
          const object = objects.get(name);
          return object === undefined ? [] : [[name, object.etag, object.bytes.length]];
        }),
        prefixes: page.filter((name) => !objects.has(name)).map((name) => name.slice(0, -1)),
      });
    }
    return pages;
  }

  #complete(action: Extract<Action, { kind: 'complete' }>): Outcome {
    const upload = this.uploads[action.upload];
    if (upload === undefined) throw new Error(`there is no upload ${action.upload}`);
    const objects = this.#bucket(upload.bucket);
    const current = objects.get(upload.key);
    const numbers = action.parts.map(({ partNumber }) => partNumber);
    if (!upload.isOpen && current?.upload === action.upload) {
      const done = current.parts.map(({ partNumber, bytes }) => `${partNumber} ${md5(bytes)}`);
      const listed = action.parts.map(({ partNumber, etag }) => `${partNumber} ${etag}`);
      if (listed.join() === done.join()) return { etag: current.etag };
    }
    this.#upload(action.upload);
    if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0))) {
      throw new Refusal('InvalidPartOrder');
    }
    const parts = action.parts.map(({ partNumber, etag }) => {
      const bytes = upload.parts.get(partNumber);
      if (bytes === undefined || md5(bytes) !== etag) throw new Refusal('InvalidPart');
      return { partNumber, bytes };
    });
    const { partSizeBytesMin } = this.#options;
    if (parts.slice(0, -1).some(({ bytes }) => bytes.length < partSizeBytesMin)) {
      throw new Refusal('EntityTooSmall');
    }
    check(action.conditions, current, upload);
    const etag = etagOfParts(parts);
    upload.isOpen = false;
    objects.set(upload.key, {
      ...{ bytes: Buffer.concat(parts.map(({ bytes }) => bytes)), etag, meta: upload.meta },
      tag: undefined,
      ...this.#written(current, upload.initiatedMs),
      ...{ upload: action.upload, parts },
    });
    return { etag };
  }

  /** A newer version never looks older, whatever the clock says. */
  #written(previous: ModelObject | undefined, notBeforeMs = 0) {
    this.#writeCount += 1;
    const modifiedMs = Math.max(this.#nowMs(), previous?.modifiedMs ?? 0, notBeforeMs);
    return { writtenAt: this.#writeCount, modifiedMs };
  }

  #nowMs(): number {
    return this.#options.clock?.nowMs ?? 0;
  }

  #describe({ etag, bytes, meta, modifiedMs }: ModelObject) {
    const hasClock = this.#options.clock !== undefined;
    const modifiedSecs = hasClock ? Math.floor(modifiedMs / 1000) : undefined;
    return { etag, sizeBytes: bytes.length, meta, modifiedSecs };
  }
}

/** Metadata that a write carries; seeds make it differ from write to write. */
export function metaOf(action: { readonly payload: { readonly seed: number } }): string {
  return `seed ${action.payload.seed}`;
}

function etagOfParts(parts: ModelObject['parts']): string {
  const digests = Buffer.concat(parts.map(({ bytes }) => Buffer.from(md5(bytes), 'hex')));
  return `${md5(digests)}-${parts.length}`;
}

function check(
  { ifMatch, ifNoneMatch }: Conditions,
  current: ModelObject | undefined,
  upload?: ModelUpload,
): void {
  if (ifNoneMatch !== undefined && current !== undefined) throw new Refusal('PreconditionFailed');
  if (ifNoneMatch !== undefined && upload?.isKeyDeleted === true) {
    throw new Refusal('ConditionalRequestConflict');
  }
  if (ifMatch === undefined) return;
  if (current === undefined) throw new Refusal('NoSuchKey');
  if (ifMatch !== current.etag) throw new Refusal('PreconditionFailed');
  if (upload !== undefined && current.writtenAt > upload.startedAt) {
    throw new Refusal('ConditionalRequestConflict');
  }
}
