// A server process that is stopped while it holds the write lock of the index, which blocks the
// writes of every other process until the primary notices that it hangs and replaces it.
//
// S3ISH_HANGS sets how often.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

import { CallShim, whyNoCallShim } from '../support/call-shim.js';
import { reportFigure } from '../support/reliability.js';
import { withClient } from '../support/s3-client.js';
import { isAlive, startServer, waitFor, type TestServer } from '../support/server.js';
import { logLines } from './log-lines.js';

const HANGS = Number(process.env['S3ISH_HANGS'] ?? 1);
const BUCKET = 'hangs';
const WRITERS = 8;
/** The promise says ten seconds; a slow machine gets ten times as long. */
const REPLACED_MS_MAX = 100_000;

const reason = whyNoCallShim();
const skip = reason === undefined ? false : `NOT TESTED: ${reason}`;
if (reason !== undefined) {
  process.stderr.write(`NOT TESTED: processes that hang: ${reason}\n`);
}

test(`a server process that hangs is replaced (${HANGS} times)`, { skip }, async (context) => {
  const shim = CallShim.compile();
  const server = await startServer({ processes: 2, env: shim.environment });
  try {
    await withClient(server, (client) => client.send(new CreateBucketCommand({ Bucket: BUCKET })));
    const blockedMs: number[] = [];
    for (let count = 0; count < HANGS; count += 1) blockedMs.push(await hang(server, shim));
    const longest = (Math.max(...blockedMs) / 1000).toFixed(1);
    reportFigure('P-30', {
      what: 'SIGSTOP of a server process that holds the write lock of the index',
      figure: `${HANGS} processes stopped and replaced, writes of others waited ${longest} s at most`,
      faultCount: HANGS,
    });
  } catch (error) {
    context.diagnostic(logLines(server));
    throw error;
  } finally {
    await server.stop();
    shim.remove();
  }
});

/** @returns how long no write of anybody was acknowledged. */
async function hang(server: TestServer, shim: CallShim): Promise<number> {
  const [victim = 0, survivor = 0] = server.childPids('server');
  let isDone = false;
  let lastMs = performance.now();
  let longestMs = 0;
  // New connections all the time: each lands on one of the processes.
  const write = async (index: number): Promise<void> => {
    while (!isDone) {
      await withClient(server, (client) => put(client, `key-${index}`)).then(
        () => {
          longestMs = Math.max(longestMs, performance.now() - lastMs);
          lastMs = performance.now();
        },
        // Those of the victim break when it is killed.
        () => sleep(10),
      );
    }
  };
  const writers = Array.from({ length: WRITERS }, (_, index) => write(index));
  // Between the write of the pages and their flush the lock is held.
  const path = `${server.dataPath}/.s3ish/metadata/data.mdb`;
  shim.arm({ pid: victim, signal: 'SIGSTOP', point: 1, path, call: 'fdatasync' });
  try {
    await waitFor('the victim to be stopped', () => shim.fired() !== undefined);
    const stoppedMs = lastMs;
    shim.disarm();
    await waitFor('the victim to be killed', () => !isAlive(victim), REPLACED_MS_MAX);
    await waitFor('a replacement', async () => {
      if (server.childPids('server').length < 2) return false;
      return (await fetch(`${server.adminEndpoint}/_ready`)).status === 200;
    });
    await waitFor('writes to go on', () => lastMs > stoppedMs);
  } finally {
    isDone = true;
    // Only when the test fails: connections to a stopped process would never end.
    if (isAlive(victim)) process.kill(victim, 'SIGKILL');
  }
  await Promise.all(writers);
  assert(isAlive(survivor), 'nobody is killed for waiting on the one that hangs');
  return longestMs;
}

async function put(client: S3Client, key: string): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: 'value' }));
}
