// The configurations that clients probe, on a bucket that nobody has configured: the answers of AWS,
// code and status each, and that nothing of them can be written.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as s3 from '@aws-sdk/client-s3';

import { putObject } from '../support/objects.js';
import { onEveryBackend, refusal } from '../support/operation-suite.js';
import { elementText, rawRequest } from '../support/raw-request.js';

/** Absent configurations: the sub-resource, and the code of its 404. */
const ABSENT = [
  ['cors', 'NoSuchCORSConfiguration'],
  ['encryption', 'ServerSideEncryptionConfigurationNotFoundError'],
  ['lifecycle', 'NoSuchLifecycleConfiguration'],
  ['object-lock', 'ObjectLockConfigurationNotFoundError'],
  ['policy', 'NoSuchBucketPolicy'],
  ['policyStatus', 'NoSuchBucketPolicy'],
  ['replication', 'ReplicationConfigurationNotFoundError'],
  ['tagging', 'NoSuchTagSet'],
  ['website', 'NoSuchWebsiteConfiguration'],
  ['analytics&id=a', 'NoSuchConfiguration'],
  ['id=a&intelligent-tiering', 'NoSuchConfiguration'],
  ['id=a&inventory', 'NoSuchConfiguration'],
  ['id=a&metrics', 'NoSuchConfiguration'],
] as const;

/** Those that can be written, each with tests of its own. */
const WRITABLE: ReadonlySet<string> = new Set(['cors', 'tagging']);

/** Configurations that every bucket has: the sub-resource, and root and content of its document. */
const PRESENT = [
  ['accelerate', 'AccelerateConfiguration', ''],
  ['logging', 'BucketLoggingStatus', ''],
  ['notification', 'NotificationConfiguration', ''],
  ['requestPayment', 'RequestPaymentConfiguration', '<Payer>BucketOwner</Payer>'],
  [
    'ownershipControls',
    'OwnershipControls',
    '<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>',
  ],
  [
    'publicAccessBlock',
    'PublicAccessBlockConfiguration',
    '<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>' +
      '<BlockPublicPolicy>true</BlockPublicPolicy>' +
      '<RestrictPublicBuckets>true</RestrictPublicBuckets>',
  ],
  ['analytics', 'ListBucketAnalyticsConfigurationResult', '<IsTruncated>false</IsTruncated>'],
  [
    'intelligent-tiering',
    'ListBucketIntelligentTieringConfigurationsOutput',
    '<IsTruncated>false</IsTruncated>',
  ],
  ['inventory', 'ListInventoryConfigurationsResult', '<IsTruncated>false</IsTruncated>'],
  ['metrics', 'ListMetricsConfigurationsResult', '<IsTruncated>false</IsTruncated>'],
] as const;

onEveryBackend('Bucket configurations', (use) => {
  for (const [query, code] of ABSENT) {
    test(`B09 GET ?${query} is 404 ${code}`, async () => {
      const { raw, bucket } = await use();
      const reply = await raw({ method: 'GET', path: `/${bucket}`, query });
      assert.deepEqual([reply.status, reply.code], [404, code]);
      assert.equal(elementText(reply.text, 'BucketName'), bucket);
    });
  }

  for (const [query, root, content] of PRESENT) {
    test(`B07 GET ?${query} answers as for a new bucket`, async () => {
      const { raw, bucket } = await use();
      const reply = await raw({ method: 'GET', path: `/${bucket}`, query });
      assert.equal(reply.status, 200, reply.text);
      assert.equal(reply.headers['content-type'], 'application/xml');
      const open = `<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`;
      assert.equal(
        reply.text,
        `<?xml version="1.0" encoding="UTF-8"?>\n${open}${content}</${root}>`,
      );
    });
  }

  test('B07 the SDK reads every configuration of a new bucket', async () => {
    const { client, bucket } = await use();
    const name = { Bucket: bucket };
    const blocked = await client.send(new s3.GetPublicAccessBlockCommand(name));
    assert.deepEqual(blocked.PublicAccessBlockConfiguration, {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    });
    const { OwnershipControls: controls } = await client.send(
      new s3.GetBucketOwnershipControlsCommand(name),
    );
    assert.deepEqual(controls?.Rules, [{ ObjectOwnership: 'BucketOwnerEnforced' }]);
    const payment = await client.send(new s3.GetBucketRequestPaymentCommand(name));
    assert.equal(payment.Payer, 'BucketOwner');
    const logging = await client.send(new s3.GetBucketLoggingCommand(name));
    assert.equal(logging.LoggingEnabled, undefined);
    const accelerate = await client.send(new s3.GetBucketAccelerateConfigurationCommand(name));
    assert.equal(accelerate.Status, undefined);
    const notification = await client.send(new s3.GetBucketNotificationConfigurationCommand(name));
    assert.equal(notification.QueueConfigurations, undefined);
    const metrics = await client.send(new s3.ListBucketMetricsConfigurationsCommand(name));
    assert.deepEqual([metrics.IsTruncated, metrics.MetricsConfigurationList], [false, undefined]);
    const policy = await refusal(client.send(new s3.GetBucketPolicyCommand(name)));
    assert.deepEqual(policy, { code: 'NoSuchBucketPolicy', status: 404 });
  });

  test('E05 B09 writing and deleting a configuration is NotImplemented', async () => {
    const { raw, bucket } = await use();
    for (const [query] of [...ABSENT, ...PRESENT]) {
      if (WRITABLE.has(query)) continue;
      for (const method of ['PUT', 'DELETE']) {
        const body = method === 'PUT' ? { body: '<Any/>' } : {};
        const reply = await raw({ method, path: `/${bucket}`, query, ...body });
        assert.deepEqual([reply.status, reply.code], [501, 'NotImplemented'], query);
      }
    }
  });

  test('E09 a missing bucket and another account come before the missing configuration', async () => {
    const { server, raw, bucket } = await use();
    for (const [query] of [...ABSENT, ...PRESENT]) {
      const missing = await raw({ method: 'GET', path: '/no-such-bucket', query });
      assert.deepEqual([missing.status, missing.code], [404, 'NoSuchBucket'], query);
      const request = { method: 'GET', path: `/${bucket}`, query };
      const other = await rawRequest(server.stranger, request);
      assert.deepEqual([other.status, other.code], [403, 'AccessDenied'], query);
    }
  });

  test('D12 retention and legal hold are no business of a bucket without Object Lock', async () => {
    const fixture = await use();
    const { raw, bucket } = fixture;
    await putObject(fixture, 'key', 'bytes');
    for (const query of ['retention', 'legal-hold']) {
      const reply = await raw({ method: 'GET', path: `/${bucket}/key`, query });
      assert.deepEqual([reply.status, reply.code], [400, 'InvalidRequest'], query);
    }
  });
});
