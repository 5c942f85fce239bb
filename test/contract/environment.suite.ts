/**
 * The contract of a metadata index, run on each implementation: the numbered invariants of
 * `src/metadata/environment.ts`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';

import type { Entry, Environment, WriteView } from '#src/metadata/environment.js';
import { KEY_BYTES_MAX } from '#src/metadata/keys.js';
import { decodeObject } from '#src/metadata/records.js';
import { S3Error } from '#src/s3/errors.js';

/** Opens an empty index; `dispose` closes it and removes what it left. */
export type OpenEnvironment = () => Promise<{
  readonly environment: Environment;
  readonly dispose: () => Promise<void>;
}>;

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const EVERYTHING = { start: Buffer.of(0), end: Buffer.of(0xff), countMax: 1000 };

/** The value of a key in `objects`, as text. */
export function valueOf(environment: Pick<Environment, 'get'>, key: string): string | undefined {
  const value = environment.get('objects', bytes(key));
  return value && Buffer.from(value).toString('latin1');
}

export function putText(txn: WriteView, [key, value]: readonly [string, string]): void {
  txn.put('objects', bytes(key), bytes(value));
}

function textsOf(entries: readonly Entry[]): string[] {
  return entries.map(({ key, value }) => {
    return `${Buffer.from(key).toString('latin1')}=${Buffer.from(value).toString('latin1')}`;
  });
}

export function environmentSuite(name: string, openEnvironment: OpenEnvironment): void {
  describe(`Environment on ${name}`, () => {
    let environment: Environment;
    let dispose: () => Promise<void>;
    beforeEach(async () => ({ environment, dispose } = await openEnvironment()));
    afterEach(() => dispose());
    /** What is written while this is under way shares the next batch. */
    const nothingFirst = (): Promise<void> =>
      environment.write(() => undefined, undefined).catch(() => undefined);

    test('1: a write is visible when it resolves', async () => {
      assert.equal(await environment.write(() => 'output', undefined), 'output');
      await environment.write(putText, ['key', 'value'] as const);
      environment.refresh();
      assert.equal(valueOf(environment, 'key'), 'value');
      await environment.write((txn, key) => txn.remove('objects', key), bytes('key'));
      environment.refresh();
      assert.equal(valueOf(environment, 'key'), undefined);
    });

    test('1: tables are separate', async () => {
      await environment.write(putText, ['key', 'value'] as const);
      environment.refresh();
      assert.equal(environment.get('versions', bytes('key')), undefined);
      assert.deepEqual(environment.range('versions', EVERYTHING), []);
    });

    test('2: an action sees its own writes and those before it in its batch', async () => {
      const first = environment.write(putText, ['a', '1'] as const);
      const second = environment.write((txn) => {
        putText(txn, ['b', '2']);
        txn.put('objects', bytes('c'), bytes('3'));
        txn.remove('objects', bytes('c'));
        return [valueOf(txn, 'a'), valueOf(txn, 'b'), ...textsOf(txn.range('objects', EVERYTHING))];
      }, undefined);
      await first;
      assert.deepEqual(await second, ['1', '2', 'a=1', 'b=2']);
    });

    test('2: a refused action leaves the others of its batch alone', async () => {
      const results = await Promise.allSettled([
        environment.write(putText, ['a', '1'] as const),
        environment.write(() => {
          throw new S3Error('NoSuchKey', { Key: 'a' });
        }, undefined),
        environment.write(putText, ['b', '2'] as const),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      const { code, details } = (results[1] as PromiseRejectedResult).reason as S3Error;
      assert.deepEqual([code, details], ['NoSuchKey', { Key: 'a' }]);
      environment.refresh();
      assert.deepEqual(textsOf(environment.range('objects', EVERYTHING)), ['a=1', 'b=2']);
    });

    test('2: a record that cannot be read is no matter of the others of its batch', async () => {
      await environment.write(putText, ['damaged', 'no record'] as const);
      const results = await Promise.allSettled([
        environment.write(putText, ['a', '1'] as const),
        environment.write((txn) => {
          decodeObject(txn.get('objects', bytes('damaged')) ?? bytes(''));
          putText(txn, ['damaged', 'changed']);
        }, undefined),
        environment.write(putText, ['b', '2'] as const),
      ]);
      assert.deepEqual(
        results.map((result) => result.status === 'rejected' && (result.reason as Error).name),
        [false, 'DamagedRecordError', false],
      );
      environment.refresh();
      const left = textsOf(environment.range('objects', EVERYTHING));
      assert.deepEqual(left, ['a=1', 'b=2', 'damaged=no record']);
    });

    for (const [what, write] of [
      ['put', (txn: WriteView) => putText(txn, ['b', '2'])],
      ['remove', (txn: WriteView) => txn.remove('objects', bytes('a'))],
      ['nextSequence', (txn: WriteView) => void txn.nextSequence()],
    ] as const) {
      test(`2: a refusal after ${what} is a bug, and nothing of the batch is applied`, async () => {
        await environment.write(putText, ['a', '1'] as const);
        const sequence = environment.lastSequence();
        const first = nothingFirst();
        const results = await Promise.allSettled([
          environment.write(putText, ['other', 'x'] as const),
          environment.write((txn) => {
            write(txn);
            throw new S3Error('NoSuchKey');
          }, undefined),
        ]);
        assert.deepEqual(
          results.map((result) => result.status === 'rejected' && (result.reason as Error).name),
          ['AssertionError', 'AssertionError'],
        );
        environment.refresh();
        assert.deepEqual(textsOf(environment.range('objects', EVERYTHING)), ['a=1']);
        assert.equal(environment.lastSequence(), sequence);
        await first;
      });
    }

    test('2: a fault undoes all of its batch, and the next write succeeds', async () => {
      await environment.write(putText, ['a', '1'] as const);
      const first = nothingFirst();
      const results = await Promise.allSettled([
        environment.write(putText, ['a', 'changed'] as const),
        environment.write((txn) => {
          putText(txn, ['b', '2']);
          txn.remove('objects', bytes('a'));
          txn.nextSequence();
          throw new Error('not foreseen');
        }, undefined),
      ]);
      for (const result of results) {
        assert.match(String((result as PromiseRejectedResult).reason), /not foreseen/);
      }
      environment.refresh();
      assert.deepEqual(textsOf(environment.range('objects', EVERYTHING)), ['a=1']);
      assert.equal(await environment.write((txn) => txn.nextSequence(), undefined), 1);
      await first;
    });

    test('2: many more actions than fit one batch are applied in the order they came', async () => {
      const order: number[] = [];
      await Promise.all(
        Array.from({ length: 700 }, (_, index) =>
          environment.write((txn) => {
            order.push(index);
            putText(txn, [String(index).padStart(4, '0'), 'x']);
          }, undefined),
        ),
      );
      assert.deepEqual(
        order,
        Array.from({ length: 700 }, (_, index) => index),
      );
      environment.refresh();
      assert.equal(environment.range('objects', EVERYTHING).length, 700);
    });

    test('2: numbers of writes ascend without a gap', async () => {
      const next = (txn: WriteView): number => txn.nextSequence();
      const numbers = await Promise.all([1, 2, 3].map(() => environment.write(next, undefined)));
      assert.deepEqual(numbers, [1, 2, 3]);
      environment.refresh();
      assert.equal(environment.lastSequence(), 3);
    });

    test('3: ranges are in byte order, from the start, below the end, at most so many', async () => {
      const keys = ['\u0001', 'a', 'a\u0001', 'aa', 'b', 'z', '\u007f', '\u0080', '\u00fe'];
      for (const key of [...keys].reverse()) await environment.write(putText, [key, 'x'] as const);
      environment.refresh();
      const keysIn = (start: string, end: string, countMax = 100): string[] =>
        environment
          .range('objects', { start: bytes(start), end: bytes(end), countMax })
          .map(({ key }) => Buffer.from(key).toString('latin1'));
      assert.deepEqual(keysIn('\u0000', '\u00ff'), keys);
      assert.deepEqual(keysIn('a', 'b'), ['a', 'a\u0001', 'aa']);
      assert.deepEqual(keysIn('a\u0000', 'aa\u0000'), ['a\u0001', 'aa']);
      assert.deepEqual(keysIn('\u0000', '\u00ff', 2), keys.slice(0, 2));
      assert.deepEqual(keysIn('\u0000', '\u00ff', 0), []);
      assert.deepEqual(keysIn('b', 'a'), []);
      assert.deepEqual(keysIn('c', 'd'), []);
    });

    test('3: entries of a range belong to the caller', async () => {
      await environment.write(putText, ['a', '1'] as const);
      await environment.write(putText, ['b', '2'] as const);
      environment.refresh();
      const entries = environment.range('objects', EVERYTHING);
      valueOf(environment, 'b');
      assert.deepEqual(textsOf(entries), ['a=1', 'b=2']);
      entries[0]?.value.fill(0);
      assert.equal(valueOf(environment, 'a'), '1');
    });

    test('3: what was put stays although the caller reuses its buffers', async () => {
      const key = bytes('key');
      const value = bytes('value');
      await environment.write((txn) => {
        txn.put('objects', key, value);
        key.fill(0x7a);
        value.fill(0x7a);
      }, undefined);
      environment.refresh();
      assert.equal(valueOf(environment, 'key'), 'value');
    });

    test('3: values may be empty or large', async () => {
      for (const length of [0, 1, 4096, 300_000]) {
        await environment.write(putText, ['key', 'v'.repeat(length)] as const);
        environment.refresh();
        assert.equal(valueOf(environment, 'key')?.length, length);
      }
    });

    test('4: a key of 1978 bytes is stored, a longer one is refused', async () => {
      const longest = 'k'.repeat(KEY_BYTES_MAX);
      await environment.write(putText, [longest, 'x'] as const);
      environment.refresh();
      assert.equal(valueOf(environment, longest), 'x');
      await assert.rejects(environment.write(putText, [`${longest}k`, 'x'] as const), {
        name: 'AssertionError',
      });
    });

    test('4: reads may ask for longer keys', async () => {
      const longest = 'k'.repeat(KEY_BYTES_MAX);
      await environment.write(putText, [longest, 'x'] as const);
      environment.refresh();
      const count = (start: string, end: string): number =>
        environment.range('objects', { start: bytes(start), end: bytes(end), countMax: 9 }).length;
      assert.equal(valueOf(environment, `${longest}k`), undefined);
      assert.equal(count(`${longest}k`, 'z'), 0, 'the key is below the start');
      assert.equal(count('a', `${longest}k`), 1, 'the key is below the end');
      assert.equal(count('k'.repeat(5000), 'z'), 0);
    });

    test('close finishes what was queued', async () => {
      const written = environment.write(putText, ['a', '1'] as const);
      await environment.close();
      await written;
    });
  });
}
