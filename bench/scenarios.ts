/**
 * What is measured: the requests of each scenario and what must exist before.
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto';

import {
  requestSigner,
  type PayloadSigning,
  type RequestParts,
  type Target,
} from '../test/support/prepared-request.js';
import { Connection } from '../test/support/load-connection.js';
import { runLoad, type Load, type PreparedRequest } from './generator.js';

export interface Scenario {
  /** As in docs/PERFORMANCE.md. */
  readonly id: string;
  readonly name: string;
  readonly connectionCounts: readonly number[];
  readonly mode: Load['mode'];
  /** Requests of one operation each, for figures per object of a batch. */
  readonly objectsPerRequest?: number;
  /** Objects it reads or deletes are stored anew by this, each time before it is measured. */
  prepare?(target: Target): Promise<void>;
  requests(target: Target): Promise<readonly PreparedRequest[]> | readonly PreparedRequest[];
  /** Whether the page cache is emptied first. */
  readonly isCold?: boolean;
}

export const BENCH_BUCKET = 'bench-bucket';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Enough that neighbouring requests touch different pages of the index. */
const SMALL_KEY_COUNT = 4096;
const LARGE_KEY_COUNT = 64;
const HUGE_KEY_COUNT = 12;
const LIST_KEY_COUNT = 10_000;
const LIST_FOLDER_COUNT = 500;
const DELETE_KEY_COUNT = 6000;
const BATCH_COUNT = 100;
const BATCHES = 120;
const PREPARE_CONNECTIONS = 32;
const PREPARE_MS_MAX = 300_000;

/** All scenarios, in the order they run. */
export const SCENARIOS: readonly Scenario[] = [
  read('S1', 'GET 4 KiB', 'GET', 4 * KIB, SMALL_KEY_COUNT, [1, 8, 64]),
  read('S4', 'HEAD 4 KiB', 'HEAD', 4 * KIB, SMALL_KEY_COUNT, [1, 20, 64]),
  write('S2', 'PUT 4 KiB, signed in chunks', 4 * KIB, SMALL_KEY_COUNT, 'streaming', [1, 8, 64]),
  write('S3', 'PUT 4 KiB, unsigned payload', 4 * KIB, SMALL_KEY_COUNT, 'unsigned', [20, 32, 64]),
  list('LIST 1,000 of 10,000', 'max-keys=1000&prefix=list%2F'),
  list('LIST 100 of 10,000', 'max-keys=100&prefix=list%2F'),
  list('LIST 500 common prefixes', 'delimiter=%2F&max-keys=1000&prefix=list%2F'),
  {
    ...{ id: 'S6', name: 'DELETE 1 KiB', connectionCounts: [20], mode: 'once' },
    prepare: (target) => putAll(target, keys('delete', DELETE_KEY_COUNT), KIB),
    requests: (target) =>
      signed(
        target,
        keys('delete', DELETE_KEY_COUNT).map((path) => ({ method: 'DELETE', path })),
      ),
  },
  {
    ...{ id: 'S6', name: 'DELETE batches of 100', connectionCounts: [8], mode: 'once' },
    objectsPerRequest: BATCH_COUNT,
    prepare: (target) => putAll(target, keys('batch', BATCHES * BATCH_COUNT), KIB),
    requests: (target) => signed(target, deleteBatches(keys('batch', BATCHES * BATCH_COUNT))),
  },
  {
    ...{ id: 'S7', name: 'mixed 45/30/15/10 at 64 KiB', connectionCounts: [20], mode: 'cycle' },
    prepare: (target) => putAll(target, keys('mixed', 512), 64 * KIB),
    requests: (target) => signed(target, mixture()),
  },
  read('S8', 'GET 1 MiB', 'GET', MIB, LARGE_KEY_COUNT, [4, 16]),
  read('S8', 'GET 10 MiB', 'GET', 10 * MIB, HUGE_KEY_COUNT, [4]),
  {
    ...read('S12', 'GET 1 MiB, cold', 'GET', MIB, LARGE_KEY_COUNT, [4]),
    isCold: true,
    mode: 'once',
  },
  write('S9', 'PUT 1 MiB, signed in chunks', MIB, LARGE_KEY_COUNT, 'streaming', [4, 16]),
  write('S9', 'PUT 10 MiB, unsigned payload', 10 * MIB, HUGE_KEY_COUNT, 'unsigned', [1, 4]),
  {
    ...{ id: 'S10', name: 'GET 64 KiB ranges of 10 MiB', connectionCounts: [16], mode: 'cycle' },
    requests: (target) => signed(target, ranges()),
  },
  {
    ...{ id: 'S11', name: 'UploadPart 5 MiB', connectionCounts: [8], mode: 'cycle' },
    requests: async (target) => signed(target, await parts(target)),
  },
];

/** Creates the bucket of all scenarios and what several of them read. */
export async function prepareAll(target: Target): Promise<void> {
  await sendAll(target, [{ method: 'PUT', path: `/${BENCH_BUCKET}` }]);
  await putAll(target, keys(`read-${4 * KIB}`, SMALL_KEY_COUNT), 4 * KIB);
  await putAll(target, keys(`read-${MIB}`, LARGE_KEY_COUNT), MIB);
  await putAll(target, keys(`read-${10 * MIB}`, HUGE_KEY_COUNT), 10 * MIB);
  await putAll(target, listKeys(), 16);
}

/** Sends each request once, over a few connections. @throws when one is refused. */
export async function sendAll(target: Target, all: readonly RequestParts[]): Promise<void> {
  const figures = await runLoad(target, {
    requests: signed(target, all),
    mode: 'once',
    connectionCount: Math.min(all.length, PREPARE_CONNECTIONS),
    warmUpMs: 0,
    durationMs: PREPARE_MS_MAX,
  });
  if (figures.errorCount > 0 || figures.count < all.length) {
    const { errorCount, firstErrorStatus } = figures;
    throw new Error(`${errorCount} of ${all.length} requests failed, status ${firstErrorStatus}`);
  }
}

function putAll(target: Target, paths: readonly string[], sizeBytes: number): Promise<void> {
  const body = randomBytes(sizeBytes);
  return sendAll(
    target,
    paths.map((path) => ({ method: 'PUT', path, body, payloadSigning: 'unsigned' })),
  );
}

function signed(target: Target, all: readonly RequestParts[]): readonly PreparedRequest[] {
  const sign = requestSigner(target);
  return all.map((one) => ({ bytes: sign(one), isHead: one.method === 'HEAD' }));
}

function read(
  id: string,
  name: string,
  method: 'GET' | 'HEAD',
  sizeBytes: number,
  keyCount: number,
  connectionCounts: readonly number[],
): Scenario {
  return {
    ...{ id, name, connectionCounts, mode: 'cycle' },
    requests: (target) =>
      signed(
        target,
        keys(`read-${sizeBytes}`, keyCount).map((path) => ({ method, path })),
      ),
  };
}

function write(
  id: string,
  name: string,
  sizeBytes: number,
  keyCount: number,
  payloadSigning: PayloadSigning,
  connectionCounts: readonly number[],
): Scenario {
  return {
    ...{ id, name, connectionCounts, mode: 'cycle' },
    requests: (target) => {
      const body = randomBytes(sizeBytes);
      const paths = keys(`write-${sizeBytes}`, keyCount);
      return signed(
        target,
        paths.map((path) => ({ method: 'PUT', path, body, payloadSigning })),
      );
    },
  };
}

function list(name: string, query: string): Scenario {
  return {
    ...{ id: 'S5', name, connectionCounts: [4], mode: 'cycle' },
    requests: (target) => {
      // In canonical order: list-type sorts between delimiter and max-keys.
      const terms = [...query.split('&'), 'list-type=2'].sort().join('&');
      return signed(target, [{ method: 'GET', path: `/${BENCH_BUCKET}`, query: terms }]);
    },
  };
}

function deleteBatches(paths: readonly string[]): RequestParts[] {
  return Array.from({ length: BATCHES }, (_, index) => {
    const objects = paths
      .slice(index * BATCH_COUNT, (index + 1) * BATCH_COUNT)
      .map((path) => `<Object><Key>${path.slice(BENCH_BUCKET.length + 2)}</Key></Object>`);
    const body = Buffer.from(`<Delete><Quiet>true</Quiet>${objects.join('')}</Delete>`);
    const md5 = createHash('md5').update(body).digest('base64');
    return {
      ...{ method: 'POST', path: `/${BENCH_BUCKET}`, query: 'delete=', body },
      headers: { 'content-md5': md5 },
    };
  });
}

/** 100 requests: 45 GET, 30 HEAD, 15 PUT, 10 DELETE; what is deleted is stored again later on. */
function mixture(): RequestParts[] {
  const body = randomBytes(64 * KIB);
  const paths = keys('mixed', 512);
  const written = keys('mixed-written', 64);
  const at = (list_: readonly string[], index: number): string => list_[index % list_.length] ?? '';
  return Array.from({ length: 2000 }, (_, index): RequestParts => {
    const turn = (index * 37) % 100;
    if (turn < 45) return { method: 'GET', path: at(paths, index * 7) };
    if (turn < 75) return { method: 'HEAD', path: at(paths, index * 11) };
    const path = at(written, index);
    if (turn >= 90) return { method: 'DELETE', path };
    return { method: 'PUT', path, body, payloadSigning: 'streaming' };
  });
}

function ranges(): RequestParts[] {
  const paths = keys(`read-${10 * MIB}`, HUGE_KEY_COUNT);
  return Array.from({ length: 512 }, (_, index): RequestParts => {
    const start = ((index * 7919) % 160) * 64 * KIB;
    return {
      ...{ method: 'GET', path: paths[index % paths.length] ?? '' },
      headers: { range: `bytes=${start}-${start + 64 * KIB - 1}` },
    };
  });
}

async function parts(target: Target): Promise<RequestParts[]> {
  const body = randomBytes(5 * MIB);
  const created: RequestParts[] = [];
  const connection = new Connection(target.host, target.port);
  const sign = requestSigner(target);
  for (const path of keys('upload', 2)) {
    const answer = await connection.send(sign({ method: 'POST', path, query: 'uploads=' }), false);
    const [, uploadId = ''] = /<UploadId>([^<]+)</.exec(answer.body.toString()) ?? [];
    for (let part = 1; part <= 4; part += 1) {
      const query = `partNumber=${part}&uploadId=${encodeURIComponent(uploadId)}`;
      created.push({ method: 'PUT', path, query, body, payloadSigning: 'unsigned' });
    }
  }
  connection.close();
  return created;
}

function listKeys(): string[] {
  return Array.from({ length: LIST_KEY_COUNT }, (_, index) => {
    const folder = String(index % LIST_FOLDER_COUNT).padStart(4, '0');
    return `/${BENCH_BUCKET}/list/${folder}/${String(index).padStart(6, '0')}`;
  });
}

function keys(folder: string, count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `/${BENCH_BUCKET}/${folder}/${String(index).padStart(6, '0')}`,
  );
}
