/**
 * Objects of gigabytes: identical bytes, and no server process grows with them.
 *
 * One server process takes all connections, which is the worst case for its memory;
 * S3ISH_CLIENTS_FULL=1 adds four processes.
 */

import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { createReadStream, rmSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { after, before, suite, test } from 'node:test';

import { MAIN_FILE } from '../support/server.js';
import { absent, openWorkbench, type Workbench } from '../support/workbench.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const BIG_BYTES = 3 * GIB;
const SINGLE_BYTES = GIB;
const RESIDENT_BYTES_MAX = 300 * MIB;
/** The AWS CLI's. */
const PART_BYTES = 8 * MIB;

const skip = absent('aws') || absent('curl');

for (const processes of process.env['S3ISH_CLIENTS_FULL'] === '1' ? [1, 4] : [1]) {
  suite(`large objects, ${processes} process(es)`, { skip }, () => {
    let bench: Workbench;
    let big: string;
    let single: string;
    let bigDigest: string;
    let singleDigest: string;

    before(async () => {
      bench = await openWorkbench(`large, ${processes} process(es)`, { processes });
      big = bench.path('big.bin');
      single = bench.path('single.bin');
      bigDigest = await writeRandomFile(big, BIG_BYTES);
      singleDigest = await writeRandomFile(single, SINGLE_BYTES);
      await bench.aws('s3', 'mb', 's3://large-bucket');
    });
    after(() => bench.close());

    const presign = async (method: 'GET' | 'PUT', key: string): Promise<string> => {
      const config = ['--config', bench.server.configFile];
      const { stdout } = await bench.run(process.execPath, [
        MAIN_FILE,
        'presign',
        method,
        `s3://large-bucket/${key}`,
        ...config,
      ]);
      return stdout.trim();
    };

    test('aws s3 cp takes 3 GiB up in parts and back unchanged', async () => {
      const target = bench.path('down.bin');
      await bench.aws('s3', 'cp', '--no-progress', big, 's3://large-bucket/big');
      const { stdout } = await bench.aws(
        ...['s3api', 'head-object', '--bucket', 'large-bucket', '--key', 'big', '--output', 'json'],
      );
      const head = JSON.parse(stdout) as { ContentLength: number; ETag: string };
      assert.equal(head.ContentLength, BIG_BYTES);
      assert.match(head.ETag, new RegExp(`^"[0-9a-f]{32}-${BIG_BYTES / PART_BYTES}"$`));

      await bench.aws('s3', 'cp', '--no-progress', 's3://large-bucket/big', target);
      assert.equal(await fileDigest(target), bigDigest);
      rmSync(target);
    });

    test('curl puts 1 GiB in one request to a presigned URL, and gets it back unchanged', async () => {
      const upload = await presign('PUT', 'single');
      await bench.run('curl', ['-sS', '--fail-with-body', '--upload-file', single, upload]);
      const target = bench.path('down.bin');
      const download = await presign('GET', 'single');
      await bench.run('curl', ['-sS', '--fail-with-body', '--output', target, download]);
      assert.equal((await stat(target)).size, SINGLE_BYTES);
      assert.equal(await fileDigest(target), singleDigest);
      rmSync(target);
    });

    for (const [name, key, first, last] of [
      ['the first byte', 'big', 0, 0],
      ['across the border of two parts', 'big', PART_BYTES - 3, PART_BYTES + 70_000],
      ['several whole parts', 'big', 2 * GIB - 5, 2 * GIB + 3 * PART_BYTES],
      ['the last bytes', 'big', BIG_BYTES - 1000, BIG_BYTES - 1],
      ['of a single PUT', 'single', 500 * MIB + 1, 501 * MIB + 12_345],
    ] as const) {
      test(`curl reads a range: ${name}`, async () => {
        const target = bench.path('range.bin');
        const url = await presign('GET', key);
        const range = `${first}-${last}`;
        await bench.run('curl', ['-sS', '--fail', '--range', range, '--output', target, url]);
        const expected = await readSlice(key === 'big' ? big : single, first, last - first + 1);
        assert((await readSlice(target, 0, last - first + 2)).equals(expected));
      });
    }

    test('no process needed 300 MiB of memory for any of it', () => {
      const peaks = bench.memory.peaks();
      for (const [kind, { residentBytes, samplesCount }] of Object.entries(peaks)) {
        assert(samplesCount > 10, `${kind} was looked at ${samplesCount} times`);
        assert(residentBytes > MIB, `${kind} had ${residentBytes} bytes, which nothing runs in`);
        assert(residentBytes < RESIDENT_BYTES_MAX, `${kind} had ${residentBytes} bytes`);
      }
    });
  });
}

/** Writes bytes that do not compress, faster than the kernel's random device; their SHA-256. */
async function writeRandomFile(path: string, bytes: number): Promise<string> {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(PART_BYTES);
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  try {
    for (let written = 0; written < bytes; written += PART_BYTES) {
      const piece = cipher.update(zeros.subarray(0, Math.min(PART_BYTES, bytes - written)));
      hash.update(piece);
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: MIB })) {
    hash.update(piece as Buffer);
  }
  return hash.digest('hex');
}

/** Up to `bytes` from a position; fewer at the end of the file. */
async function readSlice(path: string, position: number, bytes: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
