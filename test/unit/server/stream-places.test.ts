import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { pumpStream, type PieceSink } from '#src/server/stream-body.js';
import { StreamPlaces, type BlockedStream } from '#src/server/stream-places.js';

function streamNamed(name: string, calls: string[]): BlockedStream {
  return { giveUpPlace: () => calls.push(name) };
}

describe('StreamPlaces', () => {
  test('StreamPlaces takes the place of the stream that is blocked longest', () => {
    const calls: string[] = [];
    const places = new StreamPlaces(2);
    assert.equal(places.acquire(), true);
    assert.equal(places.acquire(), true);
    places.block(streamNamed('first', calls));
    places.block(streamNamed('second', calls));
    assert.equal(places.acquire(), true);
    assert.deepEqual(calls, ['first']);
  });

  test('StreamPlaces makes others wait while all make progress, first come first served', async () => {
    const calls: string[] = [];
    const places = new StreamPlaces(1);
    const holder = streamNamed('holder', calls);
    assert.equal(places.acquire(), true);
    const waiting = ['one', 'two'].map((name) =>
      Promise.resolve(places.acquire()).then(() => calls.push(name)),
    );
    assert.equal(places.isWanted, true);
    places.block(holder);
    await waiting[0];
    assert.deepEqual(calls, ['holder', 'one']);
    places.release();
    await waiting[1];
    places.release();
    assert.equal(places.acquire(), true);
  });

  test('StreamPlaces does not take from a stream whose client goes on', async () => {
    const calls: string[] = [];
    const places = new StreamPlaces(1);
    const holder = streamNamed('holder', calls);
    assert.equal(places.acquire(), true);
    places.block(holder);
    places.unblock(holder);
    const next = places.acquire();
    assert.notEqual(next, true);
    places.release();
    await next;
    assert.deepEqual(calls, []);
  });
});

describe('pumpStream with places', () => {
  const BYTES = Buffer.from('abcdefghijkl');

  /** Takes pieces of four bytes: half of each at once, the rest when `drain` is called. */
  function slowSink() {
    const taken: Uint8Array[] = [];
    let sentBytes = 0;
    let resolve: ((isTaken: boolean) => void) | undefined;
    let rest: Uint8Array | undefined;
    const take = (piece: Uint8Array): void => {
      taken.push(Buffer.from(piece));
      sentBytes += piece.byteLength;
    };
    const sink: PieceSink = {
      get sentBytes() {
        return sentBytes;
      },
      writePiece: (piece) => {
        take(piece.subarray(0, 2));
        rest = piece.subarray(2);
        return new Promise((settle) => (resolve = settle));
      },
      forgetPiece: () => {
        rest = undefined;
        return true;
      },
    };
    const drain = (): void => {
      if (rest !== undefined) take(rest);
      rest = undefined;
      resolve?.(true);
    };
    return { sink, taken, drain };
  }

  function bodyOf(opened: number[]) {
    const from = async function* (offset: number): AsyncGenerator<Uint8Array> {
      opened.push(offset);
      for (let start = offset; start < BYTES.length; start += 4) {
        yield Promise.resolve(BYTES.subarray(start, start + 4));
      }
    };
    return { sizeBytes: BYTES.length, chunks: from(0), resume: from };
  }

  test('pumpStream gives up its blocks when another stream wants the place, and goes on where it was', async () => {
    const opened: number[] = [];
    const places = new StreamPlaces(1);
    const { sink, taken, drain } = slowSink();
    const sent = pumpStream(bodyOf(opened), sink, places);
    await new Promise(setImmediate);
    // Another stream takes the place of the blocked one and leaves again.
    assert.equal(places.acquire(), true);
    places.release();
    const state = { isDone: false };
    void sent.then(() => (state.isDone = true));
    while (!state.isDone) {
      drain();
      await new Promise(setImmediate);
    }
    assert.deepEqual(await sent, { end: 'sent' });
    assert.equal(Buffer.concat(taken).toString(), BYTES.toString());
    assert.deepEqual(opened, [0, 2], 'read again from the first byte that was not taken');
    assert.equal(places.acquire(), true, 'the place is free at the end');
  });

  test('pumpStream keeps its place when nobody wants it', async () => {
    const opened: number[] = [];
    const { sink, drain } = slowSink();
    const sent = pumpStream(bodyOf(opened), sink, new StreamPlaces(1));
    const state = { isDone: false };
    void sent.then(() => (state.isDone = true));
    while (!state.isDone) {
      await new Promise(setImmediate);
      drain();
    }
    assert.deepEqual(opened, [0]);
  });
});
