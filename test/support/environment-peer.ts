/**
 * A process that has an index open and does with it what its parent asks, for tests of what holds
 * between processes. Ends when the channel closes.
 *
 * @module
 */

import { openLmdbEnvironment } from '#src/metadata/lmdb-environment.js';
import { S3Error } from '#src/s3/errors.js';

interface Question {
  readonly id: number;
  readonly write?: readonly [string, string];
  readonly read?: string;
  readonly create?: string;
  readonly next?: true;
}

const [, , path = ''] = process.argv;
const environment = openLmdbEnvironment({ path, isFsyncEnabled: true, epoch: undefined });

async function answerTo({ write, read, create, next }: Question): Promise<unknown> {
  if (write !== undefined) {
    const [key, value] = write;
    await environment.write((txn) => txn.put('objects', of(key), of(value)), undefined);
  }
  if (read !== undefined) {
    environment.refresh();
    const value = environment.get('objects', of(read));
    return value === undefined ? null : Buffer.from(value).toString('latin1');
  }
  if (create !== undefined) return createOnce(of(create));
  if (next === true) return environment.write((txn) => txn.nextSequence(), undefined);
  return null;
}

async function createOnce(key: Buffer): Promise<boolean> {
  try {
    await environment.write((txn) => {
      if (txn.get('objects', key) !== undefined) throw new S3Error('PreconditionFailed');
      txn.put('objects', key, Buffer.of(1));
    }, undefined);
    return true;
  } catch (error) {
    if (error instanceof S3Error) return false;
    throw error;
  }
}

function of(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

process.on('message', (question: Question) => {
  void answerTo(question).then((answer) => process.send?.({ id: question.id, answer }));
});
process.once('disconnect', () => void environment.close().then(() => process.exit(0)));
process.send?.('ready');
