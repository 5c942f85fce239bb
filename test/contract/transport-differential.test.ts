/**
 * The same bytes to both transports: a handler must see the same request, or none must see it.
 *
 * Both parsers are large and foreign; what they agree on is what we may rely on. Where they differ,
 * the difference stands in a table with its reason, and a row that is no longer true fails.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import fc from 'fast-check';

import type { Exchange } from '#src/server/transport.js';

import { RawClient } from './raw-client.js';
import { readAll, reply, startTransport } from './transport-harness.js';

interface View {
  readonly uws: string;
  readonly node: string;
}

/** What the handler saw, `refused` with a status of the transport, or `silent`. */
const REFUSED = 'refused';
const SILENT = 'silent';

function get(target: string, lines = ''): string {
  return `GET ${target} HTTP/1.1\r\nHost: h\r\n${lines}\r\n`;
}

function put(lines: string, body: string): string {
  return `PUT /b/k HTTP/1.1\r\nHost: h\r\n${lines}\r\n${body}`;
}

/** Requests that both must treat alike. */
const SAME: Readonly<Record<string, string>> = {
  'plain path': get('/'),
  'dots, slashes and escapes in the path': get('/b//./..//%2F%2e%00%zz/'),
  'odd but legal characters in the path': get('/b/"<>{}|^`\\[]!$&\'()*+,;=:@~'),
  'question marks': get('/b?a?b=?'),
  'empty query': get('/b?'),
  'hash in the path': get('/b#c?d'),
  'hash in the query': get('/b?c#d'),
  'header case and white space': get('/', 'X-AMZ-Meta-A: \t v \t\r\nx_y.z!~: 1\r\n'),
  'empty header value': get('/', 'x-a:\r\nx-b: \r\n'),
  'tab and quotes inside a value': get('/', 'x-a: a\tb "c, d"\r\n'),
  'UTF-8 inside a value': get('/', 'x-a: a\xc3\xa9b\r\n'),
  'repeated headers': get('/', 'x-a: 1\r\nx-b: 2\r\nX-A: 3, 4\r\nx-a: 5\r\n'),
  'authorization twice': get('/', 'Authorization: a\r\nAuthorization: b\r\n'),
  'cookie twice': get('/', 'Cookie: a\r\nCookie: b\r\n'),
  'connection keep-alive': get('/', 'Connection: keep-alive\r\n'),
  'a header named like a property': get('/', '__proto__: a\r\nconstructor: b\r\n'),
  'body with a length': put('Content-Length: 5\r\n', 'hello'),
  'length with leading zeros': put('Content-Length: 005\r\n', 'hello'),
  'length 0': put('Content-Length: 0\r\n', ''),
  'chunked body': put(
    'Transfer-Encoding: chunked\r\n',
    '3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n',
  ),
  'chunk size in capitals': put('Transfer-Encoding: chunked\r\n', 'A\r\n0123456789\r\n0\r\n\r\n'),
  upgrade: get('/', 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n'),
  'expect nonsense': put('Content-Length: 1\r\nExpect: tea\r\n', 'a'),
  'bytes that are not UTF-8 in a value': get('/', 'x-a: a\xffb\r\n'),
  'truncated UTF-8 in a value': get('/', 'x-a: a\xe4\xb8b\r\n'),
  'two lengths': put('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
  'length that is no number': put('Content-Length: 5x\r\n', 'hello'),
  'length and coding': put('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  'unknown coding': put('Transfer-Encoding: br\r\n', 'hello'),
  'two hosts': get('/', 'Host: i\r\n'),
  'OPTIONS *': 'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n',
  'absolute target': get('http://h/b'),
  'HTTP/1.0': 'GET / HTTP/1.0\r\nHost: h\r\n\r\n',
  'space in the path': get('/a b'),
  'head above 32 KiB': get('/', `x-a: ${'a'.repeat(33_000)}\r\n`),
  'too many headers': get('/', 'x-a: b\r\n'.repeat(98)),
};

interface Difference extends View {
  readonly bytes: string;
  readonly reason: string;
}

/** `handled` stands for whatever the handler saw. */
const DIFFERENT: Readonly<Record<string, Difference>> = {
  'an unknown method': {
    bytes: 'FOO / HTTP/1.1\r\nHost: h\r\n\r\n',
    uws: 'handled',
    node: REFUSED,
    reason: 'Node knows a fixed list of methods; dispatch would answer MethodNotAllowed',
  },
  'a lower-case method': {
    bytes: 'get / HTTP/1.1\r\nHost: h\r\n\r\n',
    uws: 'handled',
    node: REFUSED,
    reason: 'as above',
  },
  'CONNECT with a path': {
    bytes: 'CONNECT /a HTTP/1.1\r\nHost: h\r\n\r\n',
    uws: 'handled',
    node: REFUSED,
    reason: 'Node hands CONNECT out as a tunnel and not as a request',
  },
  'UTF-8 in the path': {
    bytes: get('/\xc3\xa9'),
    uws: 'handled',
    node: REFUSED,
    reason: 'Node takes no bytes above 0x7E in a target; clients send escapes',
  },
  'UTF-8 at the edge of a value': {
    bytes: get('/', 'x-a: \xc3\xa9\r\n'),
    uws: 'handled',
    node: 'handled',
    reason:
      'uWebSockets.js takes bytes above 0x7F at either end for white space: the value is lost',
  },
  'bytes that are not UTF-8 at the edge of a value': {
    bytes: get('/', 'x-a: a\xff\r\n'),
    uws: 'handled',
    node: REFUSED,
    reason: 'as above: what was cut off cannot be refused',
  },
  'an empty header name': {
    bytes: get('/', ': b\r\nx-a: 1\r\n'),
    uws: 'handled',
    node: REFUSED,
    reason: 'uWebSockets.js ends its list of headers there; what follows is not seen by anybody',
  },
  'a folded line': {
    bytes: get('/', 'x-a: b\r\n c\r\n'),
    uws: SILENT,
    node: REFUSED,
    reason: 'uWebSockets.js takes a malformed line for an incomplete one and waits for its timeout',
  },
  'a control character': {
    bytes: get('/', 'x-a: b\x01c\r\n'),
    uws: SILENT,
    node: REFUSED,
    reason: 'as above',
  },
  'an empty line before the request': {
    bytes: `\r\n${get('/')}`,
    uws: SILENT,
    node: 'handled',
    reason: 'RFC 9112 asks servers to skip it; uWebSockets.js waits',
  },
  'a chunk extension': {
    bytes: put('Transfer-Encoding: chunked\r\n', '3;a=b\r\nabc\r\n0\r\n\r\n'),
    uws: SILENT,
    node: 'handled',
    reason: 'uWebSockets.js reads the extension as digits of the size; nobody sends them',
  },
};

describe('transports, differential', () => {
  test('both show a handler the same', async (context) => {
    const ports = await openBoth(context);
    for (const [name, bytes] of Object.entries(SAME)) {
      const { uws, node } = await viewsOf(ports, bytes);
      assert.equal(uws, node, name);
      assert.notEqual(uws, SILENT, name);
    }
  });

  test('both differ exactly where the table says', async (context) => {
    const ports = await openBoth(context);
    for (const [name, { bytes, uws, node, reason }] of Object.entries(DIFFERENT)) {
      const views = await viewsOf(ports, bytes);
      assert.notEqual(views.uws, views.node, `${name} is no longer different (${reason})`);
      assert.deepEqual({ uws: kindOf(views.uws), node: kindOf(views.node) }, { uws, node }, name);
    }
  });

  test('both show a handler the same for generated requests', async (context) => {
    const ports = await openBoth(context);
    await fc.assert(
      fc.asyncProperty(requests(), async ({ head, body, cuts }) => {
        const { uws, node } = await viewsOf(ports, head, cut(body, cuts));
        assert.equal(uws, node);
        assert.equal(kindOf(uws), 'handled');
      }),
      { numRuns: 150, seed: 20_240_611 },
    );
  });
});

/** Well-formed requests: any path, query and headers, a body by length or in chunks. */
function requests(): fc.Arbitrary<{ head: string; body: string; cuts: number[] }> {
  const targetText = fc.stringMatching(/^[!"$-;=@-~]{0,40}$/);
  const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9!#$%&'*+.^_`|~-]{0,20}$/);
  const value = fc.stringMatching(/^([!-~]([ -~\t]{0,30}[!-~])?)?$/);
  const chunk = fc.stringMatching(/^[ -~]{1,40}$/);
  return fc
    .record({
      method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'),
      path: targetText,
      query: fc.option(targetText),
      lines: fc.array(fc.tuple(name, value), { maxLength: 12 }),
      chunks: fc.option(fc.array(chunk, { maxLength: 4 })),
      isChunked: fc.boolean(),
      cuts: fc.array(fc.nat(200), { maxLength: 3 }),
    })
    .map(({ method, path, query, lines, chunks, isChunked, cuts }) => {
      const target = `/${path.replaceAll('?', '')}${query === null ? '' : `?${query}`}`;
      const framed =
        chunks === null ? '' : isChunked ? 'Transfer-Encoding: chunked\r\n' : undefined;
      const plain = (chunks ?? []).join('');
      const extra = lines
        .filter(([key]) => !RESERVED.has(key.toLowerCase()))
        .map(([key, text]) => `${key}: ${text}\r\n`)
        .join('');
      const length = framed ?? `Content-Length: ${plain.length}\r\n`;
      const inChunks = (chunks ?? []).map((text) => `${text.length.toString(16)}\r\n${text}\r\n`);
      return {
        head: `${method} ${target} HTTP/1.1\r\nHost: h\r\n${length}${extra}\r\n`,
        body: chunks === null ? '' : isChunked ? `${inChunks.join('')}0\r\n\r\n` : plain,
        cuts,
      };
    });
}

const RESERVED = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'expect']);

function cut(text: string, cuts: readonly number[]): string[] {
  const ends = [...cuts.filter((end) => end < text.length), text.length].sort((a, b) => a - b);
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
}

async function openBoth(context: TestContext): Promise<{ uws: number; node: number }> {
  const uws = await startTransport(context, 'uws', echo);
  const node = await startTransport(context, 'node', echo);
  context.after(() => assert.deepEqual([...uws.faults, ...node.faults], []));
  return { uws: uws.port, node: node.port };
}

async function echo(exchange: Exchange): Promise<void> {
  const { head } = exchange;
  const view = {
    ...head,
    headers: [...head.headers],
    repeatedHeaders: [...head.repeatedHeaders],
    contentLength: exchange.body.contentLength ?? 'chunked',
    isChunked: exchange.isChunked,
    remoteAddress: exchange.remoteAddress,
    body: '',
  };
  try {
    view.body = (await readAll(exchange)).toString('latin1');
  } catch (failure) {
    view.body = String(failure);
  }
  await reply(exchange, JSON.stringify(view));
}

async function viewsOf(
  ports: { uws: number; node: number },
  head: string,
  rest: readonly string[] = [],
): Promise<View> {
  const [uws, node] = await Promise.all([
    viewOf(ports.uws, head, rest),
    viewOf(ports.node, head, rest),
  ]);
  return { uws, node };
}

async function viewOf(port: number, head: string, rest: readonly string[]): Promise<string> {
  const client = await RawClient.open(port);
  try {
    client.send(head);
    for (const part of rest) {
      if (part === '') continue;
      await delay(1);
      client.send(part);
    }
    const answer = await client.answer({ timeoutMs: 400 }).catch(() => SILENT);
    if (answer === SILENT || answer === undefined) return SILENT;
    if (typeof answer === 'string') return answer;
    return answer.status === 200 ? answer.body.toString() : REFUSED;
  } finally {
    client.destroy();
  }
}

function kindOf(view: string): string {
  return view === SILENT || view === REFUSED ? view : 'handled';
}
