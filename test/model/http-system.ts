/**
 * A server as a model run sees it, through the AWS SDK: one inside this process, on a clock that
 * stands still, or one of several processes, which can be killed.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  ListPartsCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  S3ServiceException,
  UploadPartCommand,
  UploadPartCopyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import { S3Error } from '#src/s3/errors.js';

import { clockedClient, type Clock } from '../support/clocked-client.js';
import type { Backend } from '../support/in-process-server.js';
import { s3Client } from '../support/s3-client.js';
import { hostInProcess, hostInProcesses, type Host } from './hosts.js';
import { metaOf } from './model.js';
import {
  byBytes,
  bytesOf,
  md5,
  NO_ANSWER,
  NOT_SHOWN,
  type Action,
  type Conditions,
  type Interruption,
  type Outcome,
  type System,
} from './system.js';

/** A crash after n calls, on a wire that shows none: that many times this. */
const KILL_STEP_MS = 2;

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

export class HttpSystem implements System {
  readonly #host: Host;
  readonly #client: S3Client;
  readonly #uploads: { Bucket: string; Key: string; UploadId: string }[] = [];

  private constructor(host: Host) {
    this.#host = host;
    const { access, clock } = host;
    this.#client = clock === undefined ? s3Client(access) : clockedClient(access, clock);
  }

  static async open(backend: Backend, clock: Clock): Promise<HttpSystem> {
    return new HttpSystem(await hostInProcess(backend, clock));
  }

  /** Several processes, on the clock of the system. */
  static async openProcesses(): Promise<HttpSystem> {
    return new HttpSystem(await hostInProcesses());
  }

  async close(): Promise<void> {
    this.#client.destroy();
    await this.#host.stop();
  }

  async apply(action: Action): Promise<Outcome> {
    try {
      return await this.#apply(action);
    } catch (error) {
      if (error instanceof S3Error) return error.code;
      if (!(error instanceof S3ServiceException)) throw error;
      // The answer to HEAD has no body that could name the code.
      if (error.name !== 'NotFound') return error.name;
      const Bucket = 'bucket' in action ? action.bucket : '';
      const hasBucket = await this.#client.send(new HeadBucketCommand({ Bucket })).then(
        () => true,
        () => false,
      );
      return hasBucket ? 'NoSuchKey' : 'NoSuchBucket';
    }
  }

  async #apply(action: Action): Promise<Outcome> {
    const client = this.#client;
    switch (action.kind) {
      case 'createBucket':
        await client.send(new CreateBucketCommand({ Bucket: action.bucket }));
        return 'ok';
      case 'deleteBucket':
        await client.send(new DeleteBucketCommand({ Bucket: action.bucket }));
        return 'ok';
      case 'counters':
        // Served by no operation.
        if (this.#host.store === undefined) return NOT_SHOWN;
        this.#host.store.refresh();
        return this.#host.store.bucketCounters(action.bucket);
      case 'put':
        return this.#put(action);
      case 'get':
        return this.#get(action);
      case 'head': {
        const place = { Bucket: action.bucket, Key: action.key };
        const answer = await client.send(new HeadObjectCommand(place));
        return this.#describe(answer, answer.ContentLength);
      }
      case 'getWhile': {
        const shown = await this.#get({ ...action, kind: 'get' });
        return [shown, await this.apply(action.change)];
      }
      case 'delete': {
        const { bucket: Bucket, key: Key, ifMatch: IfMatch } = action;
        await client.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));
        return 'ok';
      }
      case 'deleteMany': {
        const Delete = { Objects: action.keys.map((Key) => ({ Key })) };
        const answer = await client.send(
          new DeleteObjectsCommand({ Bucket: action.bucket, Delete }),
        );
        assert.equal(answer.Deleted?.length, action.keys.length);
        return 'ok';
      }
      case 'copy': {
        const { bucket: Bucket, key: Key, source, conditions } = action;
        const CopySource = `${source.bucket}/${encodeURIComponent(source.key)}`;
        const answer = await client.send(
          new CopyObjectCommand({ Bucket, Key, CopySource, ...conditionsOf(conditions) }),
        );
        return { etag: unquoted(answer.CopyObjectResult?.ETag) };
      }
      case 'rename': {
        const { bucket: Bucket, key: Key, sourceKey, conditions } = action;
        const RenameSource = `${Bucket}/${encodeURIComponent(sourceKey)}`;
        const { ifMatch: DestinationIfMatch, ifNoneMatch: DestinationIfNoneMatch } = conditions;
        const wishes = { DestinationIfMatch, DestinationIfNoneMatch };
        await client.send(new RenameObjectCommand({ Bucket, Key, RenameSource, ...wishes }));
        const { ETag } = await client.send(new HeadObjectCommand({ Bucket, Key }));
        return { etag: unquoted(ETag) };
      }
      case 'append': {
        const { bucket: Bucket, key: Key, payload, offsetBytes } = action;
        const answer = await client.send(
          new PutObjectCommand({
            ...{ Bucket, Key, Body: bytesOf(payload), WriteOffsetBytes: offsetBytes ?? 0 },
            // Only for an object that is created.
            Metadata: offsetBytes === undefined ? { meta: metaOf(action) } : undefined,
          }),
        );
        return { etag: unquoted(answer.ETag) };
      }
      case 'setTag': {
        const place = { Bucket: action.bucket, Key: action.key };
        const TagSet = [{ Key: 'tag', Value: action.tag }];
        const Tagging = { TagSet };
        if (action.tag === undefined) await client.send(new DeleteObjectTaggingCommand(place));
        else await client.send(new PutObjectTaggingCommand({ ...place, Tagging }));
        return 'ok';
      }
      case 'getTag': {
        const place = { Bucket: action.bucket, Key: action.key };
        const { TagSet } = await client.send(new GetObjectTaggingCommand(place));
        return { tag: TagSet?.[0]?.Value };
      }
      case 'list':
        return this.#list(action);
      case 'createUpload': {
        const { bucket: Bucket, key: Key, seed } = action;
        const Metadata = { meta: `seed ${seed}` };
        const answer = await client.send(
          new CreateMultipartUploadCommand({
            ...{ Bucket, Key, Metadata },
            // What can be appended to.
            ...{ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' },
          }),
        );
        this.#uploads.push({ Bucket, Key, UploadId: answer.UploadId ?? '' });
        return 'ok';
      }
      case 'uploadPart': {
        const Body = bytesOf(action.payload);
        const answer = await client.send(
          new UploadPartCommand({
            ...this.#upload(action.upload),
            ...{ PartNumber: action.partNumber, Body },
          }),
        );
        return { etag: unquoted(answer.ETag) };
      }
      case 'copyPart': {
        const { source, range } = action;
        const answer = await client.send(
          new UploadPartCopyCommand({
            ...{ ...this.#upload(action.upload), PartNumber: action.partNumber },
            CopySource: `${source.bucket}/${encodeURIComponent(source.key)}`,
            CopySourceRange: range && `bytes=${range[0]}-${range[1] - 1}`,
          }),
        );
        return { etag: unquoted(answer.CopyPartResult?.ETag) };
      }
      case 'complete': {
        const Parts = action.parts.map((part) => ({
          PartNumber: part.partNumber,
          ETag: part.etag,
        }));
        const answer = await client.send(
          new CompleteMultipartUploadCommand({
            ...this.#upload(action.upload),
            ...{ MultipartUpload: { Parts }, ...conditionsOf(action.conditions) },
          }),
        );
        return { etag: unquoted(answer.ETag) };
      }
      case 'abort':
        await client.send(new AbortMultipartUploadCommand(this.#upload(action.upload)));
        return 'ok';
      case 'listParts':
        return this.#listParts(action);
      case 'listUploads':
        return this.#listUploads(action);
      case 'sweep':
        await this.#host.store?.reclaimer.reclaimGarbage(() => true);
        return 'ok';
      case 'reopen':
        await this.#host.restart(action.isClean);
        return 'ok';
      case 'clock':
        return 'ok';
      case 'interrupt':
        return this.#interrupted(action.change, action.by);
    }
  }

  /** All processes are killed while the request is on its way, or just after its answer. */
  async #interrupted(change: Action, { kind, afterCalls }: Interruption): Promise<Outcome> {
    if (kind !== 'crash' || this.#host.kill === undefined) return this.apply(change);
    const outcome = this.apply(change).catch(() => NO_ANSWER);
    await sleep(afterCalls * KILL_STEP_MS);
    await this.#host.kill();
    const seen = await outcome;
    await this.#host.restart(true);
    return seen;
  }

  async #put(action: Omit<Of<'put'>, 'kind'>): Promise<Outcome> {
    const answer = await this.#client.send(
      new PutObjectCommand({
        ...{ Bucket: action.bucket, Key: action.key, Body: bytesOf(action.payload) },
        ...{ Metadata: { meta: metaOf(action) }, ...conditionsOf(action.conditions) },
      }),
    );
    return { etag: unquoted(answer.ETag) };
  }

  async #get({ bucket: Bucket, key: Key, range }: Of<'get'>): Promise<Outcome> {
    const Range = range && `bytes=${range[0]}-${range[1] - 1}`;
    const answer = await this.#client.send(new GetObjectCommand({ Bucket, Key, Range }));
    const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    const [, total] = answer.ContentRange?.split('/') ?? [];
    return {
      ...this.#describe(answer, total === undefined ? bytes.byteLength : Number(total)),
      md5: md5(bytes),
    };
  }

  async #list(action: Of<'list'>): Promise<Outcome> {
    const pages: Outcome[] = [];
    const input = {
      ...{ Bucket: action.bucket, Prefix: action.prefix, MaxKeys: action.countMax },
      Delimiter: action.delimiter === '' ? undefined : action.delimiter,
      StartAfter: action.startAfter === '' ? undefined : action.startAfter,
    };
    for await (const page of paginateListObjectsV2({ client: this.#client }, input)) {
      const { Contents = [], CommonPrefixes = [] } = page;
      pages.push({
        objects: Contents.map(({ Key, ETag, Size }) => [Key, unquoted(ETag), Size]),
        prefixes: CommonPrefixes.map(({ Prefix }) => Prefix),
      });
    }
    return pages;
  }

  async #listParts({ upload, countMax }: Of<'listParts'>): Promise<Outcome> {
    const found: Outcome[] = [];
    let PartNumberMarker: string | undefined;
    // Not the SDK's paginator: it goes on for ever while there is a next marker, as on AWS.
    for (;;) {
      const page = await this.#client.send(
        new ListPartsCommand({ ...this.#upload(upload), MaxParts: countMax, PartNumberMarker }),
      );
      for (const part of page.Parts ?? []) {
        found.push([part.PartNumber, unquoted(part.ETag), part.Size]);
      }
      if (page.IsTruncated !== true) return found;
      PartNumberMarker = page.NextPartNumberMarker;
    }
  }

  async #listUploads({ bucket, prefix, countMax }: Of<'listUploads'>): Promise<Outcome> {
    const found: { key: string; number: number }[] = [];
    let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
    for (;;) {
      const page = await this.#client.send(
        new ListMultipartUploadsCommand({
          ...{ Bucket: bucket, Prefix: prefix, MaxUploads: countMax, ...markers },
        }),
      );
      for (const { Key = '', UploadId } of page.Uploads ?? []) {
        const number = this.#uploads.findIndex((one) => one.UploadId === UploadId);
        found.push({ key: Key, number });
      }
      assert(found.length <= this.#uploads.length, 'no upload is listed twice');
      if (page.IsTruncated !== true) break;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
    return found.sort((one, other) => byBytes(one.key, other.key) || one.number - other.number);
  }

  #describe({ ETag, Metadata, LastModified }: Described, sizeBytes: number | undefined) {
    const modifiedMs = LastModified?.getTime() ?? NaN;
    const modifiedSecs = this.#host.clock === undefined ? undefined : modifiedMs / 1000;
    return { etag: unquoted(ETag), sizeBytes, meta: Metadata?.['meta'], modifiedSecs };
  }

  #upload(number: number): { Bucket: string; Key: string; UploadId: string } {
    const upload = this.#uploads[number];
    if (upload === undefined) throw new Error(`there is no upload ${number}`);
    return upload;
  }
}

interface Described {
  readonly ETag?: string | undefined;
  readonly Metadata?: Record<string, string> | undefined;
  readonly LastModified?: Date | undefined;
}

function conditionsOf({ ifMatch, ifNoneMatch }: Conditions) {
  return { IfMatch: ifMatch, IfNoneMatch: ifNoneMatch };
}

function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}
