// Accounts over HTTP: each sees its own buckets, and nobody else's.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EVERYBODY } from '#src/operations/operation.js';
import { OPERATIONS } from '#src/operations/registry.js';
import { accountIdOf } from '#src/s3/owner.js';

import { contentsOf, putObject } from '../support/objects.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, elementTexts, rawRequest, type RawRequest } from '../support/raw-request.js';

onEveryBackend('Accounts', (use) => {
  for (const [name, { requestLine, permission }] of Object.entries(OPERATIONS)) {
    if (name === 'ListBuckets' || name === 'CreateBucket' || permission === EVERYBODY) continue;

    test(`BI-033 ${name} of a foreign bucket is AccessDenied, whoever else asks`, async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'content');
      const before = await contentsOf(fixture);
      const request = requestOf(requestLine, fixture);
      const isHead = request.method === 'HEAD';
      const denied = [403, isHead ? '' : 'AccessDenied'];
      const stranger = await rawRequest(fixture.server.stranger, request);
      assert.deepEqual([stranger.status, stranger.code], denied);
      const nobody = await fixture.raw({ ...request, isAnonymous: true });
      // A form is signed inside, so what is no form is told so first.
      const isForm = name === 'PostObject';
      const answer = isForm ? [412, 'PreconditionFailed'] : denied;
      assert.deepEqual([nobody.status, nobody.code], answer);
      assert.deepEqual(await contentsOf(fixture), before);
    });

    test(`B12 BI-058 ${name} checks the expected owner of the bucket`, async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'content');
      const before = await contentsOf(fixture);
      const request = requestOf(requestLine, fixture);
      const expecting = (owner: string) => {
        const headers = { ...request.headers, 'x-amz-expected-bucket-owner': owner };
        return fixture.raw({ ...request, headers });
      };
      const isHead = request.method === 'HEAD';
      const wrong = await expecting('000000000000');
      assert.deepEqual([wrong.status, wrong.code], [403, isHead ? '' : 'AccessDenied']);
      for (const owner of ['me', '12345678901', '']) {
        const { status, code } = await expecting(owner);
        assert.deepEqual([status, code], [400, isHead ? '' : 'InvalidBucketOwnerAWSAccountID']);
      }
      assert.deepEqual(await contentsOf(fixture), before);
      const right = await expecting(accountIdOf('main'));
      assert.notEqual(right.status, 403);
      assert.notEqual(right.code, 'InvalidBucketOwnerAWSAccountID');
    });
  }

  test('L14 ListBuckets shows an account its own buckets alone', async () => {
    const { server, bucket, raw } = await use();
    const foreign = `${bucket}-foreign`;
    await rawRequest(server.stranger, { method: 'PUT', path: `/${foreign}` });
    const request = { method: 'GET', path: '/', query: `prefix=${bucket}` };
    const own = await raw(request);
    assert.deepEqual(elementTexts(own.text, 'Name'), [bucket]);
    const other = await rawRequest(server.stranger, request);
    assert.deepEqual(elementTexts(other.text, 'Name'), [foreign]);
  });

  test('B01 owner ids are 64 hex characters, one per account, the same everywhere', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', 'content');
    const { server, bucket, raw } = fixture;
    const own = elementText((await raw({ method: 'GET', path: '/' })).text, 'ID') ?? '';
    assert.match(own, /^[0-9a-f]{64}$/);
    const listed = await raw({ method: 'GET', path: `/${bucket}` });
    assert.deepEqual(elementTexts(listed.text, 'ID'), [own]);
    const stranger = await rawRequest(server.stranger, { method: 'GET', path: '/' });
    assert.match(elementText(stranger.text, 'ID') ?? '', /^[0-9a-f]{64}$/);
    assert.notEqual(elementText(stranger.text, 'ID'), own);
  });

  test('BI-033 nobody lists or creates buckets without credentials', async () => {
    const { bucket, raw } = await use();
    for (const [method, path] of [
      ['GET', '/'],
      ['PUT', `/${bucket}-new`],
    ] as const) {
      const reply = await raw({ method, path, isAnonymous: true });
      assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied'], method);
    }
    assert.equal((await raw({ method: 'HEAD', path: `/${bucket}-new` })).status, 404);
  });
});

/** A request that the row of an operation claims. */
function requestOf(requestLine: string, { bucket }: Fixture): RawRequest {
  const [method = '', rest = '', header] = requestLine.split(' ');
  const [template = '', query] = rest.split('?');
  const path = template.replace('{bucket}', bucket).replace('{key}', 'key');
  const headers = header === undefined ? {} : { [header.slice(1)]: `${bucket}/key` };
  const request = { method, path, headers };
  return query === undefined
    ? request
    : { ...request, query: query.replace('partNumber', 'partNumber=1') };
}
