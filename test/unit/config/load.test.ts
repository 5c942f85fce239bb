import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { ConfigError } from '#src/config/config-error.js';
import { loadConfig, parseConfig } from '#src/config/load.js';

function problemsOf(tomlText: string): string[] {
  try {
    parseConfig('s3ish.toml', tomlText);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.split('\n');
  }
  return [];
}

test('parseConfig gives every setting its default when the file is empty', () => {
  const config = parseConfig('s3ish.toml', '');
  assert.equal(config.server.listen_addr, '127.0.0.1:9000');
  assert.equal(config.server.region, 'us-east-1');
  assert.equal(config.cluster.processes, 0);
  assert.equal(config.storage.enable_fsync, true);
  assert.equal(config.storage.inline_max_kb, 32);
  assert.equal(config.limits.max_multipart_parts, 10_000);
  assert.equal(config.admin.listen_addr, '127.0.0.1:9001');
});

test('parseConfig takes values of the file and leaves the others alone', () => {
  const config = parseConfig(
    's3ish.toml',
    '[storage]\nbackend = "memory"\n[log]\nlevel = "warn"\n',
  );
  assert.equal(config.storage.backend, 'memory');
  assert.equal(config.storage.base_path, './s3ish-data');
  assert.equal(config.log.level, 'warn');
});

// Text of the file, then the lines of the message.
const MISTAKES: readonly (readonly [string, readonly string[]])[] = [
  [
    '# a comment\n[server]\nlisten_adr = "127.0.0.1:9000"\n',
    ['s3ish.toml:3: unknown setting server.listen_adr; did you mean server.listen_addr?'],
  ],
  ['[sever]\n', ['s3ish.toml:1: unknown section [sever]; did you mean [server]?']],
  ['[erasure]\n', ['s3ish.toml:1: unknown section [erasure]']],
  ['\nregion = "us-east-1"\n', ['s3ish.toml:2: unknown setting region; it belongs below [server]']],
  [
    '[cluster]\nregion = "us-east-1"\n',
    ['s3ish.toml:2: unknown setting cluster.region; it belongs below [server]'],
  ],
  [
    '[server]\nregion = "US"\n',
    ['s3ish.toml:2: server.region: expected lower-case letters, digits and hyphens, got "US"'],
  ],
  [
    '[cluster]\n\nprocesses = -1',
    ['s3ish.toml:3: cluster.processes: expected a whole number from 0 to 1024, got -1'],
  ],
  [
    '[cluster]\nprocesses = "4"',
    ['s3ish.toml:2: cluster.processes: expected a whole number from 0 to 1024, got "4"'],
  ],
  [
    '[cluster]\nprocesses = 1.5',
    ['s3ish.toml:2: cluster.processes: expected a whole number from 0 to 1024, got 1.5'],
  ],
  [
    '[storage]\nbackend = "s3"',
    ['s3ish.toml:2: storage.backend: expected "file" or "memory", got "s3"'],
  ],
  [
    '[storage]\nenable_fsync = 1',
    ['s3ish.toml:2: storage.enable_fsync: expected true or false, got 1'],
  ],
  ['[storage]\nbase_path = ""', ['s3ish.toml:2: storage.base_path: expected a path, got ""']],
  [
    '[server]\nlisten_addr = "9000"',
    [
      's3ish.toml:2: server.listen_addr: expected an address such as "127.0.0.1:9000" or "[::1]:9000", got "9000"',
    ],
  ],
  [
    'server.listen_addr = "h:70000"',
    [
      's3ish.toml:1: server.listen_addr: expected an address such as "127.0.0.1:9000" or "[::1]:9000", got "h:70000"',
    ],
  ],
  [
    '[server]\ndomains = ["s3.example.com", "S3.example.com:9000"]',
    [
      's3ish.toml:2: server.domains[1]: expected a lower-case host name such as "s3.example.com", got "S3.example.com:9000"',
    ],
  ],
  [
    '[server]\ndomains = "s3.example.com"',
    [
      's3ish.toml:2: server.domains: expected a list of at most 8, each a lower-case host name such as "s3.example.com", got "s3.example.com"',
    ],
  ],
  [
    '[server]\nregion = "us-east-1"\nendpoints = ["https://files.example.com/a b/"]',
    [
      's3ish.toml:3: server.endpoints[0]: expected a URL such as "https://files.example.com/storage/", got "https://files.example.com/a b/"',
    ],
  ],
  [
    '[server]\ntrusted_proxies = ["::1", "10.0.0.0/33"]',
    [
      's3ish.toml:2: server.trusted_proxies[1]: expected an IP address or a network such as "10.0.0.0/8", got "10.0.0.0/33"',
    ],
  ],
  [
    `[server]\ndomains = [${'"a.b",'.repeat(9)}]`,
    [
      's3ish.toml:2: server.domains: expected a list of at most 8, each a lower-case host name such as "s3.example.com", got ["a.b","a.b","a.b","a.b","a.b","a.b","a.b","a.b","a.b"]',
    ],
  ],
  ['log = "info"', ['s3ish.toml:1: log is a section; write [log] and its settings below']],
  ['[server]\nconstructor = 1', ['s3ish.toml:2: unknown setting server.constructor']],
  ['[constructor]\na = 1', ['s3ish.toml:1: unknown section [constructor]']],
  [
    '[log]\nlevel = "loud"\n[cluster]\nproceses = 2\n',
    [
      's3ish.toml:2: log.level: expected "trace" or "debug" or "info" or "warn" or "error" or "fatal" or "silent", got "loud"',
      's3ish.toml:4: unknown setting cluster.proceses; did you mean cluster.processes?',
    ],
  ],
];

for (const [tomlText, expected] of MISTAKES) {
  test(`parseConfig refuses ${JSON.stringify(tomlText)} with file, line and key`, () => {
    assert.deepEqual(problemsOf(tomlText), expected);
  });
}

test('parseConfig names the line of a syntax error', () => {
  const [problem = ''] = problemsOf('[server]\nregion = = 1\n');
  assert.match(problem, /^s3ish\.toml:2: Invalid TOML document/);
});

test('loadConfig lets the command line win over the file', () => {
  const directory = mkdtempSync(join(tmpdir(), 's3ish-config-'));
  try {
    const file = join(directory, 'x.toml');
    writeFileSync(file, '[cluster]\nprocesses = 3\n[storage]\nbase_path = "/a"\n');
    const config = loadConfig(file, [
      { option: '--processes', section: 'cluster', key: 'processes', value: 5 },
    ]);
    assert.equal(config.cluster.processes, 5);
    assert.equal(config.storage.base_path, '/a');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('loadConfig names the option whose value is wrong', () => {
  const overrides = [{ option: '--listen', section: 'server', key: 'listen_addr', value: 'x' }];
  assert.throws(() => loadConfig('/dev/null', overrides), {
    name: 'ConfigError',
    message: /^--listen: server\.listen_addr: expected an address .* got "x"$/,
  });
});

test('loadConfig refuses a named file that is absent', () => {
  assert.throws(() => loadConfig('/nonexistent/s3ish.toml'), {
    name: 'ConfigError',
    message: /^\/nonexistent\/s3ish\.toml: the file cannot be read: ENOENT/,
  });
});
