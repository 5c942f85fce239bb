import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';

import { HashPool } from '#src/compute/hash-pool.js';
import { HashLaneState } from '#src/compute/hash-task.js';
import type { StreamHash } from '#src/util/stream-hash.js';
import { waitFor } from '../../support/server.js';

const MIB = 1024 ** 2;
const SIZE_MIN = MIB;
const BYTES = randomBytes(5 * MIB + 12_345);

async function update(hash: StreamHash, bytes: Uint8Array, pieceBytes: number): Promise<void> {
  for (let start = 0; start < bytes.byteLength; start += pieceBytes) {
    // Its memory is used again, as that of a request is.
    const piece = Buffer.from(bytes.subarray(start, start + pieceBytes));
    await hash.update(piece);
    piece.fill(0);
  }
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** A pool with a thread that has started. */
async function openPool(context: TestContext): Promise<HashPool> {
  const faults: unknown[] = [];
  const pool = new HashPool({
    ...{ threadsCount: 1, bodyBytesMin: SIZE_MIN },
    onFault: (fault) => faults.push(fault),
  });
  context.after(async () => {
    await pool.close();
    assert.deepEqual(faults, []);
  });
  await waitFor('a thread', async () => {
    const hash = pool.open('md5', SIZE_MIN);
    await hash.update(BYTES.subarray(0, 1000));
    assert.equal(await hash.finish(), md5(BYTES.subarray(0, 1000)));
    return pool.pooledCount > 0;
  });
  return pool;
}

describe('HashPool', () => {
  test('HashPool gives the hash of a body whatever its pieces', async (context) => {
    const pool = await openPool(context);
    const before = pool.pooledCount;
    const sizes = [0, 1, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1, 3 * 512 * 1024, BYTES.length];
    let bodiesCount = 0;
    for (const sizeBytes of sizes) {
      for (const pieceBytes of [999, 65_536, 512 * 1024, 2 * MIB]) {
        const hash = pool.open('md5', SIZE_MIN);
        const bytes = BYTES.subarray(0, sizeBytes);
        await update(hash, bytes, pieceBytes);
        assert.equal(await hash.finish(), md5(bytes), `${sizeBytes} bytes by ${pieceBytes}`);
        bodiesCount += 1;
      }
    }
    assert.equal(pool.pooledCount, before + bodiesCount);
  });

  test('HashPool hashes inline what is small, and what finds no free thread', async (context) => {
    const pool = await openPool(context);
    const before = pool.pooledCount;
    const hashes = [SIZE_MIN, SIZE_MIN, SIZE_MIN - 1].map((bytes) => pool.open('md5', bytes));
    assert.equal(pool.pooledCount, before + 1);
    await Promise.all(hashes.map((hash, index) => update(hash, BYTES, 70_000 + index)));
    for (const hash of hashes) assert.equal(await hash.finish(), md5(BYTES));
  });

  test('A body that was given up leaves its thread to the next', async (context) => {
    const pool = await openPool(context);
    const before = pool.pooledCount;
    for (let round = 0; round < 20; round += 1) {
      const lost = pool.open('md5', SIZE_MIN);
      await update(lost, BYTES.subarray(0, round * 100_000), 65_536);
      lost.abandon();
      lost.abandon();
      await waitFor('the thread', async () => {
        const count = pool.pooledCount;
        const hash = pool.open('md5', SIZE_MIN);
        await update(hash, BYTES, 300_000);
        assert.equal(await hash.finish(), md5(BYTES));
        return pool.pooledCount > count;
      });
    }
    assert.ok(pool.pooledCount >= before + 40);
  });

  test('HashPool without threads hashes everything inline', async () => {
    const pool = new HashPool({ threadsCount: 0, bodyBytesMin: 1, onFault: () => assert.fail() });
    const hash = pool.open('md5', BYTES.length);
    await update(hash, BYTES, MIB);
    assert.equal(await hash.finish(), md5(BYTES));
    assert.equal(pool.pooledCount, 0);
    await pool.close();
  });
});

test('HashLaneState refuses batches of a body it does not know, and batches out of order', () => {
  const task = { name: 'md5', bytes: Buffer.from('a'), isLast: false } as const;
  const lane = new HashLaneState();
  assert.throws(() => lane.run({ ...task, bodyId: 1, index: 1 }), /a lane knows its body/);
  lane.run({ ...task, bodyId: 1, index: 0 });
  assert.throws(() => lane.run({ ...task, bodyId: 2, index: 1 }), /a lane knows its body/);
  assert.throws(() => lane.run({ ...task, bodyId: 1, index: 2 }), /in order/);
  lane.run({ ...task, bodyId: 1, index: 1 });
  const digest = lane.run({ ...task, bodyId: 1, index: 2, isLast: true });
  assert.equal(digest, md5(Buffer.from('aaa')));
});
