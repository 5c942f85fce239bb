// Addressing with declared domains and endpoints: how requests are read, and what may be signed.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { S3Error } from '#src/s3/errors.js';
import { DECLARED_NAMES_COUNT_MAX, parseEndpoint } from '#src/util/endpoint.js';
import {
  Addressing,
  objectUrl,
  OTHER_ADDRESSES_COUNT_MAX,
  type ArrivalAddress,
} from '#src/wire/addressing.js';
import { encodePathAws } from '#src/wire/uri.js';

const DOMAINS = ['s3.example.com', 'example.com', 'localhost'];
const URLS = [
  'https://files.example.org/storage/',
  'http://s3.internal:9000',
  'https://files.example.org/storage/deep',
  'https://s3.example.com:8443',
];

function addressing(domains: readonly string[], urls: readonly string[]): Addressing {
  const endpoints = urls.map(parseEndpoint).filter((endpoint) => endpoint !== undefined);
  assert.equal(endpoints.length, urls.length);
  return new Addressing({ domains, endpoints });
}

const DECLARED = addressing(DOMAINS, URLS);

// prettier-ignore
const READ: readonly (readonly [host: string, path: string, bucket: string, key: string])[] = [
  ['b.s3.example.com', '/k', 'b', 'k'],
  ['b.s3.example.com', '/', 'b', ''],
  ['b.s3.example.com:9000', '/a/b', 'b', 'a/b'],
  ['b.s3.example.com:', '/k', 'b', 'k'],
  ['B.S3.Example.COM', '/K', 'b', 'K'],
  ['b.s3.example.com.', '/k', 'b', 'k'],
  ['b.s3.example.com.:80', '/k', 'b', 'k'],
  ['dotted.name.s3.example.com', '/k', 'dotted.name', 'k'],
  ['b.s3.example.com', '//k', 'b', '/k'],
  ['b.s3.example.com', '/%2Fk%252F', 'b', '/k%2F'],
  ['b.s3.example.com', '/b/k', 'b', 'b/k'],
  ['b.s3.example.com', '/storage/k', 'b', 'storage/k'],
  ['b.localhost:9000', '/k', 'b', 'k'],
  ['other.example.com', '/k', 'other', 'k'],
  ['s3.example.com', '/b/k', 'b', 'k'],
  ['S3.EXAMPLE.COM.:443', '/b/k', 'b', 'k'],
  ['example.com', '/b', 'b', ''],
  ['localhost:9000', '/', '', ''],
  ['127.0.0.1:9000', '/b/k', 'b', 'k'],
  ['[::1]:9000', '/b/k', 'b', 'k'],
  ['[::1]', '/b/k', 'b', 'k'],
  ['unknown.host', '/b/k', 'b', 'k'],
  ['s3-example.com', '/b/k', 'b', 'k'],
  ['bs3.example.com.evil', '/b/k', 'b', 'k'],
  ['b.s3.example.com..', '/b/k', 'b', 'k'],
  ['files.example.org', '/storage/b/k', 'b', 'k'],
  ['unknown.host', '/storage/b/k', 'b', 'k'],
  ['unknown.host', '/%73torage/b/k', 'b', 'k'],
  ['unknown.host', '/storage%2Fb/k', 'b', 'k'],
  ['unknown.host', '/storage', '', ''],
  ['unknown.host', '/storage/', '', ''],
  ['unknown.host', '/storage/b', 'b', ''],
  ['unknown.host', '/storages/b', 'storages', 'b'],
  ['unknown.host', '/storage/storage/k', 'storage', 'k'],
  ['unknown.host', '/storage/deep/b/k', 'b', 'k'],
  ['unknown.host', '/storage/deeper/k', 'deeper', 'k'],
  ['unknown.host', '/storage/b//k', 'b', '/k'],
];

for (const [host, path, bucket, key] of READ) {
  test(`B27 ${host}${path} is bucket "${bucket}", key "${key}"`, () => {
    const located = DECLARED.locate(host, path);
    assert.deepEqual([located.bucket, located.key], [bucket, key]);
  });
}

for (const [host, path, code] of [
  ['.s3.example.com', '/k', 'InvalidBucketName'],
  ['.s3.example.com', '/', 'InvalidBucketName'],
  ['unknown.host', '/storage//k', 'InvalidBucketName'],
  ['unknown.host', '//storage/k', 'InvalidBucketName'],
  ['b.s3.example.com', '/%', 'InvalidURI'],
  ['b.s3.example.com', 'k', 'InvalidURI'],
] as const) {
  test(`${host}${path} is refused with ${code}`, () => {
    assert.throws(
      () => DECLARED.locate(host, path),
      (error) => error instanceof S3Error && error.code === code,
    );
  });
}

/** Every address but the one that arrived, as one text each. */
function others(names: Addressing, host: string, path: string, sentHost = host): string[] {
  const arrival = { host, sentHost, located: names.locate(host, path) };
  return [...names.otherAddresses(arrival)].map((other) => other.host + other.rawPath);
}

test('with nothing declared there is exactly one address', () => {
  assert.deepEqual(others(addressing([], []), 'h:9000', '/b/k'), []);
});

test('domains alone add no address', () => {
  assert.deepEqual(others(addressing(DOMAINS, []), 'b.s3.example.com', '/k'), []);
  assert.deepEqual(others(addressing(DOMAINS, []), 's3.example.com', '/b/k'), []);
});

test('a path without the prefix may have been signed at each endpoint, with and without it', () => {
  const names = addressing([], ['https://files.example.org/storage', 'http://inside:9000']);
  const expected = ['files.example.org/storage/b/k', 'files.example.org/b/k', 'inside:9000/b/k'];
  assert.deepEqual(others(names, '10.0.0.1:9000', '/b/k'), expected);
});

test('a path with the prefix may have been signed without it', () => {
  const names = addressing([], ['https://files.example.org/storage']);
  const expected = ['h/b/k', 'files.example.org/storage/b/k', 'files.example.org/b/k'];
  assert.deepEqual(others(names, 'h', '/storage/b/k'), expected);
});

test('a bucket host may have been signed below each endpoint that is a domain', () => {
  const names = addressing(DOMAINS, ['https://s3.example.com:8443', 'https://elsewhere.org']);
  assert.deepEqual(others(names, 'b.s3.example.com', '/k'), ['b.s3.example.com:8443/k']);
});

test('a forwarded host leaves the sent one, if that names the same object', () => {
  const names = addressing(DOMAINS, []);
  assert.deepEqual(others(names, 'files.org', '/b/k', '10.0.0.1'), ['10.0.0.1/b/k']);
  // Sent to an address, /photos/k is in the bucket "photos": nobody signed that for "secret".
  assert.deepEqual(others(names, 'secret.s3.example.com', '/photos/k', '10.0.0.1'), []);
});

test('a bucket named like the prefix is not reached by a signature for another', () => {
  const names = addressing([], ['https://files.example.org/storage']);
  // A proxy that takes the prefix away makes this of /storage/storage/k.
  const found = others(names, 'files.example.org', '/storage/k');
  assert.equal(names.locate('files.example.org', '/storage/k').bucket, 'k');
  assert(!found.includes('files.example.org/storage/storage/k'), found.join());
});

const TEXT = fc.oneof(
  fc.constantFrom('storage', 'deep', 'b', 'k', '', '.', '..', '%', '%2F', ' ', '+', 'é'),
  fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => !text.includes('\0')),
);
const PATH = fc.array(TEXT, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`);
const LABEL = fc.constantFrom('b', 'storage', 'a.b', '', 's3', 'B');
const HOST = fc.oneof(
  fc.constantFrom('10.0.0.1:9000', '[::1]:80', 'files.example.org', 'unknown', 's3.internal:9000'),
  fc
    .tuple(LABEL, fc.constantFrom(...DOMAINS), fc.constantFrom('', '.', ':9000', '.:1'))
    .map(([label, domain, end]) => `${label}${label === '' ? '' : '.'}${domain}${end}`),
);
const NAMES = fc
  .tuple(fc.subarray(DOMAINS), fc.subarray(URLS))
  .map(([domains, urls]) => addressing(domains, urls));

function located(names: Addressing, host: string, path: string) {
  try {
    return names.locate(host, encodePathAws(path));
  } catch (error) {
    assert(error instanceof S3Error);
    return undefined;
  }
}

test('whatever address is accepted for a signature names the resource that is served', () => {
  fc.assert(
    fc.property(NAMES, HOST, HOST, PATH, (names, host, sentHost, path) => {
      const read = located(names, host, path);
      if (read === undefined) return;
      const arrival: ArrivalAddress = { host, sentHost, located: read };
      const seen = new Set([`${host} ${encodePathAws(path)}`]);
      for (const other of names.otherAddresses(arrival)) {
        const meant = names.locate(other.host, other.rawPath);
        assert.deepEqual([meant.bucket, meant.key], [read.bucket, read.key]);
        const name = `${other.host} ${other.rawPath}`;
        assert(!seen.has(name), `${name} is tried once`);
        seen.add(name);
      }
      assert(seen.size <= 1 + OTHER_ADDRESSES_COUNT_MAX);
    }),
    { numRuns: 2000 },
  );
});

test('as many names as can be declared stay within the limit of addresses', () => {
  const indices = Array.from({ length: DECLARED_NAMES_COUNT_MAX }, (_, index) => index);
  const names = addressing(
    [],
    indices.map((index) => `https://h${index}.org/p${index}`),
  );
  const found = others(names, 'front', '/p0/b/k', 'back');
  assert.equal(found.length, OTHER_ADDRESSES_COUNT_MAX);
});

test('the URL of an object at its own origin names the object again', () => {
  fc.assert(
    fc.property(NAMES, HOST, PATH, (names, host, path) => {
      const read = located(names, host, path);
      if (read === undefined || read.bucket === '' || read.key === '') return;
      if (encodePathAws(read.bucket) !== read.bucket) return;
      const url = objectUrl(`http://${host}${read.prefix}`, read);
      const again = names.locate(host, url.slice(`http://${host}`.length));
      assert.deepEqual([again.bucket, again.key], [read.bucket, read.key]);
    }),
  );
});
