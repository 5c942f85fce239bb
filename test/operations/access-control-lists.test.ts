// Access control lists over HTTP: what they say, what may be written, and that nothing changes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  GetBucketAclCommand,
  GetObjectAclCommand,
  PutBucketAclCommand,
  PutObjectAclCommand,
} from '@aws-sdk/client-s3';

import { ownerIdOf } from '#src/s3/owner.js';

import { contentsOf, putObject } from '../support/objects.js';
import { onEveryBackend, refusal, type Fixture } from '../support/operation-suite.js';
import { rawRequest, type RawReply } from '../support/raw-request.js';
import { changesNothing } from '../support/store-state.js';

const OWNER = ownerIdOf('main');
const PLACES = [
  ['Bucket', ''],
  ['Object', '/key'],
] as const;
const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

onEveryBackend('Access control lists', (use) => {
  test('B25 GetBucketAcl and GetObjectAcl answer full control of the owner', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    await putObject(fixture, 'key', 'bytes');
    const grant = { Grantee: { ID: OWNER, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' };
    const ofBucket = await client.send(new GetBucketAclCommand({ Bucket: bucket }));
    assert.deepEqual([ofBucket.Owner, ofBucket.Grants], [{ ID: OWNER }, [grant]]);
    for (const VersionId of [undefined, 'null']) {
      const name = { Bucket: bucket, Key: 'key', VersionId };
      const ofObject = await client.send(new GetObjectAclCommand(name));
      assert.deepEqual([ofObject.Owner, ofObject.Grants], [{ ID: OWNER }, [grant]]);
    }
  });

  test('B25 a list that was read may be written back', async () => {
    const fixture = await use();
    const { client, bucket } = fixture;
    await putObject(fixture, 'key', 'bytes');
    const before = await contentsOf(fixture);
    const { Owner, Grants } = await client.send(new GetBucketAclCommand({ Bucket: bucket }));
    const AccessControlPolicy = { Owner, Grants };
    await client.send(new PutBucketAclCommand({ Bucket: bucket, AccessControlPolicy }));
    await client.send(new PutObjectAclCommand({ Bucket: bucket, Key: 'key', AccessControlPolicy }));
    assert.deepEqual(await contentsOf(fixture), before);
  });

  for (const [place, suffix] of PLACES) {
    test(`B25 BI-180 BI-181 Put${place}Acl takes the lists that say what holds, and no other`, async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'bytes');
      const before = await contentsOf(fixture);
      for (const [headers, status, code] of [
        [{ 'x-amz-acl': 'private' }, 200, ''],
        [{ 'x-amz-acl': 'bucket-owner-full-control' }, 200, ''],
        [{ 'x-amz-acl': 'public-read' }, 400, 'AccessControlListNotSupported'],
        [{ 'x-amz-acl': 'public-read-write' }, 400, 'AccessControlListNotSupported'],
        [{ 'x-amz-acl': 'authenticated-read' }, 400, 'AccessControlListNotSupported'],
        [{ 'x-amz-acl': 'log-delivery-write' }, 400, 'AccessControlListNotSupported'],
        [{ 'x-amz-grant-read': 'id=1' }, 400, 'AccessControlListNotSupported'],
        [{ 'x-amz-acl': 'everyone' }, 400, 'InvalidArgument'],
        [{ 'x-amz-acl': 'private', 'x-amz-grant-read': 'id=1' }, 400, 'InvalidRequest'],
        [{}, 400, 'MissingSecurityHeader'],
      ] as const) {
        const reply = await putAcl(fixture, suffix, headers, '');
        assert.deepEqual([reply.status, reply.code], [status, code], JSON.stringify(headers));
      }
      const both = await putAcl(fixture, suffix, { 'x-amz-acl': 'private' }, policy(grant(OWNER)));
      assert.deepEqual([both.status, both.code], [400, 'UnexpectedContent']);
      assert.deepEqual(await contentsOf(fixture), before);
    });

    test(`E12 B25 Put${place}Acl refuses documents that are malformed or grant more`, async () => {
      const fixture = await use();
      await putObject(fixture, 'key', 'bytes');
      const all = 'http://acs.amazonaws.com/groups/global/AllUsers';
      const group = `<Grant><Grantee ${XSI} xsi:type="Group"><URI>${all}</URI></Grantee><Permission>READ</Permission></Grant>`;
      const [denied, malformed] = ['AccessControlListNotSupported', 'MalformedACLError'];
      for (const [document, code] of [
        [policy(grant(OWNER)), ''],
        [policy(grant(OWNER) + group), denied],
        [policy(group), denied],
        [policy(''), denied],
        [policy(grant(OWNER, 'READ')), denied],
        [policy(grant(ownerIdOf('stranger'))), denied],
        [policy(grant(OWNER), ownerIdOf('stranger')), denied],
        [policy(grant(OWNER, 'EVERYTHING')), malformed],
        [policy('<Grant/>'), malformed],
        [policy('<Give/>'), malformed],
        ['<AccessControlPolicy/>', malformed],
        ['<Tagging/>', malformed],
        ['{}', malformed],
        ['<AccessControlPolicy>', malformed],
        ['<!DOCTYPE x><AccessControlPolicy/>', malformed],
      ] as const) {
        const reply = await putAcl(fixture, suffix, {}, document);
        assert.deepEqual([reply.status, reply.code], [code === '' ? 200 : 400, code], document);
      }
    });
  }

  test('E09 lists of missing objects and buckets, and of other accounts, are refused', async () => {
    const { client, server, bucket } = await use();
    const missing = { Bucket: bucket, Key: 'missing' };
    const ACL = 'private';
    assert.equal((await refusal(client.send(new GetObjectAclCommand(missing)))).code, 'NoSuchKey');
    const put = client.send(new PutObjectAclCommand({ ...missing, ACL }));
    assert.equal((await refusal(put)).code, 'NoSuchKey');
    const none = client.send(new PutBucketAclCommand({ Bucket: 'no-such-bucket', ACL }));
    assert.equal((await refusal(none)).code, 'NoSuchBucket');
    for (const method of ['GET', 'PUT']) {
      const request = { method, path: `/${bucket}`, query: 'acl' };
      const reply = await rawRequest(server.stranger, request);
      assert.deepEqual([reply.status, reply.code], [403, 'AccessDenied']);
    }
  });

  for (const [operation, method, query, isCopy] of [
    ['PutObject', 'PUT', '', false],
    ['CopyObject', 'PUT', '', true],
    ['CreateMultipartUpload', 'POST', 'uploads', false],
  ] as const) {
    test(`B25 ${operation} with a list that grants more is refused and changes nothing`, async () => {
      const fixture = await use();
      const { raw, bucket } = fixture;
      await putObject(fixture, 'source', 'bytes');
      const copied = isCopy ? { 'x-amz-copy-source': `${bucket}/source` } : {};
      const request = { method, path: `/${bucket}/key`, query, body: '' };
      await changesNothing(fixture, async () => {
        for (const list of [{ 'x-amz-acl': 'public-read' }, { 'x-amz-grant-read': 'id=1' }]) {
          const reply = await raw({ ...request, headers: { ...copied, ...list } });
          assert.deepEqual([reply.status, reply.code], [400, 'AccessControlListNotSupported']);
        }
      });
      const headers = { ...copied, 'x-amz-acl': 'bucket-owner-full-control' };
      assert.equal((await raw({ ...request, headers })).status, 200);
    });
  }
});

function putAcl(
  { raw, bucket }: Fixture,
  suffix: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<RawReply> {
  return raw({ method: 'PUT', path: `/${bucket}${suffix}`, query: 'acl', headers, body });
}

function grant(id: string, permission = 'FULL_CONTROL'): string {
  const grantee = `<Grantee ${XSI} xsi:type="CanonicalUser"><ID>${id}</ID></Grantee>`;
  return `<Grant>${grantee}<Permission>${permission}</Permission></Grant>`;
}

function policy(grants: string, owner = OWNER): string {
  const list = `<AccessControlList>${grants}</AccessControlList>`;
  return `<AccessControlPolicy><Owner><ID>${owner}</ID></Owner>${list}</AccessControlPolicy>`;
}
