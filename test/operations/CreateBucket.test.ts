// CreateBucket over HTTP: names, locations, and whose a bucket is.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { putObject, textOf } from '../support/objects.js';
import { startInProcessServer } from '../support/in-process-server.js';
import { onEveryBackend, type Fixture } from '../support/operation-suite.js';
import { elementText, rawRequest, type Signer } from '../support/raw-request.js';

const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

onEveryBackend('CreateBucket', (use) => {
  test('B04 CreateBucket answers with the location and the ARN', async () => {
    const { server, bucket } = await use();
    const reply = await create(server, `${bucket}-new`);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.headers.location, `/${bucket}-new`);
    assert.equal(reply.headers['x-amz-bucket-arn'], `arn:aws:s3:::${bucket}-new`);
    assert.equal(reply.body.byteLength, 0);
  });

  test('B01 BI-120 CreateBucket of one’s own bucket is 200 in us-east-1 and keeps it', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    await putObject(fixture, 'key', 'kept');
    assert.equal((await create(server, bucket)).status, 200);
    assert.equal(await textOf(fixture, 'key'), 'kept');
  });

  test('B01 BI-120 CreateBucket of a foreign bucket is BucketAlreadyExists', async () => {
    const fixture = await use();
    const { server, bucket } = fixture;
    await putObject(fixture, 'key', 'kept');
    const reply = await create(server.stranger, bucket);
    assert.deepEqual([reply.status, reply.code], [409, 'BucketAlreadyExists']);
    assert.equal(elementText(reply.text, 'BucketName'), bucket);
    assert.equal(await textOf(fixture, 'key'), 'kept');
  });

  test('B01 of many accounts that create one bucket exactly one gets it', async () => {
    const { server, bucket } = await use();
    const replies = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        create(index % 2 === 0 ? server : server.stranger, `${bucket}-raced`),
      ),
    );
    const owners = new Set<number>();
    for (const [index, { status, code }] of replies.entries()) {
      if (status === 200) owners.add(index % 2);
      else assert.deepEqual([status, code], [409, 'BucketAlreadyExists']);
    }
    assert.equal(owners.size, 1);
  });

  test('B02 BI-117 BI-118 CreateBucket refuses names that are none', async () => {
    const fixture = await use();
    const names = ['ab', 'a', 'a'.repeat(64), 'Bucket', 'bucKet', 'a_b', '-abc', 'abc-', '.abc'];
    names.push(
      'abc.',
      'a..b',
      'a.-b',
      'a-.b',
      '192.168.5.4',
      'xn--abc',
      'sthree-abc',
      'abc-s3alias',
    );
    names.push(
      'abc--ol-s3',
      'abc.mrap',
      'abc--x-s3',
      'abc--table-s3',
      'amzn-s3-demo-abc',
      'b%C3%BC',
    );
    names.push('a%20b', 'abc%0A', '.s3ish', '...');
    for (const name of names) {
      const reply = await create(fixture.server, name);
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidBucketName'], name);
    }
    assert.equal(await bucketCount(fixture), 0);
  });

  test('BI-119 buckets named like directories of ours are refused, or are buckets as others', async () => {
    const fixture = await use();
    for (const name of ['.s3ish', '_health', '_metrics', '.', 'lost%2Bfound']) {
      const reply = await fixture.raw({ method: 'PUT', path: `/${name}` });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidBucketName'], name);
    }
    for (const name of ['s3ish', 'staging', 'metadata', 'data', 'uploads', 'metadata.json']) {
      const path = `/${name}`;
      assert.equal((await fixture.raw({ method: 'PUT', path })).status, 200, name);
      const body = Buffer.alloc(100_000, name);
      assert.equal((await fixture.raw({ method: 'PUT', path: `${path}/key`, body })).status, 200);
      const got = await fixture.raw({ method: 'GET', path: `${path}/key` });
      assert.deepEqual(got.body, body, name);
      assert.equal((await fixture.raw({ method: 'DELETE', path: `${path}/key` })).status, 204);
      assert.equal((await fixture.raw({ method: 'DELETE', path })).status, 204, name);
    }
  });

  test('B02 CreateBucket takes every legal form of a name', async () => {
    const { server } = await use();
    const names = ['abc', 'a'.repeat(63), '123', 'a.b.c', 'a-b--c', '1.2.3.4.5', '0-0', 'data'];
    names.push('uploads', 'metadata.json', 'health');
    for (const name of names) {
      const reply = await create(server, name);
      assert.equal(reply.status, 200, `${name}: ${reply.text}`);
      assert.equal((await rawRequest(server, { method: 'HEAD', path: `/${name}` })).status, 200);
      assert.equal((await rawRequest(server, { method: 'DELETE', path: `/${name}` })).status, 204);
    }
  });

  test('B03 BI-115 CreateBucket refuses locations that are not here', async () => {
    const fixture = await use();
    const cases: readonly [constraint: string, code: string][] = [
      ['us-east-1', 'InvalidLocationConstraint'],
      ['moon-1', 'InvalidLocationConstraint'],
      ['eu-west-1', 'IllegalLocationConstraintException'],
      ['EU', 'IllegalLocationConstraintException'],
    ];
    for (const [constraint, code] of cases) {
      const reply = await create(fixture.server, `${fixture.bucket}-new`, located(constraint));
      assert.deepEqual([reply.status, reply.code], [400, code], constraint);
    }
    assert.equal(await bucketCount(fixture), 0);
  });

  test('B04 E13 CreateBucket takes an empty configuration and an empty set of tags', async () => {
    const { server, bucket } = await use();
    const bodies = [
      '<CreateBucketConfiguration/>',
      located(''),
      `<CreateBucketConfiguration ${NAMESPACE}><Tags/></CreateBucketConfiguration>`,
    ];
    for (const [index, body] of bodies.entries()) {
      assert.equal((await create(server, `${bucket}-${index}`, body)).status, 200, body);
    }
  });

  test('BI-099 BI-103 BI-104 BI-108 a malformed configuration creates nothing', async () => {
    const fixture = await use();
    const bodies: readonly [body: string, code: string][] = [
      ['<CreateBucketConfiguration>', 'MalformedXML'],
      ['<Other/>', 'MalformedXML'],
      ['<CreateBucketConfiguration><Odd/></CreateBucketConfiguration>', 'MalformedXML'],
      ['text', 'MalformedXML'],
      [`<!--${' '.repeat(64 * 1024)}--><CreateBucketConfiguration/>`, 'MaxMessageLengthExceeded'],
    ];
    for (const [body, code] of bodies) {
      const reply = await create(fixture.server, `${fixture.bucket}-new`, body);
      assert.deepEqual([reply.status, reply.code], [400, code], body.slice(0, 80));
    }
    assert.equal(await bucketCount(fixture), 0);
  });

  test('BI-180 BI-185 CreateBucket refuses what the bucket would not do', async () => {
    const fixture = await use();
    const cases: readonly [name: string, value: string, status: number, code: string][] = [
      ['x-amz-acl', 'public-read', 400, 'InvalidBucketAclWithObjectOwnership'],
      ['x-amz-acl', 'everyone', 400, 'InvalidArgument'],
      ['x-amz-grant-read', 'id=1', 400, 'InvalidBucketAclWithObjectOwnership'],
      ['x-amz-bucket-object-lock-enabled', 'true', 501, 'NotImplemented'],
      ['x-amz-object-ownership', 'ObjectWriter', 501, 'NotImplemented'],
    ];
    for (const [name, value, status, code] of cases) {
      const reply = await create(fixture.server, `${fixture.bucket}-new`, '', { [name]: value });
      assert.deepEqual([reply.status, reply.code], [status, code], `${name}: ${value}`);
    }
    assert.equal(await bucketCount(fixture), 0);
    const harmless = {
      'x-amz-acl': 'private',
      'x-amz-bucket-object-lock-enabled': 'false',
      'x-amz-object-ownership': 'BucketOwnerEnforced',
    };
    const reply = await create(fixture.server, `${fixture.bucket}-new`, '', harmless);
    assert.equal(reply.status, 200, reply.text);
  });
});

test('B01 B03 B06 buckets in another region than us-east-1', async (context) => {
  const server = await startInProcessServer({ backend: 'memory', region: 'eu-west-1' });
  context.after(() => server.stop());

  await context.test('B03 the region, its alias EU and no constraint are accepted', async () => {
    for (const [name, constraint] of [
      ['one', 'eu-west-1'],
      ['two', 'EU'],
      ['three', ''],
    ] as const) {
      const reply = await create(server, name, constraint === '' ? '' : located(constraint));
      assert.equal(reply.status, 200, reply.text);
      const path = `/${name}`;
      const location = await rawRequest(server, { method: 'GET', path, query: 'location' });
      assert.equal(elementText(location.text, 'LocationConstraint'), undefined);
      assert.match(location.text, /<LocationConstraint [^>]*>eu-west-1<\/LocationConstraint>$/);
      const head = await rawRequest(server, { method: 'HEAD', path });
      assert.equal(head.headers['x-amz-bucket-region'], 'eu-west-1');
    }
  });

  await context.test('B03 other regions are not', async () => {
    const elsewhere = await create(server, 'four', located('eu-central-1'));
    assert.equal(elsewhere.code, 'IllegalLocationConstraintException');
    assert.equal(
      (await create(server, 'four', located('us-east-1'))).code,
      'InvalidLocationConstraint',
    );
  });

  await context.test('B01 one’s own bucket again is BucketAlreadyOwnedByYou', async () => {
    assert.equal((await create(server, 'mine')).status, 200);
    const again = await create(server, 'mine');
    assert.deepEqual([again.status, again.code], [409, 'BucketAlreadyOwnedByYou']);
    assert.equal(elementText(again.text, 'BucketName'), 'mine');
  });

  await context.test('B28 a signature for another region names the right one', async () => {
    const stray = { ...server, region: 'us-west-2' };
    const reply = await rawRequest(stray, { method: 'GET', path: '/' });
    assert.deepEqual([reply.status, reply.code], [400, 'AuthorizationHeaderMalformed']);
    assert.equal(elementText(reply.text, 'Region'), 'eu-west-1');
  });
});

function create(
  signer: Signer,
  name: string,
  body = '',
  headers: Readonly<Record<string, string>> = {},
) {
  const request = { method: 'PUT', path: `/${name}`, headers };
  return rawRequest(signer, body === '' ? request : { ...request, body });
}

function located(constraint: string): string {
  const element = `<LocationConstraint>${constraint}</LocationConstraint>`;
  return `<CreateBucketConfiguration ${NAMESPACE}>${element}</CreateBucketConfiguration>`;
}

/** Buckets besides the fixture's own that begin with its name, or are oddly named. */
async function bucketCount({ server, bucket, raw }: Fixture): Promise<number> {
  const reply = await raw({ method: 'GET', path: '/', query: `prefix=${bucket}-` });
  assert.equal(reply.status, 200);
  assert.equal(server.faults.length, 0);
  return (reply.text.match(/<Name>/g) ?? []).length;
}
