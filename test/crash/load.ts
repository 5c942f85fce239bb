/**
 * Mixed load over the real SDK that writes down what it asks for and what is acknowledged.
 *
 * Every writer has keys of its own, so that the last acknowledgement of a key is its last write.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  S3ServiceException,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

import type { SeededRandom } from '../support/random.js';
import {
  md5,
  multipartVersionOf,
  versionOf,
  type Content,
  type Ledger,
  type State,
} from './ledger.js';

export const BUCKET = 'crash-bucket';
/** `[limits] min_part_size_mb` of the server under test. */
export const PART_SIZE_MIB_MIN = 1;

const KEYS_PER_WRITER = 4;
const MIB = 1024 ** 2;
const INLINE_BYTES_MAX = 32 * 1024;
/** Now and then one that takes long enough to be caught half-way. */
const LONG_BYTES = 20 * MIB;
const LONG_SHARE = 0.01;
/** Both placements with their limit (32 KiB), and one and several checksum blocks (256 KiB). */
const SIZES = [0, 100, 5_000, 32_768, 32_769, 200_000, 262_144, 262_145, 1_500_000];

/** What a writer works with. */
interface Writer {
  readonly client: S3Client;
  readonly ledger: Ledger;
  readonly random: SeededRandom;
  readonly keys: readonly string[];
}

type Work = (writer: Writer, key: string) => Promise<void>;

/** Listed as often as it shall happen. */
const WORKS: readonly Work[] = [
  ...[put, put, put, put, conditionalPut, conditionalPut, refusedPut],
  ...[copy, copy, remove, removeSeveral, multipart, multipart, multipart, abort],
  ...[rename, rename, append, append, tag, tag, tag],
];

/** Does one random piece of work on one of the writer's keys. */
export async function writeOnce(
  client: S3Client,
  ledger: Ledger,
  random: SeededRandom,
  index: number,
): Promise<void> {
  const keys = Array.from({ length: KEYS_PER_WRITER }, (_, number) => `key-${index}-${number}`);
  await random.oneOf(WORKS)({ client, ledger, random, keys }, random.oneOf(keys));
}

/**
 * Reads a key, most often one that is being written: whatever is there must have been sent as a
 * whole, and stay.
 *
 * @param isBefore - whether the crash has not begun: later answers are held to nothing.
 */
export async function readOnce(
  client: S3Client,
  ledger: Ledger,
  random: SeededRandom,
  isBefore: () => boolean,
): Promise<void> {
  const keys = ledger.keys();
  if (keys.length === 0) return;
  const written = keys.filter((key) => ledger.known(key) === undefined);
  const key = random.oneOf(written.length > 0 ? written : keys);
  const attemptsCount = ledger.attemptsCount(key);
  const content = await contentInStore(client, key);
  if (isBefore()) ledger.glimpse(key, content, attemptsCount);
}

/** What the store holds under a key that nobody changes meanwhile. */
export async function stateInStore(client: S3Client, key: string): Promise<State> {
  const content = await contentInStore(client, key);
  if (content === undefined) return undefined;
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: BUCKET, Key: key }));
  return { ...content, tag: TagSet?.[0]?.Value ?? '' };
}

async function contentInStore(client: S3Client, key: string): Promise<Content | undefined> {
  try {
    const answer = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    return { etag: unquoted(answer.ETag), sizeBytes: bytes.byteLength, md5Hex: md5(bytes) };
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}

export function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

async function put({ client, ledger, random }: Writer, key: string): Promise<void> {
  const body = randomBytes(random.fraction() < LONG_SHARE ? LONG_BYTES : random.oneOf(SIZES));
  const version = versionOf(body);
  ledger.attempt(key, version);
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
  ledger.acknowledge(key, version);
}

/** With a condition that holds. */
async function conditionalPut({ client, ledger, random }: Writer, key: string): Promise<void> {
  const known = ledger.known(key);
  if (known === undefined) return;
  const body = randomBytes(random.oneOf(SIZES));
  const version = versionOf(body);
  const condition = known.state ? { IfMatch: known.state.etag } : { IfNoneMatch: '*' };
  ledger.attempt(key, version);
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ...condition }));
  ledger.acknowledge(key, version);
}

/** With a condition that does not hold: refused, and nothing changes. */
async function refusedPut({ client, ledger, random }: Writer, key: string): Promise<void> {
  const known = ledger.known(key);
  if (known === undefined) return;
  const body = randomBytes(random.oneOf(SIZES));
  const condition = known.state ? { IfNoneMatch: '*' } : { IfMatch: md5(body) };
  const sent = client.send(
    new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ...condition }),
  );
  const wanted = known.state ? 'PreconditionFailed' : 'NoSuchKey';
  await sent.then(
    () => assert.fail(`a write of ${key} went through against its condition`),
    (error: unknown) => {
      if (!(error instanceof S3ServiceException && error.name === wanted)) throw error;
    },
  );
}

async function copy({ client, ledger, random, keys }: Writer, key: string): Promise<void> {
  const source = random.oneOf(keys);
  const known = ledger.known(source);
  if (known?.state === undefined || source === key) return;
  // A copy is a single object whatever its source was.
  const version = { ...known.state, etag: known.state.md5Hex };
  ledger.attempt(key, version);
  const CopySource = `${BUCKET}/${source}`;
  await client.send(new CopyObjectCommand({ Bucket: BUCKET, Key: key, CopySource }));
  ledger.acknowledge(key, version);
}

/** The object as it was, under another key. */
async function rename({ client, ledger, random, keys }: Writer, key: string): Promise<void> {
  const source = random.oneOf(keys);
  const known = ledger.known(source);
  if (known?.state === undefined || source === key) return;
  ledger.attempt(key, known.state);
  ledger.attempt(source, undefined);
  const RenameSource = `/${BUCKET}/${source}`;
  await client.send(new RenameObjectCommand({ Bucket: BUCKET, Key: key, RenameSource }));
  ledger.acknowledge(key, known.state);
  ledger.acknowledge(source, undefined);
}

/** Once to each object that came in one piece: inline ones stay one, files become the first part. */
async function append({ client, ledger, random }: Writer, key: string): Promise<void> {
  const known = ledger.known(key);
  if (known === undefined || known.state?.etag.includes('-') === true) return;
  const name = { Bucket: BUCKET, Key: key };
  const body = randomBytes(random.oneOf(SIZES.filter((size) => size > 0)));
  let existing = new Uint8Array();
  if (known.state !== undefined) {
    const answer = await client.send(new GetObjectCommand({ ...name, ChecksumMode: 'ENABLED' }));
    existing = new Uint8Array((await answer.Body?.transformToByteArray()) ?? []);
    // What an append sends must be what the object has; a copy of parts has another checksum.
    if (answer.ChecksumCRC32 === undefined) return;
  }
  const isFile = existing.byteLength > INLINE_BYTES_MAX;
  const whole = versionOf(Buffer.concat([existing, body]));
  const made = isFile ? multipartVersionOf([existing, body]) : whole;
  const version = { ...made, tag: known.state?.tag ?? '' };
  ledger.attempt(key, version);
  const WriteOffsetBytes = existing.byteLength;
  const answer = await client.send(new PutObjectCommand({ ...name, Body: body, WriteOffsetBytes }));
  assert.equal(unquoted(answer.ETag), version.etag);
  ledger.acknowledge(key, version);
}

/** One tag in place of another; everything else stays. */
async function tag({ client, ledger }: Writer, key: string): Promise<void> {
  const known = ledger.known(key);
  if (known?.state === undefined) return;
  const version = { ...known.state, tag: randomBytes(4).toString('hex') };
  const Tagging = { TagSet: [{ Key: 'tag', Value: version.tag }] };
  ledger.attempt(key, version);
  await client.send(new PutObjectTaggingCommand({ Bucket: BUCKET, Key: key, Tagging }));
  ledger.acknowledge(key, version);
}

async function remove({ client, ledger }: Writer, key: string): Promise<void> {
  ledger.attempt(key, undefined);
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
  ledger.acknowledge(key, undefined);
}

async function removeSeveral({ client, ledger, random, keys }: Writer): Promise<void> {
  const chosen = keys.filter(() => random.fraction() < 0.5);
  if (chosen.length === 0) return;
  for (const key of chosen) ledger.attempt(key, undefined);
  const Delete = { Objects: chosen.map((Key) => ({ Key })) };
  const answer = await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete }));
  assert.deepEqual(answer.Errors ?? [], []);
  for (const key of chosen) ledger.acknowledge(key, undefined);
}

/** Some parts are sent twice, and some uploads have a part that the completion leaves out. */
async function multipart(writer: Writer, key: string): Promise<void> {
  const { client, ledger, random } = writer;
  const large = () => randomBytes(PART_SIZE_MIB_MIN * MIB + random.below(1000));
  const bodies = [large(), randomBytes(random.oneOf([1, 40_000, 300_000]))];
  const upload = await createUpload(writer, key);
  if (random.fraction() < 0.3) await uploadPart(writer, upload, 1, large());
  for (const [index, body] of bodies.entries()) await uploadPart(writer, upload, index + 1, body);
  if (random.fraction() < 0.3) await uploadPart(writer, upload, 7, randomBytes(50_000));

  const version = multipartVersionOf(bodies);
  const parts = bodies.map((body, index) => ({ PartNumber: index + 1, ETag: md5(body) }));
  const entry = ledger.uploads.get(upload);
  assert(entry !== undefined);
  entry.completion = { parts, version };
  ledger.attempt(key, version);
  const answer = await client.send(
    new CompleteMultipartUploadCommand({
      ...{ Bucket: BUCKET, Key: key, UploadId: upload },
      MultipartUpload: { Parts: parts },
    }),
  );
  assert.equal(unquoted(answer.ETag), version.etag);
  ledger.acknowledge(key, version);
  ledger.uploads.delete(upload);
}

async function abort(writer: Writer, key: string): Promise<void> {
  const upload = await createUpload(writer, key);
  await uploadPart(writer, upload, 3, randomBytes(10_000));
  // From here on it may be gone.
  writer.ledger.uploads.delete(upload);
  await writer.client.send(
    new AbortMultipartUploadCommand({ Bucket: BUCKET, Key: key, UploadId: upload }),
  );
}

async function createUpload({ client, ledger }: Writer, key: string): Promise<string> {
  const { UploadId: uploadId = '' } = await client.send(
    new CreateMultipartUploadCommand({
      ...{ Bucket: BUCKET, Key: key },
      // As for objects that are put, so that a copy can be appended to.
      ...{ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' },
    }),
  );
  ledger.uploads.set(uploadId, { key, uploadId, parts: new Map() });
  return uploadId;
}

async function uploadPart(
  { client, ledger }: Writer,
  uploadId: string,
  partNumber: number,
  body: Uint8Array,
): Promise<void> {
  const upload = ledger.uploads.get(uploadId);
  assert(upload !== undefined);
  // Until the answer comes the part may be the old one or the new one.
  upload.parts.delete(partNumber);
  await client.send(
    new UploadPartCommand({
      ...{ Bucket: BUCKET, Key: upload.key, UploadId: uploadId },
      ...{ PartNumber: partNumber, Body: body },
    }),
  );
  upload.parts.set(partNumber, { etag: md5(body), sizeBytes: body.byteLength });
}
