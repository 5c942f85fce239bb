/**
 * What a new user does: clone, `make run`, paste the printed command.
 *
 * With a PATH of the system's folders and Node's alone, an empty home, and npm's cache as the only
 * thing that is not new. What is cloned is the commit that is checked out.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { REPOSITORY } from '../support/repository.js';
import { freePorts, waitFor } from '../support/server.js';
import { absent } from '../support/workbench.js';

const INSTALL_MS_MAX = 10 * 60_000;
const NOT_A_CLONE = existsSync(join(REPOSITORY, '.git'))
  ? false
  : 'there is no repository to clone';

test(
  'make run on a fresh clone prints a key pair once, and a command that works',
  { skip: NOT_A_CLONE || absent('git') || absent('aws') },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 's3ish-fresh-'));
    const clone = join(directory, 's3ish');
    const home = join(directory, 'home');
    mkdirSync(home);
    const npmCache = spawnSync('npm', ['config', 'get', 'cache'], {
      encoding: 'utf8',
    }).stdout.trim();
    const registry = spawnSync('npm', ['config', 'get', 'registry'], {
      encoding: 'utf8',
    }).stdout.trim();
    const env = {
      PATH: `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${dirname(process.execPath)}`,
      HOME: home,
      LANG: 'C.UTF-8',
      npm_config_cache: npmCache,
      npm_config_registry: registry,
    };
    let server: ChildProcess | undefined;
    try {
      const cloned = spawnSync('git', ['clone', '-q', REPOSITORY, clone], { encoding: 'utf8' });
      assert.equal(cloned.status, 0, cloned.stderr);
      // The documented settings, on ports that are free here.
      const [port, adminPort] = await freePorts();
      const settings = readFileSync(join(clone, 's3ish.toml'), 'utf8')
        .replace('127.0.0.1:9000', `127.0.0.1:${port}`)
        .replace('127.0.0.1:9001', `127.0.0.1:${adminPort}`);
      writeFileSync(join(clone, 'test.toml'), settings);

      const start = async (): Promise<() => string> => {
        let output = '';
        const child = spawn('make', ['run', 'CONFIG=test.toml'], { cwd: clone, env });
        server = child;
        for (const stream of [child.stdout, child.stderr]) {
          stream.setEncoding('utf8').on('data', (text: string) => (output += text));
        }
        const ready = async (): Promise<boolean> => {
          assert.equal(child.exitCode, null, output);
          const url = `http://127.0.0.1:${adminPort}/_ready`;
          return (await fetch(url).catch(() => undefined))?.status === 200;
        };
        await waitFor('make run to serve', ready, INSTALL_MS_MAX);
        return () => output;
      };
      const stop = async (): Promise<void> => {
        if (server?.exitCode !== null || server.pid === undefined) return;
        const ended = once(server, 'exit');
        // make passes the signal on by itself only from a terminal: the server is its child.
        spawnSync('pkill', ['-TERM', '-P', String(server.pid)]);
        await ended;
      };

      const first = await start();
      assert.equal(first().match(/access key {2}\S+/g)?.length, 1);
      const command = /^ {2}(AWS_ACCESS_KEY_ID=.* aws .*)$/m.exec(first())?.[1];
      assert(command !== undefined, first());
      const pasted = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
      assert.equal(pasted.stdout.trim(), 'make_bucket: my-first-bucket', pasted.stderr);
      await stop();

      const second = await start();
      assert.doesNotMatch(second(), /access key|secret/i);
      const again = spawnSync('bash', ['-c', command.replace('mb s3://my-first-bucket', 'ls')], {
        encoding: 'utf8',
      });
      assert.match(again.stdout, / my-first-bucket$/m, again.stderr);
      await stop();
    } finally {
      if (server?.pid !== undefined && server.exitCode === null) {
        spawnSync('pkill', ['-KILL', '-P', String(server.pid)]);
        server.kill('SIGKILL');
      }
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
