import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import filePromises, { open, type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import type { BlobStore } from '#src/blobs/blob-store.js';
import { openPlainBlobs } from '#src/blobs/plain-blobs.js';

interface Fixture {
  readonly basePath: string;
  readonly blobs: BlobStore;
}

async function plainBlobs(context: TestContext): Promise<Fixture> {
  const basePath = mkdtempSync(join(tmpdir(), 's3ish-blobs-'));
  context.after(() => rmSync(basePath, { recursive: true, force: true }));
  const options = { basePath, isFsyncEnabled: false, incarnation: 'first' };
  return { basePath, blobs: await openPlainBlobs(options) };
}

function location(digit: string) {
  return { bucket: 'bucket', key: 'key', blobId: digit.repeat(32) };
}

async function stageBlob({ blobs }: Fixture, digit: string, text: string) {
  const writer = await blobs.stage(location(digit), undefined);
  await writer.write(Buffer.from(text));
  return writer;
}

/** First digits of the blobs on disk, `*` behind those that are staged. */
async function walked({ blobs }: Fixture): Promise<string[]> {
  const ids: string[] = [];
  for await (const blob of blobs.walk()) {
    ids.push(`${blob.blobId.slice(0, 1)}${(await blob.isStaged()) ? '*' : ''}`);
  }
  return ids.sort();
}

/** Lets every write of a file take at most `bytesMax`, as a nearly full disk does. */
async function shortenWrites(context: TestContext, bytesMax: number): Promise<void> {
  const probe = await open('/dev/null');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  type Write = (
    bytes: Uint8Array,
    start: number,
    length: number,
  ) => ReturnType<FileHandle['write']>;
  const write = prototype.write as unknown as Write;
  const writeSome = function (this: FileHandle, bytes: Uint8Array, start = 0) {
    return write.call(this, bytes, start, Math.min(bytesMax, bytes.byteLength - start));
  };
  context.mock.method(prototype, 'write', writeSome as never);
  context.mock.method(prototype, 'writev', function (this: FileHandle, pieces: Uint8Array[]) {
    return writeSome.call(this, Buffer.concat(pieces));
  } as never);
}

test('PlainBlobs writes everything however little each write takes', async (context) => {
  const fixture = await plainBlobs(context);
  await shortenWrites(context, 3);
  const writer = await stageBlob(fixture, 'a', 'more than six bytes');
  const layout = await writer.seal(() => '{}');
  await writer.keep();
  const reader = await fixture.blobs.open(location('a'), layout);
  let text = '';
  for await (const piece of reader.read(0, layout.sizeBytes)) text += Buffer.from(piece).toString();
  reader.close();
  assert.equal(text, 'more than six bytes');
});

test('PlainBlobs.walk tells what is still being written or committed', async (context) => {
  const fixture = await plainBlobs(context);
  const sidecar = (): string => JSON.stringify({ key: 'key' });
  const kept = await stageBlob(fixture, 'a', 'kept');
  await kept.seal(sidecar);
  await kept.keep();
  const sealed = await stageBlob(fixture, 'b', 'sealed, about to be committed');
  await sealed.seal(sidecar);
  await stageBlob(fixture, 'c', 'being received');
  assert.deepEqual(await walked(fixture), ['a', 'b*', 'c*']);
  await sealed.keep();
  assert.deepEqual(await walked(fixture), ['a', 'b', 'c*']);
});

test('PlainBlobs.walk finds blobs that lost their sidecar and can remove them', async (context) => {
  const fixture = await plainBlobs(context);
  for (const [digit, text] of [
    ['a', '{"key":'],
    ['b', ''],
    ['c', JSON.stringify({ key: 'key' })],
  ] as const) {
    const writer = await stageBlob(fixture, digit, 'payload');
    await writer.seal(() => text);
    await writer.keep();
  }
  rmSync(join(pathOf(fixture, 'b'), 'metadata.json'));
  assert.deepEqual(await walked(fixture), ['a', 'b', 'c']);
  for await (const blob of fixture.blobs.walk()) await blob.remove();
  assert.deepEqual(readdirSync(join(fixture.basePath, 'bucket'), { recursive: true }), []);
});

test('PlainBlobs.remove takes the directory with everything in it', async (context) => {
  const fixture = await plainBlobs(context);
  const writer = await stageBlob(fixture, 'a', 'payload');
  await writer.seal(() => '{}');
  await writer.keep();
  writeFileSync(join(pathOf(fixture, 'a'), 'foreign'), 'left here by somebody');
  await fixture.blobs.remove(location('a'));
  assert.deepEqual(readdirSync(join(fixture.basePath, 'bucket'), { recursive: true }), []);
});

function pathOf({ basePath }: Fixture, digit: string): string {
  const names = readdirSync(join(basePath, 'bucket'), { recursive: true }).map(String);
  const name = names.find((one) => one.endsWith(digit.repeat(32)));
  assert(name !== undefined);
  return join(basePath, 'bucket', name);
}

test('stage makes directories again when one was just removed', async (context) => {
  const fixture = await plainBlobs(context);
  const { mkdir } = filePromises;
  let failuresLeft = 3;
  const failAtFirst = (...args: Parameters<typeof mkdir>): Promise<unknown> => {
    failuresLeft -= 1;
    if (failuresLeft < 0) return mkdir(...args);
    return Promise.reject(Object.assign(new Error('ENOENT'), { code: 'ENOENT' }));
  };
  context.mock.method(filePromises, 'mkdir', failAtFirst as never);
  syncBuiltinESMExports();
  context.after(() => {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  });
  await stageBlob(fixture, 'a', 'text');
  assert.deepEqual(await walked(fixture), ['a*']);
});

test('stage gives up on a file where a directory should be', async (context) => {
  const fixture = await plainBlobs(context);
  writeFileSync(join(fixture.basePath, 'bucket'), '');
  await assert.rejects(stageBlob(fixture, 'a', 'text'), { code: 'ENOTDIR' });
});

test('removing a blob goes on where a killed process stopped between two directories', async (context) => {
  const fixture = await plainBlobs(context);
  const { basePath, blobs } = fixture;
  const writer = await stageBlob(fixture, '1', 'bytes');
  await writer.seal(() => '{}');
  await writer.keep();
  const [fanOut = ''] = readdirSync(join(basePath, 'bucket'));
  rmSync(join(basePath, 'bucket', fanOut, 'key'), { recursive: true });
  assert.deepEqual(readdirSync(join(basePath, 'bucket')), [fanOut]);
  await blobs.remove(location('1'));
  assert.deepEqual(readdirSync(join(basePath, 'bucket')), []);
});
