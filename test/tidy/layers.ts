/**
 * Who may import whom: the layers of `src/` and the one place of every third-party package.
 *
 * Read it top to bottom: a folder may import itself, the folders listed in its row, and nothing
 * else. A change of this table is a change of the architecture and of docs/ARCHITECTURE.md.
 *
 * @module
 */

/** Folder of `src/` (or `main` for `src/main.ts`) to the folders it may import. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  main: ['commands', 'cluster', 'config'],
  // One file for each verb of the command line.
  commands: ['maintenance', 'cluster', 'config', 'store', 'observe', 'auth', 'wire', 's3', 'util'],
  // The composition root: it alone sees every part.
  cluster: [
    'jobs',
    'server',
    'compute',
    'observe',
    'config',
    'operations',
    'auth',
    'store',
    's3',
    'util',
  ],
  // Work over a store beside the server: check, rebuild, copy.
  maintenance: ['store', 'metadata', 'blobs', 'observe', 's3', 'util'],
  jobs: ['store', 'metadata', 'blobs', 'observe', 's3', 'util'],
  server: ['operations', 'auth', 'store', 'wire', 'observe', 's3', 'util'],
  // Handlers cannot reach the disk, LMDB, the log or the metrics.
  operations: ['auth', 'store', 'wire', 'kernels', 's3', 'util'],
  auth: ['store', 'wire', 's3', 'util'],
  // Storage cannot see HTTP; metadata and blobs cannot see each other.
  store: ['metadata', 'blobs', 'kernels', 's3', 'util'],
  metadata: ['kernels', 's3', 'util'],
  blobs: ['kernels', 's3', 'util'],
  // Pure: bytes of the protocol, and the rules of S3.
  wire: ['kernels', 's3', 'util'],
  s3: ['kernels', 'util'],
  kernels: ['util'],
  // Work in threads beside the event loop.
  compute: ['util'],
  config: ['util'],
  observe: ['util'],
  util: [],
};

/** Package to the files (or folders, ending in `/`) that may import it: swapping it is one edit. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  assemblyscript: ['src/kernels/compile.ts'],
  commander: ['src/commands/'],
  'hash-wasm': ['src/kernels/xxhash.ts'],
  lmdb: ['src/metadata/lmdb-environment.ts'],
  'lru-cache': ['src/auth/signing-key-cache.ts', 'src/store/record-cache.ts'],
  nanoid: ['src/util/ids.ts'],
  pino: ['src/observe/log.ts'],
  'pino-pretty': ['src/observe/log.ts'],
  piscina: ['src/compute/hash-pool.ts'],
  'prom-client': ['src/observe/metrics.ts', 'src/observe/scrub-metrics.ts'],
  sax: ['src/wire/xml-reader.ts'],
  'smol-toml': ['src/config/load.ts'],
  'uWebSockets.js': ['src/server/uws-transport.ts'],
  zod: ['src/config/setting.ts'],
};

/** Modules of Node that not every folder may use, to the folders that may. */
export const NODE_MODULES: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': [],
  'node:cluster': ['main', 'cluster'],
  'node:fs': ['main', 'cluster', 'config', 'maintenance', 'metadata', 'blobs', 'store', 'kernels'],
  'node:fs/promises': ['cluster', 'maintenance', 'metadata', 'blobs', 'store', 'kernels'],
  'node:http': ['server'],
  'node:net': ['server', 'cluster', 'metadata', 'util'],
  'node:vm': [],
  'node:worker_threads': ['kernels'],
};
