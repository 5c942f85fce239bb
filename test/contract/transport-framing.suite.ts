/**
 * Requests that are malformed, or that two parsers could read differently.
 *
 * Each case is sent in one packet together with a second request; what counts is the answer, and
 * which requests reached the handler. `silent` means that uWebSockets.js waits for more and closes
 * the connection after its own timeout: not nice, but nothing is executed.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import type { TransportChoice } from '#src/server/open-transport.js';

import { RawClient, sendRaw } from './raw-client.js';
import { readAll, reply, startTransport } from './transport-harness.js';

type Answer = number | 'closed' | 'silent';

interface FramingCase {
  readonly id: string;
  readonly name: string;
  readonly bytes: string;
  /** The answer of both, or of each. */
  readonly answer: Answer | { readonly uws: Answer; readonly node: Answer };
  /** Paths that reach the handler; none when left out. */
  readonly executed?: readonly string[] | { readonly uws: string[]; readonly node: string[] };
}

const SMUGGLED = 'DELETE /smuggled HTTP/1.1\r\nHost: h\r\n\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

/** A PUT of /first with these header lines, and whatever follows. */
function put(lines: string, rest = ''): string {
  return `PUT /first HTTP/1.1\r\nHost: h\r\n${lines}\r\n${rest}`;
}

function headers(count: number): string {
  return Array.from({ length: count }, (_, index) => `x-${index}: a\r\n`).join('');
}

/** Codings that Node's own parser refuses before we can. */
const NODE_REFUSES = new Set(['chunked, identity']);
const SILENT_OR_400 = { uws: 'silent', node: 400 } as const;
const BARE_505_OR_400 = { uws: 505, node: 400 } as const;

// prettier-ignore
const CASES: readonly FramingCase[] = [
  { id: 'BI-001', name: 'Content-Length and Transfer-Encoding', answer: 400, bytes: put(`Content-Length: 3\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`) },
  { id: 'BI-001', name: 'Transfer-Encoding and Content-Length', answer: 400, bytes: put(`${CHUNKED}Content-Length: 3\r\n`, `0\r\n\r\n${SMUGGLED}`) },
  { id: 'BI-002', name: 'two different Content-Length', answer: 400, bytes: put('Content-Length: 3\r\nContent-Length: 43\r\n', `abc${SMUGGLED}`) },
  { id: 'BI-002', name: 'two different Content-Length, the longer first', answer: 400, bytes: put('Content-Length: 43\r\ncontent-length: 3\r\n', `abc${SMUGGLED}`) },
  { id: 'BI-003', name: 'two equal Content-Length', answer: 400, bytes: put('Content-Length: 3\r\nContent-Length: 3\r\n', `abc${SMUGGLED}`) },
  ...['3,3', '3, 3', '+3', '0x3', '-1', '3 3', '3.0', 'three', '1234567890123456789', '99999999999999999999999'].map((value) => (
    { id: 'BI-004', name: `Content-Length: ${value}`, answer: 400, bytes: put(`Content-Length: ${value}\r\n`, `abc${SMUGGLED}`) })),
  { id: 'BI-005', name: 'empty Content-Length', answer: 400, bytes: put('Content-Length:\r\n', `abc${SMUGGLED}`) },
  ...['gzip', 'xchunked', 'chunked, identity', 'identity', 'gzip, chunked', 'Chunked', 'chunked;a=b', '"chunked"', ''].map((value) => (
    { id: 'BI-008', name: `Transfer-Encoding: ${value}`, answer: { uws: 501, node: NODE_REFUSES.has(value) ? 400 : 501 }, bytes: put(`Transfer-Encoding: ${value}\r\n`, `0\r\n\r\n${SMUGGLED}`) })),
  { id: 'BI-008', name: 'Transfer-Encoding twice', answer: 400, bytes: put(CHUNKED + CHUNKED, `0\r\n\r\n${SMUGGLED}`) },
  { id: 'BI-015', name: 'a head above 8,192 bytes, which is for S3 to refuse', answer: 200, executed: ['/first'], bytes: put(`x-a: ${'a'.repeat(9000)}\r\n`) },
  { id: 'BI-016', name: 'a head above 32 KiB', answer: 431, bytes: put(`x-a: ${'a'.repeat(40_000)}\r\n`) },
  { id: 'BI-017', name: '98 headers', answer: 200, executed: ['/first'], bytes: put(headers(97)) },
  { id: 'BI-017', name: '99 headers', answer: 431, bytes: put(headers(98), SMUGGLED) },
  { id: 'BI-018', name: 'HTTP/1.0', answer: 505, bytes: `GET /first HTTP/1.0\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-019', name: 'HTTP/1.2', answer: BARE_505_OR_400, bytes: `GET /first HTTP/1.2\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-019', name: 'the preface of HTTP/2', answer: BARE_505_OR_400, bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  { id: 'BI-019', name: 'a TLS hello', answer: BARE_505_OR_400, bytes: `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'a'.repeat(100)}` },
  { id: 'BI-020', name: 'an absolute-form target', answer: 505, bytes: `GET http://h/first HTTP/1.1\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-020', name: 'OPTIONS *', answer: 505, bytes: `OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-020', name: 'an empty target', answer: BARE_505_OR_400, bytes: `GET  HTTP/1.1\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-021', name: 'no Host', answer: 400, bytes: `GET /first HTTP/1.1\r\nx-a: b\r\n\r\n${SMUGGLED}` },
  { id: 'BI-021', name: 'no header at all', answer: SILENT_OR_400, bytes: `GET /first HTTP/1.1\r\n\r\n${SMUGGLED}` },
  { id: 'BI-021', name: 'empty Host', answer: 400, bytes: `GET /first HTTP/1.1\r\nHost:\r\n\r\n${SMUGGLED}` },
  { id: 'BI-021', name: 'two Hosts', answer: 400, bytes: put('Host: h\r\n', SMUGGLED) },
  { id: 'BI-022', name: 'a folded header line', answer: SILENT_OR_400, bytes: put('x-a: b\r\n c\r\n', SMUGGLED) },
  { id: 'BI-022', name: 'a space before the colon', answer: SILENT_OR_400, bytes: put('x-a : b\r\n', SMUGGLED) },
  { id: 'BI-022', name: 'a bare LF between headers', answer: SILENT_OR_400, bytes: put('x-a: b\nx-b: c\r\n', SMUGGLED) },
  { id: 'BI-022', name: 'bare LF throughout', answer: BARE_505_OR_400, bytes: `GET /first HTTP/1.1\nHost: h\n\n${SMUGGLED}` },
  { id: 'BI-022', name: 'NUL in a header', answer: SILENT_OR_400, bytes: put('x-a: b\0c\r\n', SMUGGLED) },
  { id: 'BI-022', name: 'CR in a header', answer: SILENT_OR_400, bytes: put('x-a: b\rc\r\n', SMUGGLED) },
  { id: 'BI-022', name: 'DEL in a header', answer: 400, bytes: put('x-a: b\x7fc\r\n', SMUGGLED) },
  { id: 'BI-022', name: 'a header line without a colon', answer: SILENT_OR_400, bytes: put('x-a\r\n', SMUGGLED) },
  { id: 'BI-022', name: 'a header name that is no token', answer: SILENT_OR_400, bytes: put('x(a): b\r\n', SMUGGLED) },
  { id: 'BI-024', name: 'bytes in the path that are not UTF-8', answer: 400, bytes: `GET /a\xff HTTP/1.1\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-024', name: 'bytes in the query that are not UTF-8', answer: 400, bytes: `GET /a?b=\xff HTTP/1.1\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-024', name: 'DEL in the path', answer: 400, bytes: `GET /a\x7f HTTP/1.1\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-024', name: 'a control character in the path', answer: BARE_505_OR_400, bytes: `GET /a\x01 HTTP/1.1\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-025', name: 'overlong UTF-8 in the path', answer: 400, bytes: `GET /a\xc0\xaf HTTP/1.1\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-025', name: 'a surrogate in the path', answer: 400, bytes: `GET /a\xed\xa0\x80 HTTP/1.1\r\nHost: h\r\n\r\n${SMUGGLED}` },
  { id: 'BI-027', name: 'bytes in a header that are not UTF-8', answer: 400, bytes: put('x-amz-meta-a: a\xffb\r\n', SMUGGLED) },
  { id: 'BI-029', name: 'Upgrade: websocket', answer: 200, executed: ['/first'], bytes: put('Upgrade: websocket\r\nConnection: Upgrade\r\n') },
  { id: 'BI-030', name: 'Expect: something-else', answer: 200, executed: ['/first'], bytes: put('Expect: something-else\r\n') },
  { id: 'BI-032', name: 'GET with a body', answer: 200, executed: ['/first'], bytes: 'GET /first HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc' },
  ...['TRACE', 'PATCH'].map((method) => (
    { id: 'BI-023', name: method, answer: 200, executed: ['/first'], bytes: `${method} /first HTTP/1.1\r\nHost: h\r\n\r\n` })),
  ...['get', 'FOO', ''].map((method) => (
    { id: 'BI-023', name: `the method "${method}", which dispatch answers`, answer: { uws: 200, node: 400 } as const, executed: { uws: ['/first'], node: [] }, bytes: `${method} /first HTTP/1.1\r\nHost: h\r\n\r\n` })),
  { id: 'BI-023', name: 'CONNECT', answer: 505, bytes: `CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n${SMUGGLED}` },
];

/** Runs the suite against one transport. */
export function transportFramingSuite(choice: 'uws' | 'node'): void {
  describe(`${choice} transport, framing`, () => {
    for (const framing of CASES) {
      test(`${framing.id} ${framing.name}`, async (context) => {
        const { answer } = framing;
        const wanted = typeof answer === 'object' ? answer[choice] : answer;
        const executed = framing.executed ?? [];
        const paths: string[] = [];
        const { port, faults } = await startTransport(context, choice, async (exchange) => {
          paths.push(exchange.head.rawPath);
          await reply(exchange, await readAll(exchange));
        });
        assert.equal(await answerOf(port, framing.bytes, wanted), wanted);
        assert.deepEqual(paths, 'uws' in executed ? executed[choice] : executed);
        assert.deepEqual(faults, []);
        assert.equal((await sendRaw(port, put('')))?.status, 200, 'the server is alive');
      });
    }
    chunkTests(choice);
  });
}

async function answerOf(port: number, bytes: string, wanted: Answer): Promise<Answer> {
  const client = await RawClient.open(port);
  try {
    client.send(bytes);
    if (wanted === 'silent') {
      await delay(150);
      return client.received.length === 0
        ? 'silent'
        : ((await client.answer())?.status ?? 'closed');
    }
    const answer = await client.answer();
    if (wanted !== 200) {
      await client.closed();
      assert.equal(client.received.includes('HTTP/1.1'), false, 'a second answer');
    }
    return answer?.status ?? 'closed';
  } finally {
    client.destroy();
  }
}

/** BI-009 and BI-010: whatever the library makes of it, nothing after it is executed. */
function chunkTests(choice: TransportChoice): void {
  const bad: readonly (readonly [id: string, name: string, body: string])[] = [
    ['BI-009', 'size ;', ';\r\nabc\r\n0\r\n\r\n'],
    ['BI-009', 'size g', 'g\r\nabc\r\n0\r\n\r\n'],
    ['BI-009', 'size 0x5', '0x5\r\nabcde\r\n0\r\n\r\n'],
    ['BI-009', 'size -5', '-5\r\nabcde\r\n0\r\n\r\n'],
    ['BI-009', 'size empty', '\r\nabc\r\n0\r\n\r\n'],
    ['BI-009', 'extension', '3;a=b\r\nabc\r\n0\r\n\r\n'],
    ['BI-009', 'missing CRLF after data', '3\r\nabc0\r\n\r\n'],
    ['BI-009', 'bare LF', '3\nabc\n0\n\n'],
    ['BI-010', 'size above 2^60', 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n'],
    ['BI-010', 'size 2^60', '1000000000000000\r\nabc\r\n0\r\n\r\n'],
    ['BI-009', 'trailers', '3\r\nabc\r\n0\r\nx-a: b\r\n\r\n'],
  ];
  for (const [id, name, body] of bad) {
    test(`${id} chunk ${name}: nothing after it is executed`, async (context) => {
      const before = process.memoryUsage.rss();
      const paths: string[] = [];
      const { port, faults } = await startTransport(context, choice, async (exchange) => {
        paths.push(exchange.head.rawPath);
        await readAll(exchange).catch(() => undefined);
        await reply(exchange, 'done');
      });
      const client = await RawClient.open(port);
      client.send(put(CHUNKED));
      await delay(20);
      client.send(body);
      await delay(50);
      client.send(SMUGGLED);
      await delay(100);
      client.destroy();
      await delay(20);
      assert.deepEqual(paths, ['/first']);
      assert.deepEqual(faults, []);
      assert(process.memoryUsage.rss() - before < 256 * 1024 * 1024, 'no memory for promises');
      assert.equal((await sendRaw(port, put('')))?.status, 200, 'the server is alive');
    });
  }
}
