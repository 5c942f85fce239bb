import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { HeadGuard } from '#src/server/head-guard.js';
import type { GuardedHead } from '#src/server/head-guard.js';

type Line = readonly [name: string, value: string];

const HOST: Line = ['host', 'h'];

function guardOf(lines: readonly Line[], path = '/b/k', query = ''): string | GuardedHead {
  const guard = new HeadGuard();
  guard.begin('PUT', path, query);
  for (const [name, value] of lines) guard.add(name, value);
  const guarded = guard.end();
  return 'reason' in guarded ? `${guarded.status} ${guarded.reason}` : guarded;
}

function accepted(lines: readonly Line[], path?: string, query?: string): GuardedHead {
  const guarded = guardOf(lines, path, query);
  assert(typeof guarded === 'object', `refused: ${JSON.stringify(guarded)}`);
  return guarded;
}

function refusalOf(lines: readonly Line[], path?: string, query?: string): string {
  const guarded = guardOf(lines, path, query);
  return typeof guarded === 'string' ? guarded : 'accepted';
}

describe('HeadGuard', () => {
  test('HeadGuard counts the bytes of the head in CRLF framing', () => {
    const lines: Line[] = [HOST, ['x-a', 'bcd']];
    const wire = 'PUT /b/k?q=1 HTTP/1.1\r\nhost: h\r\nx-a: bcd\r\n\r\n';
    assert.equal(accepted(lines, '/b/k', 'q=1').head.headBytes, wire.length);
    assert.equal(accepted(lines).head.headBytes, wire.length - '?q=1'.length);
  });

  test('HeadGuard forgets the head before', () => {
    const guard = new HeadGuard();
    guard.begin('GET', '/\ufffd', '');
    guard.add('x-a', '1');
    guard.add('x-a', '2');
    assert('reason' in guard.end());
    guard.begin('GET', '/', '');
    guard.add('host', 'h');
    const second = guard.end();
    assert(!('reason' in second));
    assert.deepEqual([...second.head.headers], [['host', 'h']]);
    assert.equal(second.head.repeatedHeaders.size, 0);
  });

  test('HeadGuard tells the length of the body', () => {
    assert.equal(accepted([HOST]).contentLength, 0);
    assert.equal(accepted([HOST, ['content-length', '0']]).contentLength, 0);
    assert.equal(
      accepted([HOST, ['content-length', '5497558138880']]).contentLength,
      5 * 1024 ** 4,
    );
    assert.equal(accepted([HOST, ['transfer-encoding', 'chunked']]).contentLength, undefined);
  });

  const refused: readonly [name: string, lines: readonly Line[], answer: RegExp][] = [
    ['no host', [], /^400 .*Host/],
    ['an empty host', [['host', '']], /^400 .*Host/],
    ['two hosts', [HOST, HOST], /^400 .*Host/],
    [
      'two lengths',
      [HOST, ['content-length', '1'], ['content-length', '1']],
      /^400 Content-Length/,
    ],
    ['an empty length', [HOST, ['content-length', '']], /^400 Content-Length/],
    ['a signed length', [HOST, ['content-length', '+1']], /^400 Content-Length/],
    ['a length above 2^53', [HOST, ['content-length', '9'.repeat(16)]], /^400 Content-Length/],
    [
      'length and coding',
      [HOST, ['content-length', '1'], ['transfer-encoding', 'chunked']],
      /^400 .*exclude/,
    ],
    [
      'a coding twice',
      [HOST, ['transfer-encoding', 'chunked'], ['transfer-encoding', 'chunked']],
      /^400 Transfer/,
    ],
    ['another coding', [HOST, ['transfer-encoding', 'gzip, chunked']], /^501 /],
    ['the coding in capitals', [HOST, ['transfer-encoding', 'Chunked']], /^501 /],
    ['an empty coding', [HOST, ['transfer-encoding', '']], /^501 /],
    ['bytes that were not UTF-8', [HOST, ['x-a', 'a\ufffd']], /^400 .*UTF-8/],
    ['DEL', [HOST, ['x-a', 'a\x7f']], /^400 A control/],
    ['99 lines', [HOST, ...Array.from({ length: 98 }, (): Line => ['x-a', 'b'])], /^431 /],
  ];
  for (const [name, lines, answer] of refused) {
    test(`HeadGuard refuses ${name}`, () => {
      assert.match(refusalOf(lines), answer);
    });
  }

  test('HeadGuard refuses targets that are no path, and bytes in them that are not UTF-8', () => {
    assert.match(refusalOf([HOST], '*'), /^505 /);
    assert.match(refusalOf([HOST], 'http://h/'), /^505 /);
    assert.match(refusalOf([HOST], ''), /^505 /);
    assert.match(refusalOf([HOST], '/\ufffd'), /^400 /);
    assert.match(refusalOf([HOST], '/', 'a=\ufffd'), /^400 /);
  });
});
