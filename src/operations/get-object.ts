/**
 * GetObject and HeadObject: a version, a range of it, or one of its parts.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 * @module
 */

import assert from 'node:assert/strict';

import { evaluateReadConditions, readConditions } from '../s3/conditions.js';
import { httpDate } from '../s3/dates.js';
import { invalidRequest, S3Error } from '../s3/errors.js';
import { quoteEtag } from '../s3/etag.js';
import { parsePartNumber } from '../s3/part-number.js';
import { contentRange, parseRange } from '../s3/range.js';
import { assertReadable } from '../s3/storage-class.js';
import type { ByteRange, ObjectVersion } from '../store/store.js';
import { checksumHeaders, isChecksumModeEnabled } from '../wire/checksum-headers.js';
import { attributeHeaders, responseOverrides, type HeaderRecord } from '../wire/headers.js';
import { queryValue } from '../wire/list-parameters.js';
import { refuseUnsupportedHeaders } from '../wire/unsupported-headers.js';
import type { Call, Reply } from './operation.js';

/**
 * Sends a version or a range of it, verified block by block. What is opened stays readable until it
 * is sent, also when the object is replaced or deleted meanwhile.
 *
 * @throws {S3Error} InvalidArgument, InvalidObjectState, InvalidPartNumber, InvalidRange,
 * InvalidRequest, NoSuchBucket, NoSuchKey, NoSuchVersion, NotImplemented, NotModified,
 * PreconditionFailed.
 */
export async function getObject(call: Call): Promise<Reply> {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  const open = await call.store.openObject(
    call.bucket,
    call.key,
    queryValue(call.query, 'versionId'),
  );
  try {
    const answer = describe(call, open.version);
    assertReadable(open.version.attributes.storageClass);
    const { startByte, endByte } = answer.range;
    const body = open.read(answer.range, true);
    return {
      status: answer.status,
      headers: answer.headers,
      body:
        body instanceof Uint8Array
          ? body
          : {
              sizeBytes: endByte - startByte,
              chunks: body,
              resume: (offsetBytes) =>
                streamOf(open.read({ startByte: startByte + offsetBytes, endByte }, true)),
            },
      onSent: () => {
        open.close();
      },
    };
  } catch (error) {
    open.close();
    throw error;
  }
}

/** The headers of GetObject, from the index alone. @throws {S3Error} as GetObject. */
export function headObject(call: Call): Reply {
  refuseUnsupportedHeaders(call.headers, { isCopy: false });
  const versionId = queryValue(call.query, 'versionId');
  const answer = describe(call, call.store.headObject(call.bucket, call.key, versionId));
  const sizeBytes = answer.range.endByte - answer.range.startByte;
  return {
    status: answer.status,
    headers: answer.headers,
    body: { sizeBytes, chunks: noChunks() },
  };
}

interface Answer {
  readonly status: 200 | 206;
  readonly range: ByteRange;
  readonly headers: HeaderRecord;
}

function describe(call: Call, version: ObjectVersion): Answer {
  evaluateReadConditions(readConditions(call.headers), version, call.nowMs);
  const selected = select(call, version);
  const { range } = selected;
  const isWhole = range.startByte === 0 && range.endByte === version.sizeBytes;
  const showsChecksum = isChecksumModeEnabled(call.headers) && isWhole;
  const { query, principal } = call;
  const headers = attributeHeaders(version.attributes);
  // One after the other: a literal of several parts takes ten times as long to make.
  headers['etag'] = quoteEtag(version.etag);
  headers['last-modified'] = httpDate(version.lastModifiedMs);
  headers['accept-ranges'] = 'bytes';
  if (selected.isPartial) headers['content-range'] = contentRange(range, version.sizeBytes);
  if (selected.partsCount !== undefined)
    headers['x-amz-mp-parts-count'] = String(selected.partsCount);
  if (version.tags.length > 0) headers['x-amz-tagging-count'] = String(version.tags.length);
  if (version.checksum !== undefined) headers['x-amz-checksum-type'] = version.checksum.type;
  const checksum = showsChecksum
    ? checksumHeaders(version.checksum, version.partsCount)
    : selected.checksum;
  if (checksum !== undefined) Object.assign(headers, checksum);
  if (query.size > 0)
    Object.assign(headers, responseOverrides(query, principal.kind === 'anonymous'));
  return { status: selected.isPartial ? 206 : 200, range, headers };
}

interface Selection {
  readonly range: ByteRange;
  readonly isPartial: boolean;
  readonly partsCount?: number | undefined;
  readonly checksum?: Record<string, string | undefined>;
}

function select(call: Call, version: ObjectVersion): Selection {
  const rangeHeader = call.headers.get('range');
  const partNumberText = queryValue(call.query, 'partNumber');
  const whole = { startByte: 0, endByte: version.sizeBytes };
  if (partNumberText === undefined) {
    const range = parseRange(rangeHeader, version.sizeBytes);
    return { range: range ?? whole, isPartial: range !== undefined };
  }
  if (rangeHeader !== undefined) {
    const message = 'Cannot specify both Range header and partNumber query parameter';
    throw invalidRequest(message);
  }
  return selectPart(call, version, parsePartNumber(partNumberText, call.limits.partsCountMax));
}

function selectPart(call: Call, version: ObjectVersion, partNumber: number): Selection {
  const partsCount = version.partsCount ?? 1;
  if (partNumber > partsCount) {
    throw new S3Error('InvalidPartNumber', {
      ActualPartCount: partsCount,
      PartNumberRequested: partNumber,
    });
  }
  const part = call.store.objectPart(version, partNumber);
  if (part === undefined) {
    return {
      range: { startByte: 0, endByte: version.sizeBytes },
      isPartial: version.sizeBytes > 0,
    };
  }
  const shown =
    isChecksumModeEnabled(call.headers) && part.checksum !== undefined && version.checksum
      ? checksumHeaders({ ...version.checksum, value: part.checksum })
      : {};
  return {
    range: { startByte: part.startByte, endByte: part.startByte + part.sizeBytes },
    // No range of bytes can be named for an empty one.
    isPartial: part.sizeBytes > 0,
    partsCount: version.partsCount,
    checksum: shown,
  };
}

/** An object that came as a stream comes as one again. */
function streamOf(body: Uint8Array | AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  assert(!(body instanceof Uint8Array), 'an object lies in one place');
  return body;
}

/** HEAD announces a length and sends nothing. */
async function* noChunks(): AsyncGenerator<Uint8Array> {
  // Nothing to yield.
}
