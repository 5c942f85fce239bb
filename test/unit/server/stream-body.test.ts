import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { dismissStream, pumpStream } from '#src/server/stream-body.js';
import type { PieceSink } from '#src/server/stream-body.js';
import { StreamPlaces } from '#src/server/stream-places.js';

const A = Buffer.from('aaa');
const B = Buffer.from('bb');

/** Pieces, then an error if there is one; notes its calls. */
function streamOf(
  pieces: readonly Uint8Array[],
  calls: string[],
  failure?: Error,
): AsyncIterable<Uint8Array> {
  let index = 0;
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => {
      calls.push('next');
      const value = pieces[index];
      index += 1;
      if (value !== undefined) return Promise.resolve({ done: false, value });
      if (failure !== undefined) return Promise.reject(failure);
      return Promise.resolve({ done: true, value: undefined });
    },
    return: () => {
      calls.push('return');
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

function sinkOf(calls: string[], result: boolean | Promise<boolean> = true): PieceSink {
  let sentBytes = 0;
  return {
    get sentBytes() {
      return sentBytes;
    },
    writePiece: (piece) => {
      calls.push(`write ${Buffer.from(piece).toString()}`);
      sentBytes += piece.byteLength;
      return result;
    },
    forgetPiece: () => calls.push('forget') > 0,
  };
}

describe('pumpStream', () => {
  test('pumpStream writes each piece before it pulls the next, and pulls no more than it needs', async () => {
    const calls: string[] = [];
    const chunks = streamOf([A, new Uint8Array(0), B, A], calls);
    const sink = sinkOf(calls, Promise.resolve(true));
    assert.deepEqual(await pumpStream({ sizeBytes: 5, chunks }, sink, new StreamPlaces(1)), {
      end: 'sent',
    });
    assert.deepEqual(calls, ['next', 'write aaa', 'next', 'next', 'write bb', 'return']);
  });

  test('pumpStream stops and closes the stream when the peer is gone', async () => {
    for (const result of [false, Promise.resolve(false)]) {
      const calls: string[] = [];
      const chunks = streamOf([A, B], calls);
      assert.deepEqual(
        await pumpStream({ sizeBytes: 5, chunks }, sinkOf(calls, result), new StreamPlaces(1)),
        {
          end: 'gone',
        },
      );
      assert.deepEqual(calls, ['next', 'write aaa', 'return']);
    }
  });

  test('pumpStream reports a stream that throws, ends early or is too long', async () => {
    const failure = new Error('disk');
    const cases = [
      { chunks: streamOf([A], [], failure), reason: /disk/ },
      { chunks: streamOf([A], []), reason: /2 bytes short of 5/ },
      { chunks: streamOf([A, A], []), reason: /longer than the 5/ },
    ];
    for (const { chunks, reason } of cases) {
      const result = await pumpStream({ sizeBytes: 5, chunks }, sinkOf([]), new StreamPlaces(1));
      assert.equal(result.end, 'broken');
      assert.match(String(result.failure), reason);
    }
  });

  test('pumpStream reports a sink that throws, and closes the stream', async () => {
    const calls: string[] = [];
    const sink: PieceSink = {
      writePiece: () => {
        throw new Error('bad sink');
      },
      sentBytes: 0,
      forgetPiece: () => true,
    };
    const result = await pumpStream(
      { sizeBytes: 3, chunks: streamOf([A], calls) },
      sink,
      new StreamPlaces(1),
    );
    assert.equal(result.end, 'broken');
    assert.deepEqual(calls, ['next', 'return']);
  });

  test('pumpStream has sent everything even when closing the stream fails', async () => {
    const failure = new Error('close');
    const iterator: AsyncIterator<Uint8Array> = {
      next: () => Promise.resolve({ done: false, value: A }),
      return: () => Promise.reject(failure),
    };
    const chunks = { [Symbol.asyncIterator]: () => iterator };
    assert.deepEqual(await pumpStream({ sizeBytes: 3, chunks }, sinkOf([]), new StreamPlaces(1)), {
      end: 'sent',
      failure,
    });
  });

  test('dismissStream closes a stream without pulling it', async () => {
    const calls: string[] = [];
    await dismissStream({ sizeBytes: 3, chunks: streamOf([A], calls) });
    assert.deepEqual(calls, ['return']);
  });
});
