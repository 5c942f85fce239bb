/**
 * Every limit that S3 itself sets, named once. Configurable limits start from these values.
 *
 * The assertions below the constants state how the limits depend on each other, so that changing
 * one without the others stops the process at start instead of surprising a client.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 * @see https://docs.aws.amazon.com/general/latest/gr/s3.html
 * @module
 */

import assert from 'node:assert/strict';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

/** Smallest part that is not the last one of its upload: 5 MiB. */
export const PART_SIZE_BYTES_MIN = 5 * MIB;
/** Largest part: 5 GiB. Beyond it: EntityTooLarge. */
export const PART_SIZE_BYTES_MAX = 5 * GIB;
/** Highest part number, and most parts of one upload. */
export const PARTS_COUNT_MAX = 10_000;

/** Largest body of one PutObject: 5 GiB. Beyond it: EntityTooLarge. */
export const PUT_SIZE_BYTES_MAX = 5 * GIB;
/** Largest source of CopyObject and of one UploadPartCopy: 5 GiB. Beyond it: InvalidRequest. */
export const COPY_SIZE_BYTES_MAX = 5 * GIB;
/** Largest object unless configured otherwise: 5 TiB. */
export const OBJECT_SIZE_BYTES_MAX = 5 * TIB;

/** Longest key in UTF-8 bytes. Beyond it: KeyTooLongError. */
export const KEY_BYTES_MAX = 1024;
/** Shortest and longest bucket name, in characters (which are ASCII). */
export const BUCKET_NAME_CHARACTERS_MIN = 3;
export const BUCKET_NAME_CHARACTERS_MAX = 63;
/** Names and values of user metadata together, in UTF-8 bytes. Beyond it: MetadataTooLarge. */
export const USER_METADATA_BYTES_MAX = 2 * KIB;
/** Tags of one object, and of one bucket. Beyond it: BadRequest. */
export const OBJECT_TAGS_COUNT_MAX = 10;
export const BUCKET_TAGS_COUNT_MAX = 50;
/** Longest key and value of a tag, in UTF-16 units. Beyond it: InvalidTag. */
export const TAG_KEY_CHARACTERS_MAX = 128;
export const TAG_VALUE_CHARACTERS_MAX = 256;
/** Request line and headers together. Beyond it: RequestHeaderSectionTooLarge. */
export const HEADER_SECTION_BYTES_MAX = 8 * KIB;

/** Entries of one page of objects, uploads or parts; larger wishes are cut to it. */
export const LIST_COUNT_MAX = 1000;
/** Buckets of one ListBuckets page. */
export const LIST_BUCKETS_COUNT_MAX = 10_000;
/** Objects of one DeleteObjects request. Beyond it: MalformedXML. */
export const DELETE_COUNT_MAX = 1000;

/** Longest request document of most operations. Beyond it: MaxMessageLengthExceeded. */
export const DOCUMENT_BYTES_MAX = 64 * KIB;
/** Longest DeleteObjects document: 1,000 keys of 1,024 bytes, with escapes, fit. */
export const DELETE_DOCUMENT_BYTES_MAX = 2 * MIB;
/** Longest CompleteMultipartUpload document: 10,000 parts with one checksum each fit. */
export const COMPLETE_DOCUMENT_BYTES_MAX = 2 * MIB;

/** Cross-origin rules of one bucket. Beyond it: InvalidRequest. */
export const CORS_RULES_COUNT_MAX = 100;
/** Longest name of a cross-origin rule. Beyond it: InvalidRequest. */
export const CORS_RULE_ID_CHARACTERS_MAX = 255;

/**
 * What a browser form may hold before the content of its file: 20 KiB, heads of parts included.
 * Beyond it: MaxPostPreDataLengthExceededError.
 */
export const POST_FIELDS_BYTES_MAX = 20 * KIB;

/** Elements of a request document, unless its operation needs more. Beyond it: MalformedXML. */
export const XML_ELEMENTS_COUNT_MAX = 20_000;
/** Nested elements of a request document. */
export const XML_DEPTH_MAX = 32;
/** Attributes of one element. */
export const XML_ATTRIBUTES_COUNT_MAX = 64;
/** Characters between two tags; the longest field of S3 is a key. */
export const XML_TEXT_CHARACTERS_MAX = 64 * KIB;
/** References such as `&amp;` of a document: 200 in each of 1,000 keys. */
export const XML_REFERENCES_COUNT_MAX = 200_000;

/** Longest life of a presigned URL: 7 days. */
export const PRESIGN_EXPIRES_SECS_MAX = 604_800;
/** Largest difference between the client's clock and ours. Beyond it: RequestTimeTooSkewed. */
export const CLOCK_SKEW_MS_MAX = 15 * 60 * 1000;

/** Smallest aws-chunked chunk that is not the last. Below it: InvalidChunkSizeError. */
export const CHUNK_SIZE_BYTES_MIN = 8 * KIB;

assert(PART_SIZE_BYTES_MIN < PART_SIZE_BYTES_MAX, 'a part size exists');
assert(PUT_SIZE_BYTES_MAX <= OBJECT_SIZE_BYTES_MAX, 'a single PUT makes a legal object');
assert(COPY_SIZE_BYTES_MAX <= PART_SIZE_BYTES_MAX, 'what one request copies fits in one part');
assert(
  OBJECT_SIZE_BYTES_MAX <= PARTS_COUNT_MAX * PART_SIZE_BYTES_MAX,
  'the largest object can be uploaded in parts',
);
assert(Number.isSafeInteger(PARTS_COUNT_MAX * PART_SIZE_BYTES_MAX), 'sizes are exact numbers');
assert(USER_METADATA_BYTES_MAX < HEADER_SECTION_BYTES_MAX, 'legal metadata fits in the headers');
// A key may arrive percent-encoded, three characters for each byte, beside the other headers.
assert(3 * KEY_BYTES_MAX < HEADER_SECTION_BYTES_MAX, 'a legal key fits in the request line');
assert(DELETE_COUNT_MAX * (KEY_BYTES_MAX + 256) <= DELETE_DOCUMENT_BYTES_MAX, 'legal deletes fit');
// A tag is at most 384 units of three bytes each, beside its elements.
assert(BUCKET_TAGS_COUNT_MAX * (3 * 384 + 64) <= DOCUMENT_BYTES_MAX, 'legal tags fit');
assert(PARTS_COUNT_MAX * 200 <= COMPLETE_DOCUMENT_BYTES_MAX, 'legal completions fit');
