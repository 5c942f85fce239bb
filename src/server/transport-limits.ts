/**
 * Limits of the transports, and what happens at each.
 *
 * Limits that S3 itself sets are in `s3/limits.ts`; these belong to HTTP and to our sockets.
 *
 * @module
 */

import assert from 'node:assert/strict';

/** Request line and headers above this get a bare 431. S3's own 8,192 bytes are checked above. */
export const HEAD_BYTES_MAX = 32_768;

/** Header lines above this get a bare 431; uWebSockets.js is compiled with the same number. */
export const HEADERS_COUNT_MAX = 98;

/** Bytes of one body waiting for its reader; at this many the socket is paused. */
export const RECEIVE_QUEUE_BYTES_MAX = 1024 * 1024;

/**
 * A body that still grows although its socket is paused (see overflow-area.ts) is given up with
 * SlowDown when this much of it waits. Only a sender on the same host that writes from memory as
 * fast as we copy gets this far; far above what other senders reach, because a retry would not help it.
 */
export const RECEIVE_QUEUE_BYTES_HARD_MAX = 1024 * 1024 * 1024;

/** What is received of a body is copied into recycled memory in pieces of this size. */
export const RECEIVE_BUFFER_BYTES = 64 * 1024;

/** Memory for shorter pieces, which would waste most of such a buffer. */
export const RECEIVE_SMALL_BUFFER_BYTES = 16 * 1024;

/** Pieces below this are copied out of memory that the collector manages. */
export const RECEIVE_BUFFER_BYTES_MIN = 2 * 1024;

/** Such memory that is kept for later: 16 MiB, and 4 MiB for the shorter pieces. */
export const RECEIVE_BUFFERS_KEPT_MAX = 256;

/** The receive buffer of uWebSockets.js: the longest piece it delivers. */
export const OVERFLOW_SLOT_BYTES = 512 * 1024;

/** Bytes of all bodies of a process that may lie in its overflow area. */
export const OVERFLOW_AREA_BYTES = 64 * 1024 * 1024;

/** An overflow area that was not needed for this long is given back. */
export const OVERFLOW_KEPT_MS = 10_000;

/** A paused socket is resumed when this many or fewer are waiting. */
export const RECEIVE_QUEUE_BYTES_LOW = 256 * 1024;

/** What a waiting piece costs besides its bytes, so that one-byte pieces are limited as well. */
export const RECEIVE_PIECE_OVERHEAD_BYTES = 256;

/** An unread rest of a body up to this long is read and forgotten; above, the connection closes. */
export const DRAIN_BYTES_MAX = 64 * 1024;

/**
 * Before such a connection is closed, up to this many bytes are read and forgotten after the
 * answer: a close with bytes unread resets the connection, and many clients then never see the
 * answer, since they send the whole body before they look for one.
 */
export const LINGER_BYTES_MAX = 64 * 1024 * 1024;

/** The longest such wait. */
export const LINGER_MS_MAX = 30_000;

/**
 * Answers of one process that may have blocks of objects in memory: each has two of 256 KiB, the one
 * being sent and the one read ahead. Others wait, or take the place of one whose client does not read.
 */
export const STREAM_PLACES_COUNT = 64;

/** Blocks that a stream may send before it passes its place on to one that waits. */
export const STREAM_TURN_PIECES_MAX = 16;

/** Replies in one piece up to this long are handed to the socket whole; longer ones are streamed. */
export const WHOLE_REPLY_BYTES_MAX = 64 * 1024;

/** Request heads that trickle in are cut after this long (uWebSockets.js: 6 to 12 s, fixed). */
export const HEAD_TIMEOUT_MS = 10_000;

/** How often the event loop is seen to come round while requests come. */
export const TURN_WATCH_MS = 10;

/** Work on requests that a turn of the event loop takes on; those that are left come in the next. */
export const TURN_WORK_MS_MAX = 20;

/** Requests that a turn of the event loop begins, and that may wait, however long they take. */
export const TURN_REQUESTS_COUNT_MIN = 16;

/** How often requests that are refused for overload are told so. */
export const REFUSAL_TURN_MS = 10;

/** How many of them in a millisecond: reading and refusing one takes some 30 us of it. */
export const REFUSALS_PER_MS_COUNT = 8;

/** A refusal is not held longer than it asks its client to wait. */
export const REFUSAL_HOLD_MS_MAX = 1_000;

/** The slowest tick; uWebSockets.js cuts sockets after 10 s unless they are re-armed before. */
export const TICK_MS_MAX = 4_000;

assert(RECEIVE_QUEUE_BYTES_LOW < RECEIVE_QUEUE_BYTES_MAX);
assert(RECEIVE_QUEUE_BYTES_MAX < OVERFLOW_AREA_BYTES);
assert(OVERFLOW_AREA_BYTES < RECEIVE_QUEUE_BYTES_HARD_MAX);
assert(OVERFLOW_AREA_BYTES % OVERFLOW_SLOT_BYTES === 0);
assert(DRAIN_BYTES_MAX <= RECEIVE_QUEUE_BYTES_MAX);
assert(DRAIN_BYTES_MAX < LINGER_BYTES_MAX);
