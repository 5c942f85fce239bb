/**
 * A server inside the test process: a store, a dispatcher and a transport, without cluster, log
 * or configuration. Starts in milliseconds; what processes add is tested by `server.ts`.
 *
 * @module
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CredentialStore } from '#src/auth/credentials.js';
import { SigningKeyCache } from '#src/auth/signing-key-cache.js';
import type { OperationLimits } from '#src/operations/operation.js';
import { OBJECT_SIZE_BYTES_MAX, PARTS_COUNT_MAX, PART_SIZE_BYTES_MIN } from '#src/s3/limits.js';
import { Admission } from '#src/server/admission.js';
import { createDispatcher } from '#src/server/dispatch.js';
import type { RequestEnd } from '#src/server/progress.js';
import { openTransport } from '#src/server/open-transport.js';
import { Reception, type ReceptionRules } from '#src/server/reception.js';
import { openStore, type OpenStore } from '#src/store/open-store.js';
import { newIncarnation } from '#src/util/ids.js';
import { Semaphore } from '#src/util/semaphore.js';
import { inlineHash } from '#src/util/stream-hash.js';

/** Backends every operation is tested on. */
export const BACKENDS = ['memory', 'file'] as const;

export type Backend = (typeof BACKENDS)[number];

/** Two keys of two accounts: `access` owns what tests create, `stranger` owns nothing of it. */
const ACCESS = { accessKey: 'TESTKEY', secretKey: 'test-secret-key' } as const;
const STRANGER = { accessKey: 'STRANGERKEY', secretKey: 'stranger-secret-key' } as const;
/** Whose keys they are. */
export const ACCOUNTS = ['main', 'stranger'] as const;
const REGION = 'us-east-1';

/** Small, so that tests reach both placements with short bodies. */
export const INLINE_BYTES_MAX = 4096;

export interface InProcessOptions {
  readonly backend: Backend;
  readonly limits?: Partial<OperationLimits>;
  /** How long a body may stall; 10 s unless given. */
  readonly readTimeoutMs?: number;
  /** How many requests may bring payload at once, and as many may fetch it; 1000 unless told. */
  readonly payloadsCountMax?: number;
  /** Clock of the server; the system's unless told. */
  readonly nowMs?: () => number;
  /** `us-east-1` unless told. */
  readonly region?: string;
  /** Off unless told, as the setting is. */
  readonly isSignatureV2Offered?: boolean;
  /** Declared names and trusted proxies; none unless told. */
  readonly reception?: Partial<ReceptionRules>;
}

export interface InProcessServer {
  readonly endpoint: string;
  readonly port: number;
  readonly backend: Backend;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** The same server seen by another account. */
  readonly stranger: {
    readonly endpoint: string;
    readonly port: number;
    readonly region: string;
    readonly accessKey: string;
    readonly secretKey: string;
  };
  /** What is behind the server, for what no request can bring about. */
  readonly store: OpenStore;
  /** Data directory of the file backend. */
  readonly basePath: string;
  /** Requests that have ended, in order. */
  readonly ends: readonly RequestEnd[];
  /** Faults and bugs that the dispatcher reported; tests expect none. */
  readonly faults: readonly unknown[];
  /** Takes no more connections, as a server does that is told to end. */
  drain(): void;
  stop(): Promise<void>;
}

/** Starts a server on a free port. The file backend works in a new temporary directory. */
export async function startInProcessServer(options: InProcessOptions): Promise<InProcessServer> {
  const { backend, region = REGION, payloadsCountMax = 1000, nowMs = Date.now } = options;
  const basePath = await mkdtemp(join(tmpdir(), 's3ish-in-process-'));
  const store = await openStore({
    backend,
    basePath,
    metadataPath: join(basePath, '.s3ish', 'metadata'),
    isFsyncEnabled: false,
    inlineBytesMax: INLINE_BYTES_MAX,
    incarnation: newIncarnation(Date.now()),
    nowMs,
  });
  const ends: RequestEnd[] = [];
  const faults: unknown[] = [];
  const unbounded = { waitMsMax: 0, waitersCountMax: 0 };
  const handler = createDispatcher({
    store,
    credentials: new CredentialStore([
      { ...ACCESS, account: ACCOUNTS[0] },
      { ...STRANGER, account: ACCOUNTS[1] },
    ]),
    region,
    isSignatureV2Offered: options.isSignatureV2Offered ?? false,
    limits: {
      objectSizeBytesMax: OBJECT_SIZE_BYTES_MAX,
      partSizeBytesMin: PART_SIZE_BYTES_MIN,
      partsCountMax: PARTS_COUNT_MAX,
      ...options.limits,
    },
    reception: Reception.open({
      ...{ domains: [], endpoints: [], trustedProxies: [] },
      ...options.reception,
    }),
    admission: new Admission({ requestsCountMax: 10_000, turnMsMax: 0 }),
    uploads: new Semaphore(payloadsCountMax, unbounded),
    downloads: new Semaphore(payloadsCountMax, unbounded),
    signingKeys: new SigningKeyCache(),
    openMd5: () => inlineHash('md5'),
    hostId: 'in-process',
    nowMs,
    onRequestBegin: () => undefined,
    onRequestEnd: (end) => ends.push(end),
    onFault: (fault) => faults.push(fault),
  });
  const transport = await openTransport({
    // Each backend runs under another transport: the two choices are independent.
    choice: backend === 'memory' ? 'node' : 'auto',
    host: '127.0.0.1',
    port: 0,
    readTimeoutMs: options.readTimeoutMs ?? 10_000,
    writeTimeoutMs: 10_000,
    idleTimeoutMs: 10_000,
    handler,
    onFault: (fault) => faults.push(fault),
    onWarning: () => undefined,
  });
  const port = await transport.listen();
  const place = { endpoint: `http://127.0.0.1:${port}`, port, region };
  return {
    ...place,
    ...ACCESS,
    backend,
    stranger: { ...place, ...STRANGER },
    ...{ store, basePath, ends, faults },
    drain: () => transport.stopAccepting(),
    stop: async () => {
      transport.stopAccepting();
      transport.close();
      await store.close();
      await rm(basePath, { recursive: true, force: true });
    },
  };
}
