// A process that is killed inside LMDB, when its commit is in the file but nobody has been told: the
// commit comes to light when somebody else takes the lock for writing. Until then the sweeper must not
// take what it published for something that never was.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkStore } from '#src/maintenance/check-store.js';

import { CallShim, whyNoCallShim } from '../support/call-shim.js';
import { rawRequest, type RawReply } from '../support/raw-request.js';
import { reportFigure } from '../support/reliability.js';
import { isAlive, startServer, waitFor, type TestServer } from '../support/server.js';
import { logLines } from './log-lines.js';
import { CRASH_SETTINGS } from './rounds.js';

const PATH = '/unseen/key';
const BLOB_BYTES = 100_000;

const reason = whyNoCallShim();
const skip = reason === undefined ? false : `NOT TESTED: ${reason}`;
if (reason !== undefined) {
  process.stderr.write(`NOT TESTED: kills between a commit and its announcement: ${reason}\n`);
}

for (const victim of ['server', 'writer'] as const) {
  const indexWriter = victim === 'writer' ? 'process' : 'each';
  test(
    `a commit whose ${victim} is killed after any write to the index keeps its payload`,
    { skip },
    async (context) => {
      const shim = CallShim.compile();
      const cluster = { index_writer: indexWriter };
      const settings = { ...CRASH_SETTINGS, cluster };
      const server = await startServer({ settings, env: shim.environment });
      try {
        assert.equal((await rawRequest(server, { method: 'PUT', path: '/unseen' })).status, 200);
        let killCount = 0;
        for (let point = 1; await killAfter(server, shim, victim, point); point += 1)
          killCount += 1;
        assert(killCount >= 2, 'pages and the meta page');
        reportFigure('P-01', {
          what: `kills of a ${victim} right after a write to the index`,
          figure: `${killCount} kills, each object the old or the new one, whole`,
          faultCount: killCount,
        });
      } catch (error) {
        context.diagnostic(logLines(server));
        throw error;
      } finally {
        await server.stop();
        shim.remove();
      }
    },
  );
}

/** @returns false when there were fewer writes. */
async function killAfter(
  server: TestServer,
  shim: CallShim,
  victim: 'server' | 'writer',
  point: number,
): Promise<boolean> {
  const before = Buffer.alloc(BLOB_BYTES, 'before');
  const after = Buffer.alloc(BLOB_BYTES, `after ${point} `);
  await waitFor('a server that writes', async () => {
    const put = rawRequest(server, { method: 'PUT', path: PATH, body: before });
    return (await put.catch(() => undefined))?.status === 200;
  });
  const [pid] = server.childPids(victim);
  const [serverPid] = server.childPids('server');
  assert(pid !== undefined && serverPid !== undefined);
  const path = `${server.metadataPath}/data.mdb`;
  shim.arm({ pid, signal: 'SIGKILL', point, path, isAfter: true });
  const put = rawRequest(server, { method: 'PUT', path: PATH, body: after });
  const answer = await put.catch(() => undefined);
  shim.disarm();
  if (shim.fired() === undefined) return false;
  await waitFor('the victim to be gone', () => !isAlive(pid));
  // With a writer the blob waits for its server to end before anybody sweeps it.
  if (victim === 'writer') process.kill(serverPid, 'SIGKILL');
  let read: RawReply | undefined;
  await waitFor('the replacement', async () => {
    const gone = victim === 'writer' ? [pid, serverPid] : [pid];
    if (gone.some(isAlive)) return false;
    read = await rawRequest(server, { method: 'GET', path: PATH }).catch(() => undefined);
    return read !== undefined;
  });
  assert(read !== undefined);
  const { status, body } = read;
  assert.equal(status, 200, `after write ${point}`);
  if (answer?.status === 200) assert.ok(body.equals(after), 'what was acknowledged');
  assert.ok(body.equals(before) || body.equals(after), `whole after write ${point}`);
  const findings: unknown[] = [];
  await checkStore({
    ...{ basePath: server.dataPath, metadataPath: server.metadataPath },
    ...{ isOnline: true, isDataVerified: true },
    onFinding: (finding) => findings.push(finding),
  });
  assert.deepEqual(findings, []);
  return true;
}
