/**
 * What is measured: the requests of each scenario and what must exist before.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';

import { Connection } from './connection.js';
import { requestSigner, type RequestParts, type Target } from './signed-request.js';

export interface Scenario {
  readonly name: string;
  readonly isHead: boolean;
  /** Stores what the requests read. */
  prepare(target: Target): Promise<void>;
  requests(target: Target): readonly Uint8Array[];
}

export const BENCH_BUCKET = 'bench-bucket';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Enough that neighbouring requests touch different pages of the index. */
const SMALL_KEY_COUNT = 2048;
const LARGE_KEY_COUNT = 64;
const LIST_KEY_COUNT = 1000;
const PREPARE_CONNECTIONS = 16;

/** The scenarios in the order they run. */
export const SCENARIOS: readonly Scenario[] = [
  read('GET 4 KiB', 'GET', 4 * KIB, SMALL_KEY_COUNT),
  read('HEAD 4 KiB', 'HEAD', 4 * KIB, SMALL_KEY_COUNT),
  write('PUT 4 KiB', 4 * KIB, SMALL_KEY_COUNT),
  read('GET 1 MiB', 'GET', MIB, LARGE_KEY_COUNT),
  write('PUT 1 MiB', MIB, LARGE_KEY_COUNT),
  {
    name: 'LIST 1,000',
    isHead: false,
    prepare: (target) =>
      sendAll(
        target,
        keys('list', LIST_KEY_COUNT).map((path) => ({
          method: 'PUT',
          path,
          body: randomBytes(16),
        })),
      ),
    requests: (target) => [
      requestSigner(target)({
        method: 'GET',
        path: `/${BENCH_BUCKET}`,
        query: 'list-type=2&max-keys=1000&prefix=list%2F',
      }),
    ],
  },
];

/** Creates the bucket of all scenarios. */
export async function createBenchBucket(target: Target): Promise<void> {
  await sendAll(target, [{ method: 'PUT', path: `/${BENCH_BUCKET}` }]);
}

/** Sends each request once, over a few connections. @throws when one is refused. */
export async function sendAll(target: Target, parts: readonly RequestParts[]): Promise<void> {
  const sign = requestSigner(target);
  let next = 0;
  const drive = async (): Promise<void> => {
    const connection = new Connection(target.host, target.port);
    for (let part = parts[next++]; part !== undefined; part = parts[next++]) {
      const { status } = await connection.send(sign(part), false);
      if (status !== 200) throw new Error(`${part.method} ${part.path} answered ${status}`);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: PREPARE_CONNECTIONS }, drive));
}

function read(name: string, method: 'GET' | 'HEAD', sizeBytes: number, keyCount: number): Scenario {
  const folder = `read-${sizeBytes}`;
  return {
    name,
    isHead: method === 'HEAD',
    prepare: (target) =>
      sendAll(
        target,
        keys(folder, keyCount).map((path) => ({
          method: 'PUT',
          path,
          body: randomBytes(sizeBytes),
        })),
      ),
    requests: (target) => {
      const sign = requestSigner(target);
      return keys(folder, keyCount).map((path) => sign({ method, path }));
    },
  };
}

function write(name: string, sizeBytes: number, keyCount: number): Scenario {
  return {
    name,
    isHead: false,
    prepare: () => Promise.resolve(),
    requests: (target) => {
      const sign = requestSigner(target);
      return keys(`write-${sizeBytes}`, keyCount).map((path) =>
        sign({ method: 'PUT', path, body: randomBytes(sizeBytes) }),
      );
    },
  };
}

function keys(folder: string, count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `/${BENCH_BUCKET}/${folder}/${String(index).padStart(6, '0')}`,
  );
}
