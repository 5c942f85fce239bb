import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { parseCredentialsFile } from '#src/auth/credentials.js';
import {
  isReadableByOthers,
  prepareCredentials,
  readCredentials,
} from '#src/cluster/credentials.js';
import { dataPaths } from '#src/cluster/data-paths.js';
import { parseConfig } from '#src/config/load.js';

const LOOPBACK = { host: '127.0.0.1', port: 9000 };
const EVERYWHERE = { host: '0.0.0.0', port: 9000 };

function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-credentials-'));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

test('prepareCredentials generates a pair once and keeps it for the owner', async (context) => {
  const directory = temporaryDirectory(context);
  const config = parseConfig('x', `[storage]\nbase_path = "${directory}"`);
  const paths = dataPaths(config);
  mkdirSync(paths.metadataPath, { recursive: true });

  const first = await prepareCredentials(config, paths, EVERYWHERE);
  assert.ok(first.generated !== undefined && first.file !== undefined);
  assert.equal(statSync(first.file).mode & 0o777, 0o600);
  assert.ok(!isReadableByOthers(first.file));
  const { accessKey, secretKey } = first.generated;
  assert.deepEqual(parseCredentialsFile(first.credentialsText), [
    { accessKey, secretKey, account: 'main' },
  ]);

  const second = await prepareCredentials(config, paths, EVERYWHERE);
  assert.equal(second.generated, undefined);
  assert.equal(second.credentialsText, first.credentialsText);
});

test('prepareCredentials stores nothing for the memory backend', async (context) => {
  const directory = temporaryDirectory(context);
  const config = parseConfig('x', `[storage]\nbackend = "memory"\nbase_path = "${directory}/data"`);
  const credentials = await prepareCredentials(config, dataPaths(config), LOOPBACK);
  assert.ok(credentials.generated);
  assert.equal(credentials.file, undefined);
  assert.ok(!existsSync(join(directory, 'data')));
});

test('prepareCredentials does not make up for a file that the operator named', async (context) => {
  const directory = temporaryDirectory(context);
  const config = parseConfig('x', `[auth]\ncredentials_file = "${directory}/absent"`);
  await assert.rejects(prepareCredentials(config, dataPaths(config), LOOPBACK), {
    name: 'StartError',
    message: /^Cannot use the credentials in .*absent: ENOENT/,
  });
});

// Content, address, what the message says; undefined when the file is fine.
const FILES: readonly (readonly [string, typeof LOOPBACK, RegExp | undefined])[] = [
  ['# comment\n\nKEY:q8Zt4nVb1XcW0mRj6uHs\n', EVERYWHERE, undefined],
  ['minioadmin:minioadmin\n', LOOPBACK, undefined],
  ['minioadmin:minioadmin\n', EVERYWHERE, /minioadmin is too weak for 0\.0\.0\.0/],
  ['KEY:q8Zt4nVb1XcW0mRj6uHs\nadmin:password\n', EVERYWHERE, /admin is too weak/],
  ['no colon\n', LOOPBACK, /credentials:1: /],
  ['# nobody\n', LOOPBACK, /holds no key pair/],
];

for (const [text, address, problem] of FILES) {
  const verb = problem === undefined ? 'takes' : 'refuses';
  test(`readCredentials ${verb} ${JSON.stringify(text)} on ${address.host}`, (context) => {
    const file = join(temporaryDirectory(context), 'keys');
    writeFileSync(file, text);
    if (problem === undefined) assert.equal(readCredentials(file, address), text);
    else {
      assert.throws(
        () => readCredentials(file, address),
        (error: Error) => {
          assert.equal(error.name, 'StartError');
          assert.match(error.message, problem);
          assert.doesNotMatch(error.message, /q8Zt4nVb1XcW0mRj6uHs|password/);
          return true;
        },
      );
    }
  });
}
