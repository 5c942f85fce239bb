/**
 * Objects as tests of operations make and look at them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  RenameObjectCommand,
  UploadPartCommand,
  type CreateMultipartUploadCommandInput,
  type PutObjectCommandInput,
  type RenameObjectCommandInput,
} from '@aws-sdk/client-s3';

import { INLINE_BYTES_MAX } from './in-process-server.js';
import type { Fixture } from './operation-suite.js';
import type { RawReply } from './raw-request.js';

/** A body inside the record, one in a file of its own, and none; by the placement's name. */
export const BODIES: readonly (readonly [placement: string, body: Buffer])[] = [
  ['inline', Buffer.from('hello world')],
  ['plain', randomBytes(INLINE_BYTES_MAX * 40 + 17)],
  ['empty', Buffer.alloc(0)],
];

type Place = Pick<Fixture, 'client' | 'bucket'>;

export function putObject(
  { client, bucket }: Place,
  key: string,
  body: string | Uint8Array,
  more: Partial<PutObjectCommandInput> = {},
) {
  return client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...more }));
}

export async function bytesOf({ client, bucket }: Place, key: string): Promise<Buffer> {
  const { Body: body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Buffer.from((await body?.transformToByteArray()) ?? []);
}

export async function textOf(place: Place, key: string): Promise<string> {
  return (await bytesOf(place, key)).toString();
}

/** Keys and ETags of everything in the bucket: equal before and after what changes nothing. */
export async function contentsOf({ client, bucket }: Place): Promise<readonly string[]> {
  const page = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  assert.equal(page.IsTruncated, false);
  return (page.Contents ?? []).map(({ Key, ETag, Size }) => `${Key} ${ETag} ${Size}`);
}

/** Makes an object of parts, numbered from 1. */
export async function uploadInParts(
  { client, bucket }: Place,
  key: string,
  parts: readonly Uint8Array[],
  more: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<void> {
  const name = { Bucket: bucket, Key: key };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...name, ...more }));
  const listed = [];
  for (const [index, body] of parts.entries()) {
    const PartNumber = index + 1;
    const part = { ...name, UploadId, PartNumber, Body: body };
    const { ChecksumAlgorithm } = more;
    const { ETag, ChecksumCRC32, ChecksumSHA256 } = await client.send(
      new UploadPartCommand(ChecksumAlgorithm ? { ...part, ChecksumAlgorithm } : part),
    );
    listed.push(
      ChecksumAlgorithm
        ? { PartNumber, ETag, ChecksumCRC32, ChecksumSHA256 }
        : { PartNumber, ETag },
    );
  }
  await client.send(
    new CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload: { Parts: listed } }),
  );
}

export async function rename(
  { client, bucket }: Place,
  source: string,
  target: string,
  more: Partial<RenameObjectCommandInput> = {},
): Promise<void> {
  const RenameSource = `/${bucket}/${encodeURIComponent(source)}`;
  // The SDK makes a token of its own for each request unless it is given one.
  const input = { Bucket: bucket, Key: target, RenameSource, ...more };
  await client.send(new RenameObjectCommand(input));
}

/** The same with the header as the test writes it. */
export function renameRaw(
  { raw, bucket }: Fixture,
  target: string,
  { source, ...headers }: { readonly source: string } & Readonly<Record<string, string>>,
): Promise<RawReply> {
  const sent = { ...headers, 'x-amz-rename-source': source };
  return raw({ method: 'PUT', path: pathOf(bucket, target), query: 'renameObject', headers: sent });
}

/** A name as it stands in a request line: every byte but the unreserved ones escaped, `/` kept. */
export function pathOf(bucket: string, key: string): string {
  const escaped = encodeURIComponent(key).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `/${bucket}/${escaped.replaceAll('%2F', '/')}`;
}
