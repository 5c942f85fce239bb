// The conditions of GetObject and HeadObject over HTTP, alone and in pairs.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, type RawReply } from '../support/raw-request.js';

const OTHER = '"00000000000000000000000000000000"';
const HOUR_MS = 3_600_000;

/** An object and what conditions can say about it. */
interface Subject {
  readonly etag: string;
  /** Exactly the Last-Modified of the object. */
  readonly same: string;
  readonly before: string;
  readonly after: string;
}

type Conditions = Readonly<Record<string, string>>;

onEveryBackend('GetObject with conditions', (use) => {
  test('G10 BI-144 a failing If-Match or If-Unmodified-Since is PreconditionFailed', async () => {
    const fixture = await use();
    const { etag, same, before, after } = await subjectOf(fixture);
    const cases: readonly [conditions: Conditions, failed: string | undefined][] = [
      [{ 'if-match': OTHER }, 'If-Match'],
      [{ 'if-match': `${OTHER}, "x"` }, 'If-Match'],
      [{ 'if-match': etag }, undefined],
      [{ 'if-unmodified-since': before }, 'If-Unmodified-Since'],
      [{ 'if-unmodified-since': same }, undefined],
      [{ 'if-unmodified-since': after }, undefined],
    ];
    for (const [conditions, failed] of cases) await expect412(fixture, conditions, failed);
  });

  test('G10 E04 BI-145 a hit of If-None-Match or If-Modified-Since is 304 without a body', async () => {
    const fixture = await use();
    const { etag, same, before } = await subjectOf(fixture);
    const cases: readonly [conditions: Conditions, status: number][] = [
      [{ 'if-none-match': etag }, 304],
      [{ 'if-none-match': OTHER }, 200],
      [{ 'if-modified-since': same }, 304],
      [{ 'if-modified-since': before }, 200],
    ];
    for (const [conditions, status] of cases) await expect304(fixture, conditions, status);
  });

  test('G11 If-Match decides in place of If-Unmodified-Since', async () => {
    const fixture = await use();
    const { etag, before, after } = await subjectOf(fixture);
    const holds = { 'if-match': etag, 'if-unmodified-since': before };
    await expect412(fixture, holds, undefined);
    await expect412(fixture, { 'if-match': OTHER, 'if-unmodified-since': after }, 'If-Match');
  });

  test('G11 If-None-Match decides in place of If-Modified-Since', async () => {
    const fixture = await use();
    const { etag, same, before } = await subjectOf(fixture);
    await expect304(fixture, { 'if-none-match': etag, 'if-modified-since': before }, 304);
    await expect304(fixture, { 'if-none-match': OTHER, 'if-modified-since': same }, 200);
  });

  test('G11 a failing If-Match wins over a hit of If-None-Match', async () => {
    const fixture = await use();
    const { etag } = await subjectOf(fixture);
    await expect412(fixture, { 'if-match': OTHER, 'if-none-match': OTHER }, 'If-Match');
    await expect304(fixture, { 'if-match': etag, 'if-none-match': etag }, 304);
  });

  test('G12 BI-150 dates that cannot be read, and future ones, are ignored', async () => {
    const fixture = await use();
    const { after } = await subjectOf(fixture);
    for (const date of [after, 'yesterday', '', '2020-13-45', 'Mon, 99 Foo 2020 00:00:00 GMT']) {
      await expect304(fixture, { 'if-modified-since': date }, 200);
    }
    for (const date of ['yesterday', '', '2020-13-45']) {
      await expect412(fixture, { 'if-unmodified-since': date }, undefined);
    }
  });

  test('G13 ETags match with and without quotes, in lists, by * and never strongly when weak', async () => {
    const fixture = await use();
    const { etag } = await subjectOf(fixture);
    const bare = etag.slice(1, -1);
    for (const value of [etag, bare, '*', `${OTHER}, ${etag}`, ` ${etag} `]) {
      await expect412(fixture, { 'if-match': value }, undefined);
      await expect304(fixture, { 'if-none-match': value }, 304);
    }
    await expect412(fixture, { 'if-match': `W/${etag}` }, 'If-Match');
    await expect304(fixture, { 'if-none-match': `W/${etag}` }, 304);
  });

  test('G10 conditions are decided before the range', async () => {
    const fixture = await use();
    const { etag } = await subjectOf(fixture);
    const range = { range: 'bytes=100-' };
    await expect412(fixture, { 'if-match': OTHER, ...range }, 'If-Match');
    await expect304(fixture, { 'if-none-match': etag, ...range }, 304);
    const past = await fixture.raw(requestOf(fixture, 'GET', { 'if-match': etag, ...range }));
    assert.equal(past.code, 'InvalidRange');
  });

  test('G10 conditions on a missing key are NoSuchKey', async () => {
    const fixture = await use();
    const conditions: readonly Conditions[] = [{ 'if-match': '*' }, { 'if-none-match': '*' }];
    for (const headers of conditions) {
      const path = `/${fixture.bucket}/absent`;
      const reply = await fixture.raw({ method: 'GET', path, headers });
      assert.deepEqual([reply.status, reply.code], [404, 'NoSuchKey']);
    }
  });
});

async function subjectOf(fixture: Fixture): Promise<Subject> {
  const path = `/${fixture.bucket}/key`;
  await fixture.raw({ method: 'PUT', path, body: '0123456789' });
  const { headers } = await fixture.raw({ method: 'HEAD', path });
  const modified = headers['last-modified'] ?? '';
  const dateOf = (offsetMs: number) => new Date(Date.parse(modified) + offsetMs).toUTCString();
  const etag = headers.etag ?? '';
  assert.match(etag, /^"[0-9a-f]{32}"$/);
  return { etag, same: modified, before: dateOf(-1000), after: dateOf(HOUR_MS) };
}

function requestOf(fixture: Fixture, method: string, headers: Conditions) {
  return { method, path: `/${fixture.bucket}/key`, headers };
}

async function readBoth(fixture: Fixture, headers: Conditions): Promise<RawReply> {
  const get = await fixture.raw(requestOf(fixture, 'GET', headers));
  const head = await fixture.raw(requestOf(fixture, 'HEAD', headers));
  assert.equal(head.status, get.status, 'HEAD decides as GET does');
  assert.equal(head.body.byteLength, 0);
  return get;
}

async function expect412(
  fixture: Fixture,
  conditions: Conditions,
  failed: string | undefined,
): Promise<void> {
  const reply = await readBoth(fixture, conditions);
  const label = JSON.stringify(conditions);
  assert.equal(reply.status, failed === undefined ? 200 : 412, label);
  assert.equal(elementText(reply.text, 'Condition'), failed, label);
  assert.equal(reply.code, failed === undefined ? '' : 'PreconditionFailed', label);
}

async function expect304(fixture: Fixture, conditions: Conditions, status: number): Promise<void> {
  const reply = await readBoth(fixture, conditions);
  assert.equal(reply.status, status, JSON.stringify(conditions));
  if (status !== 304) return;
  assert.equal(reply.body.byteLength, 0);
  assert.match(reply.headers.etag ?? '', /^"[0-9a-f]{32}"$/);
  assert.match(reply.headers['last-modified'] ?? '', / GMT$/);
  assert.equal(reply.headers['content-type'], undefined);
}
