// RenameObject over HTTP: conditions on both keys, and the client token that makes it idempotent.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HeadObjectCommand } from '@aws-sdk/client-s3';

import { httpDate } from '#src/s3/dates.js';

import { BODIES, putObject, rename, renameRaw, textOf } from '../support/objects.js';
import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { elementText } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';

const HOUR_MS = 3_600_000;
const PAST = httpDate(Date.now() - HOUR_MS);
const FUTURE = httpDate(Date.now() + HOUR_MS);
const OTHER_ETAG = `"${'f'.repeat(32)}"`;
const SOURCE = 'x-amz-rename-source';

type Sent = Readonly<Record<string, string>>;

/** Stands for the ETag of the key the condition is about. */
const ITS_ETAG = 'its etag';

onEveryBackend('RenameObject with conditions', (use) => {
  // prettier-ignore
  const held: readonly (readonly [sent: Sent, about: 'source' | 'target', isThere: boolean])[] = [
    [{ 'if-match': ITS_ETAG },                                                  'target', true],
    [{ 'if-none-match': '*' },                                                  'target', false],
    [{ 'if-modified-since': PAST },                                             'target', true],
    [{ 'if-unmodified-since': FUTURE },                                         'target', true],
    [{ 'if-unmodified-since': PAST },                                           'target', false],
    [{ 'if-unmodified-since': PAST, 'if-match': ITS_ETAG },                     'target', true],
    [{ 'if-modified-since': FUTURE, 'if-none-match': '*' },                     'target', false],
    [{ 'if-modified-since': 'no date', 'if-unmodified-since': 'no date' },      'target', true],
    [{ [`${SOURCE}-if-match`]: ITS_ETAG },                                      'source', true],
    [{ [`${SOURCE}-if-match`]: '*' },                                           'source', true],
    [{ [`${SOURCE}-if-none-match`]: OTHER_ETAG },                               'source', true],
    [{ [`${SOURCE}-if-modified-since`]: PAST },                                 'source', true],
    [{ [`${SOURCE}-if-unmodified-since`]: FUTURE },                             'source', true],
    [{ [`${SOURCE}-if-unmodified-since`]: PAST, [`${SOURCE}-if-match`]: ITS_ETAG }, 'source', true],
  ];
  for (const [sent, about, isThere] of held) {
    const where = isThere ? '' : ' where nothing is';
    test(`R05 RenameObject goes on with ${JSON.stringify(sent)}${where}`, async () => {
      const fixture = await use();
      await putObject(fixture, 'source', 'new');
      if (isThere) await putObject(fixture, 'target', 'old');
      const headers = await withEtag(fixture, sent, about);
      const reply = await renameRaw(fixture, 'target', { source: '/source', ...headers });
      assert.equal(reply.status, 200, reply.text);
      assert.equal(await textOf(fixture, 'target'), 'new');
      assert.equal((await refusal(textOf(fixture, 'source'))).code, 'NoSuchKey');
    });
  }

  // prettier-ignore
  const failed: readonly (readonly [sent: Sent, code: string, condition: string, isThere: boolean])[] = [
    [{ 'if-match': OTHER_ETAG },                      'PreconditionFailed', 'If-Match',                          true],
    [{ 'if-match': OTHER_ETAG },                      'NoSuchKey',          '',                                  false],
    [{ 'if-none-match': '*' },                        'PreconditionFailed', 'If-None-Match',                     true],
    [{ 'if-modified-since': FUTURE },                 'PreconditionFailed', 'If-Modified-Since',                 true],
    [{ 'if-modified-since': PAST },                   'PreconditionFailed', 'If-Modified-Since',                 false],
    [{ 'if-unmodified-since': PAST },                 'PreconditionFailed', 'If-Unmodified-Since',               true],
    [{ [`${SOURCE}-if-match`]: OTHER_ETAG },          'PreconditionFailed', `${SOURCE}-If-Match`,                true],
    [{ [`${SOURCE}-if-none-match`]: '*' },            'PreconditionFailed', `${SOURCE}-If-None-Match`,           true],
    [{ [`${SOURCE}-if-unmodified-since`]: PAST },     'PreconditionFailed', `${SOURCE}-If-Unmodified-Since`,     true],
    [{ 'if-none-match': OTHER_ETAG },                 'NotImplemented',     '',                                  true],
    [{ 'if-match': '*' },                             'NotImplemented',     '',                                  true],
    [{ 'if-match': OTHER_ETAG, 'if-none-match': '*' }, 'NotImplemented',    '',                                  true],
  ];
  for (const [sent, code, condition, isThere] of failed) {
    const where = isThere ? '' : ' where nothing is';
    test(`R05 RenameObject with ${JSON.stringify(sent)}${where} is ${code}`, async () => {
      const fixture = await use();
      await putObject(fixture, 'source', BODIES[1]?.[1] ?? '');
      if (isThere) await putObject(fixture, 'target', 'old');
      await changesNothing(fixture, async () => {
        const reply = await renameRaw(fixture, 'target', { source: '/source', ...sent });
        assert.equal(reply.code, code, reply.text);
        assert.equal(elementText(reply.text, 'Condition') ?? '', condition);
      });
    });
  }

  test('R06 RenameObject repeated with its client token succeeds and does nothing', async () => {
    const fixture = await use();
    const token = { ClientToken: 'token-1' };
    await putObject(fixture, 'source', 'first');
    await rename(fixture, 'source', 'target', token);
    await changesNothing(fixture, () => rename(fixture, 'source', 'target', token));
    await putObject(fixture, 'source', 'second');
    await changesNothing(fixture, () => rename(fixture, 'source', 'target', token));
    assert.equal(await textOf(fixture, 'target'), 'first');
    await rename(fixture, 'source', 'target', { ClientToken: 'token-2' });
    assert.equal(await textOf(fixture, 'target'), 'second');
  });

  test('R06 RenameObject with a client token and other parameters is IdempotencyParameterMismatch', async () => {
    const fixture = await use();
    const token = { ClientToken: 'token-1' };
    await putObject(fixture, 'source', 'first');
    await putObject(fixture, 'other', 'other');
    await rename(fixture, 'source', 'target', token);
    await changesNothing(fixture, async () => {
      for (const [source, more] of [
        ['other', {}],
        ['source', { DestinationIfMatch: OTHER_ETAG }],
        ['source', { SourceIfMatch: OTHER_ETAG }],
      ] as const) {
        const again = rename(fixture, source, 'target', { ...token, ...more });
        const mismatch = { code: 'IdempotencyParameterMismatch', status: 400 };
        assert.deepEqual(await refusal(again), mismatch);
      }
    });
  });

  test('R06 RenameObject without a token is not idempotent', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', 'first');
    assert.equal((await renameRaw(fixture, 'target', { source: 'source' })).status, 200);
    await changesNothing(fixture, async () => {
      const again = await renameRaw(fixture, 'target', { source: 'source' });
      assert.deepEqual([again.status, again.code], [404, 'NoSuchKey']);
    });
  });

  test('R06 RenameObject takes tokens of 1 to 64 printable characters', async () => {
    const fixture = await use();
    await putObject(fixture, 'source', 'first');
    for (const token of ['', 'a b', 'x'.repeat(65), 'aäa']) {
      await changesNothing(fixture, async () => {
        const sent = { source: 'source', 'x-amz-client-token': token };
        const reply = await renameRaw(fixture, 'target', sent);
        assert.deepEqual([reply.status, reply.code], [400, 'InvalidArgument'], token);
        assert.equal(elementText(reply.text, 'ArgumentName'), 'x-amz-client-token');
      });
    }
    const sent = { source: 'source', 'x-amz-client-token': '~!'.repeat(32) };
    assert.equal((await renameRaw(fixture, 'target', sent)).status, 200);
  });
});

async function withEtag(fixture: Fixture, sent: Sent, key: string): Promise<Sent> {
  if (!Object.values(sent).includes(ITS_ETAG)) return sent;
  const input = { Bucket: fixture.bucket, Key: key };
  const { ETag: etag = '' } = await fixture.client.send(new HeadObjectCommand(input));
  return Object.fromEntries(
    Object.entries(sent).map(([name, value]) => [name, value === ITS_ETAG ? etag : value]),
  );
}
