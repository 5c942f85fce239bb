/**
 * Uploads in parts, begun and completed in the ways that tests need.
 *
 * @module
 */

import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type CompletedPart,
  type CreateMultipartUploadCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';

import type { Fixture } from './operation-suite.js';
import type { RawReply } from './raw-request.js';

export interface UploadName {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

export async function begin(
  client: S3Client,
  bucket: string,
  key: string,
  options: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<UploadName> {
  const name = { Bucket: bucket, Key: key };
  const { UploadId = '' } = await client.send(
    new CreateMultipartUploadCommand({ ...name, ...options }),
  );
  return { ...name, UploadId };
}

/** An upload with parts, ready to be completed; the parts are listed as the server named them. */
export async function uploaded(
  client: S3Client,
  bucket: string,
  key: string,
  bodies: readonly Uint8Array[],
  numbers: readonly number[] = bodies.map((_, index) => index + 1),
  options: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<{ readonly name: UploadName; readonly parts: CompletedPart[] }> {
  const name = await begin(client, bucket, key, options);
  const algorithm = options.ChecksumAlgorithm;
  const parts: CompletedPart[] = [];
  for (const [index, body] of bodies.entries()) {
    const PartNumber = numbers[index];
    const part = await client.send(
      new UploadPartCommand({ ...name, PartNumber, Body: body, ChecksumAlgorithm: algorithm }),
    );
    const listed: CompletedPart = { PartNumber, ETag: part.ETag };
    if (algorithm === 'CRC32') listed.ChecksumCRC32 = part.ChecksumCRC32;
    if (algorithm === 'CRC32C') listed.ChecksumCRC32C = part.ChecksumCRC32C;
    if (algorithm === 'CRC64NVME') listed.ChecksumCRC64NVME = part.ChecksumCRC64NVME;
    if (algorithm === 'SHA1') listed.ChecksumSHA1 = part.ChecksumSHA1;
    if (algorithm === 'SHA256') listed.ChecksumSHA256 = part.ChecksumSHA256;
    parts.push(listed);
  }
  return { name, parts };
}

export function complete(client: S3Client, name: UploadName, parts: CompletedPart[]) {
  return client.send(
    new CompleteMultipartUploadCommand({ ...name, MultipartUpload: { Parts: parts } }),
  );
}

export function rawComplete(
  fixture: Fixture,
  { Bucket, Key, UploadId }: UploadName,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawReply> {
  const path = `/${Bucket}/${Key}`;
  return fixture.raw({ method: 'POST', path, query: `uploadId=${UploadId}`, headers, body });
}

export function partsDocument(parts: readonly CompletedPart[]): string {
  const elements = parts.map((part) => {
    const fields = Object.entries(part)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `<${name}>${value}</${name}>`);
    return `<Part>${fields.join('')}</Part>`;
  });
  return `<CompleteMultipartUpload>${elements.join('')}</CompleteMultipartUpload>`;
}
