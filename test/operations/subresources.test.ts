// Every sub-resource of S3 with every method: what no operation claims is refused and changes
// nothing. Generated from the list that routing uses and from the registry.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { OPERATIONS } from '#src/operations/registry.js';
import { SUBRESOURCES } from '#src/s3/subresources.js';

import { contentsOf, putObject } from '../support/objects.js';
import { onEveryBackend } from '../support/operation-suite.js';
import { sdkOperations } from '../support/sdk-operations.js';

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const;
const ROOTS = { bucket: '/{bucket}', object: '/{bucket}/{key}' } as const;

/** What AWS answers more sharply than with NotImplemented. */
const SHARPER: Readonly<Record<string, readonly [status: number, code: string]>> = {
  'GET object uploads': [400, 'InvalidRequest'],
  'GET object versions': [400, 'InvalidRequest'],
  'PUT object partNumber': [400, 'InvalidArgument'],
  'PUT object uploadId': [405, 'MethodNotAllowed'],
};

onEveryBackend('Sub-resources', (use) => {
  for (const target of ['bucket', 'object'] as const) {
    for (const method of METHODS) {
      const unclaimed = [...SUBRESOURCES].filter((name) => !isOffered(method, target, name));

      test(`E05 BI-187 BI-188 ${method} of a ${target} refuses ${unclaimed.length} sub-resources`, async () => {
        const fixture = await use();
        await putObject(fixture, 'key', 'content', { Metadata: { colour: 'blue' } });
        const before = await contentsOf(fixture);
        const path = target === 'bucket' ? `/${fixture.bucket}` : `/${fixture.bucket}/key`;
        const body = method === 'PUT' || method === 'POST' ? { body: '<Any/>' } : {};
        for (const name of unclaimed) {
          for (const query of [name, `${name}=x`]) {
            const reply = await fixture.raw({ method, path, query, ...body });
            const [status, code] = SHARPER[`${method} ${target} ${name}`] ?? [
              501,
              'NotImplemented',
            ];
            assert.equal(reply.status, status, `${query} ${reply.text}`);
            assert.equal(reply.code, method === 'HEAD' ? '' : code, query);
          }
        }
        assert.ok(unclaimed.length > 15, 'many sub-resources are not offered');
        assert.deepEqual(await contentsOf(fixture), before);
      });
    }
  }

  test('E05 BI-187 every operation of the SDK that has no row answers NotImplemented', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', 'content');
    const before = await contentsOf(fixture);
    for (const { name, requestLine } of sdkOperations()) {
      if (name in OPERATIONS) continue;
      const [method = '', target = ''] = requestLine.split(' ');
      const [place = '', query = ''] = target.split('?');
      const path = place.replace('{bucket}', fixture.bucket).replace('{key}', 'key');
      const body = method === 'PUT' || method === 'POST' ? { body: '<Any/>' } : {};
      const reply = await fixture.raw({ method, path, query, ...body });
      assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], name);
    }
    assert.deepEqual(await contentsOf(fixture), before);
  });

  test('E05 a parameter that is no sub-resource is ignored', async () => {
    const fixture = await use();
    await putObject(fixture, 'key', 'content');
    for (const query of ['x-id=GetObject', 'ACL', 'unknown=1', 'id=3']) {
      const reply = await fixture.raw({ method: 'GET', path: `/${fixture.bucket}/key`, query });
      assert.deepEqual([reply.status, reply.text], [200, 'content'], query);
    }
  });
});

/** Says whether a row of the registry names this query key, whatever its handler. */
function isOffered(method: string, target: keyof typeof ROOTS, name: string): boolean {
  return Object.values(OPERATIONS).some(({ requestLine, handler }) => {
    const [rowMethod, rest = ''] = requestLine.split(' ');
    const [path, query = ''] = rest.split('?');
    const isNamed = query.split('&').some((pair) => pair.split('=')[0] === name);
    const isPlace = rowMethod === method && path === ROOTS[target];
    return isPlace && isNamed && handler.name !== 'notImplemented' && !isHalf(query, name);
  });
}

/** `partNumber` and `uploadId` of UploadPart are claimed only together. */
function isHalf(query: string, name: string): boolean {
  return query.includes('&') && query.split('&').includes(name);
}
