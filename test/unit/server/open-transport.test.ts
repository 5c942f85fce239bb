/**
 * The library is taken away in a child process, by a loader hook that knows no `uWebSockets.js`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { openTransport } from '#src/server/open-transport.js';
import type { TransportChoice } from '#src/server/open-transport.js';

const HOOK = `export async function resolve(specifier, context, next) {
  if (specifier === 'uWebSockets.js') throw new Error('no binary for this platform');
  return next(specifier, context);
}`;

/** Opens in the child; prints the name of the transport, or the error, and the warnings. */
function script(choice: TransportChoice): string {
  const module = import.meta.resolve('#src/server/open-transport.js');
  return `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(HOOK)}));
    const { openTransport } = await import(${JSON.stringify(module)});
    const warnings = [];
    const options = {
      host: '127.0.0.1', port: 0, readTimeoutMs: 1000, writeTimeoutMs: 1000, idleTimeoutMs: 1000,
      handler: async () => {}, onFault: () => {}, choice: ${JSON.stringify(choice)},
      onWarning: (message) => warnings.push(message),
    };
    const name = await openTransport(options).then(
      (transport) => transport.name,
      (error) => error.message + ' / ' + error.cause.message,
    );
    console.log(JSON.stringify({ name, warnings }));`;
}

async function openWithoutLibrary(
  choice: TransportChoice,
): Promise<{ name: string; warnings: string[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    script(choice),
  ]);
  return JSON.parse(stdout) as { name: string; warnings: string[] };
}

test('openTransport falls back to node with a warning when no binary loads', async () => {
  const { name, warnings } = await openWithoutLibrary('auto');
  assert.equal(name, 'node');
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /uWebSockets\.js does not load .*no binary for this platform/);
});

test('openTransport insists on uws when that was chosen', async () => {
  const { name, warnings } = await openWithoutLibrary('uws');
  assert.match(name, /^Cannot load uWebSockets\.js on .* \/ no binary for this platform$/);
  assert.deepEqual(warnings, []);
});

test('openTransport does not load the library for node', async () => {
  assert.deepEqual(await openWithoutLibrary('node'), { name: 'node', warnings: [] });
});

test('openTransport prefers uws, with room for 32 KiB of headers', async () => {
  const transport = await openTransport({
    host: '127.0.0.1',
    port: 0,
    readTimeoutMs: 1000,
    writeTimeoutMs: 1000,
    idleTimeoutMs: 1000,
    handler: () => Promise.resolve(),
    onFault: unexpected,
    choice: 'auto',
    onWarning: unexpected,
  });
  assert.equal(transport.name, 'uws');
  assert.equal(process.env['UWS_HTTP_MAX_HEADERS_SIZE'], '32768');
  transport.close();
});

function unexpected(what: unknown): void {
  throw new Error('Unexpected', { cause: what });
}
