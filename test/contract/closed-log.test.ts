// The reader of the log may go away, as at the end of a pipe. The server goes on without it.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { freePorts, isAlive, MAIN_FILE, waitFor } from '../support/server.js';

test('a server whose log nobody reads any more replaces a process, and ends when told to', async () => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-closed-log-'));
  const [port, adminPort] = await freePorts();
  const options = ['--data', directory, '--listen', `127.0.0.1:${port}`, '--processes', '1'];
  // A pipe, as between the programs of a shell; what spawn makes for itself is a socket.
  const pipe = join(directory, 'log');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(pipe, constants.O_WRONLY);
  const server = spawn(
    process.execPath,
    [MAIN_FILE, 'serve', ...options, '--admin', `127.0.0.1:${adminPort}`],
    { stdio: ['ignore', writer, 'ignore'], cwd: directory },
  );
  closeSync(writer);
  const ended = once(server, 'exit');
  const { pid = 0 } = server;
  const isReady = async (): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/_ready`, {
      signal: AbortSignal.timeout(1000),
    }).catch(() => undefined);
    return answer?.status === 200;
  };
  const serverPid = (): number | undefined =>
    childrenOf(pid).find((child) =>
      readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('server-0'),
    );
  try {
    await waitFor('the server to be ready', isReady);
    const victim = serverPid();
    assert(victim !== undefined);
    closeSync(reader);
    process.kill(victim, 'SIGKILL');
    await waitFor('the process to be gone', () => !isAlive(victim));
    await waitFor('a replacement', () => serverPid() !== undefined);
    await waitFor('the server to be ready again', isReady);
    server.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  } finally {
    for (const child of childrenOf(pid)) process.kill(child, 'SIGKILL');
    server.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  }
});

function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
