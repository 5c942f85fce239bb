import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isHostName, parseEndpoint } from '#src/util/endpoint.js';

for (const [url, scheme, host, prefix] of [
  ['https://files.example.com/storage/', 'https', 'files.example.com', '/storage'],
  ['https://files.example.com/a/b.c_~-d', 'https', 'files.example.com', '/a/b.c_~-d'],
  ['http://files.example.com', 'http', 'files.example.com', ''],
  ['http://files.example.com/', 'http', 'files.example.com', ''],
  ['http://Files.Example.com:9000', 'http', 'files.example.com:9000', ''],
  ['https://h:443', 'https', 'h', ''],
  ['http://h:443', 'http', 'h:443', ''],
  ['http://[::1]:9000/a', 'http', '[::1]:9000', '/a'],
  ['http://10.0.0.1', 'http', '10.0.0.1', ''],
] as const) {
  test(`parseEndpoint reads ${url}`, () => {
    assert.deepEqual(parseEndpoint(url), { scheme, host, prefix });
  });
}

for (const url of [
  ...['', 'h', 'h:9000', 'ftp://h', 'https://', 'https:///a', 'https://h/a//b', 'https://h//'],
  ...['https://h/../a', 'https://h/a/.', 'https://h/a%20b', 'https://h/a b', 'https://h/é'],
  ...['https://h?a', 'https://h/#a', 'https://u:p@h/', 'https://h:99999', 'https://h\\a'],
]) {
  test(`parseEndpoint refuses "${url}"`, () => {
    assert.equal(parseEndpoint(url), undefined);
  });
}

for (const [name, expected] of [
  ['s3.example.com', true],
  ['localhost', true],
  ['a-b.c1', true],
  [`${'a'.repeat(63)}.com`, true],
  [`${'a'.repeat(64)}.com`, false],
  ['a.'.repeat(130) + 'com', false],
  ['S3.example.com', false],
  ['s3.example.com.', false],
  ['.example.com', false],
  ['*.example.com', false],
  ['s3.example.com:9000', false],
  ['127.0.0.1', false],
  ['10', false],
  ['::1', false],
  ['-a.com', false],
  ['a_b.com', false],
  ['', false],
] as const) {
  test(`isHostName says ${expected} to "${name.slice(0, 40)}"`, () => {
    assert.equal(isHostName(name), expected);
  });
}
