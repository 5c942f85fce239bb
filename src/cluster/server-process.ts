/**
 * The server process: puts store, credentials, dispatcher and transport together.
 *
 * @module
 */

import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { CredentialStore, parseCredentialsFile } from '../auth/credentials.js';
import { HashPool } from '../compute/hash-pool.js';
import { SigningKeyCache } from '../auth/signing-key-cache.js';
import type { Config } from '../config/settings.js';
import type { Log } from '../observe/log.js';
import type { MetricsSource } from '../observe/metrics.js';
import { requestMetrics, type OtherFigure } from '../observe/request-metrics.js';
import { ShedLog } from '../observe/shed-log.js';
import type { OperationLimits } from '../operations/operation.js';
import { Admission } from '../server/admission.js';
import { createDispatcher } from '../server/dispatch.js';
import type { RequestEnd } from '../server/progress.js';
import { openTransport } from '../server/open-transport.js';
import { Reception, type ReceptionRules } from '../server/reception.js';
import type { Transport } from '../server/transport.js';
import { isDamage, type OpenStore } from '../store/open-store.js';
import { parseAddress } from '../util/address.js';
import { parseEndpoint } from '../util/endpoint.js';
import { parseNetwork } from '../util/network.js';
import { Semaphore } from '../util/semaphore.js';
import type { Part, PartContext } from './part.js';
import { DiskRecovery } from './disk-recovery.js';
import { openConfiguredStore } from './open-configured-store.js';
import { openFilesLimit } from './open-files-limit.js';
import { startReadReports } from './read-reports.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** A request that finds no place in this time is told to come back later. */
const ADMISSION_WAIT_MS_MAX = 50;
/** Descriptors kept for payloads, the index and the log, where there are twice as many. */
const RESERVED_FILES_COUNT_MAX = 4096;
const DRAIN_POLL_MS = 10;
/** With two, a stream of 10 MiB bodies was no faster and cost 18 % more CPU; see docs/PERFORMANCE.md. */
const POOL_CORES_COUNT_MIN = 4;

/** Opens the store, then listens. */
export async function openServerProcess(context: PartContext): Promise<Part> {
  const { start, log } = context;
  const { config } = start;
  const credentials = new CredentialStore(parseCredentialsFile(start.credentialsText));
  const recovery = new DiskRecovery(context);
  const store = await openConfiguredStore(start, recovery);
  const signingKeys = new SigningKeyCache();
  const shedLog = new ShedLog(log);
  const hashPool = new HashPool({
    threadsCount: hashThreadsCount(config),
    bodyBytesMin: config.workers.digest_min_mb * MIB,
    onFault: (fault) => log.error({ err: fault }, 'A thread that hashes bodies failed'),
  });
  const metrics = config.metrics.enabled
    ? requestMetrics(otherFigures({ store, hashPool, signingKeys }))
    : undefined;

  const handler = createDispatcher({
    store,
    ...{ credentials, signingKeys },
    region: config.server.region,
    isSignatureV2Offered: config.auth.signature_v2,
    limits: operationLimits(config),
    reception: Reception.open(receptionRules(config)),
    admission: new Admission({
      requestsCountMax: share(config.server.max_requests, config),
      turnMsMax: config.server.max_turn_ms,
    }),
    uploads: payloads(share(config.storage.max_concurrent_uploads, config)),
    downloads: payloads(share(config.storage.max_concurrent_downloads, config)),
    openMd5: (sizeBytes) => hashPool.open('md5', sizeBytes),
    hostId: start.incarnation,
    nowMs: Date.now,
    onRequestBegin: (operation) => metrics?.begin(operation),
    onRequestEnd: (end) => {
      metrics?.record(end);
      if (end.errorCode === 'SlowDown' && !end.isBegun) shedLog.note();
      else if (config.log.access_log) logAccess(log, end);
    },
    onFault: (fault, requestId, cause) => {
      log.error({ err: fault, requestId }, 'A request failed because of the server');
      if (isDamage(fault)) metrics?.damageMet();
      if (cause === 'bug') context.retire('An invariant does not hold');
    },
  });
  const transport = await openTransport({
    ...transportSettings(config),
    connectionsCountMax: connectionsCountMax(config, log),
    handler,
    onFault: (fault, what) => log.error({ err: fault }, `The transport met a fault: ${what}`),
    onWarning: (message) => log.warn({}, message),
  });
  await transport.listen();
  const reports = startReadReports(store, context);

  return {
    metrics: metrics ?? NO_METRICS,
    receive: (message) => {
      if (message.kind !== 'credentials') return;
      credentials.reload(parseCredentialsFile(message.credentialsText));
    },
    drain: async () => {
      await drain(transport, config.server.drain_timeout_secs * 1000);
      await reports.stop();
      await hashPool.close();
      recovery.stop();
      await store.close();
    },
  };
}

const NO_METRICS: MetricsSource = { snapshot: async () => [] };

/** What is counted where it happens. */
function otherFigures(parts: {
  readonly store: OpenStore;
  readonly hashPool: HashPool;
  readonly signingKeys: SigningKeyCache;
}): readonly OtherFigure[] {
  const { hashPool, signingKeys } = parts;
  const { recordCache } = parts.store;
  const counters: readonly (readonly [string, string, () => number])[] = [
    ['pooled_bodies_total', 'Bodies hashed in a thread', () => hashPool.pooledCount],
    ['signing_key_hits_total', 'Signing keys found', () => signingKeys.hitCount],
    ['signing_key_misses_total', 'Signing keys derived', () => signingKeys.missCount],
    ['metadata_cache_hits_total', 'Records found decoded', () => recordCache.hitCount],
    ['metadata_cache_misses_total', 'Records decoded to be kept', () => recordCache.missCount],
  ];
  return [
    ...counters.map(([name, help, value]) => {
      return { type: 'counter', name: `s3ish_${name}`, help, value } as const;
    }),
    {
      type: 'gauge',
      name: 's3ish_metadata_cache_bytes',
      help: 'Memory for decoded records, about',
      value: () => recordCache.sizeBytes,
    },
  ];
}

function hashThreadsCount({ workers }: Config): number {
  const hasCores = availableParallelism() >= POOL_CORES_COUNT_MIN;
  const isPooled = workers.body_digests === 'pool' || (workers.body_digests === 'auto' && hasCores);
  return isPooled ? workers.threads : 0;
}

function operationLimits({ limits }: Config): OperationLimits {
  return {
    objectSizeBytesMax: limits.max_object_size_gb * GIB,
    partSizeBytesMin: limits.min_part_size_mb * MIB,
    partsCountMax: limits.max_multipart_parts,
  };
}

/** Every entry was parsed once already, when the settings were checked. */
function receptionRules({ server }: Config): ReceptionRules {
  return {
    domains: server.domains,
    endpoints: server.endpoints.map(parseEndpoint).filter((endpoint) => endpoint !== undefined),
    trustedProxies: server.trusted_proxies
      .map(parseNetwork)
      .filter((network) => network !== undefined),
  };
}

/** This process's part of what the host allows. */
function share(hostCount: number, { cluster }: Config): number {
  return Math.ceil(hostCount / cluster.processes);
}

/** As many again may wait for a moment. */
function payloads(count: number): Semaphore {
  return new Semaphore(count, { waitMsMax: ADMISSION_WAIT_MS_MAX, waitersCountMax: count });
}

/** Payloads need descriptors as well as connections; with too few, requests get SlowDown. */
function connectionsCountMax(config: Config, log: Log): number {
  const wanted = share(config.server.max_connections, config);
  const filesCountMax = openFilesLimit();
  const reserved = Math.min(filesCountMax / 2, RESERVED_FILES_COUNT_MAX);
  const possible = Math.floor(filesCountMax - reserved);
  if (!(possible < wanted)) return wanted;
  log.info(
    { wanted, possible, filesCountMax },
    'The limit of open files (ulimit -n) allows fewer connections than max_connections',
  );
  return possible;
}

function transportSettings({ server }: Config) {
  const address = parseAddress(server.listen_addr);
  if (address === undefined) throw new Error(`${server.listen_addr} is not an address`);
  return {
    choice: server.transport,
    host: address.host,
    port: address.port,
    readTimeoutMs: server.read_timeout_secs * 1000,
    uploadRateMin: server.min_upload_rate,
    writeTimeoutMs: server.write_timeout_secs * 1000,
    idleTimeoutMs: server.idle_timeout_secs * 1000,
  };
}

function logAccess(log: Log, { isBegun: _isBegun, ...end }: RequestEnd): void {
  log.info({ ...end, durationMs: Math.round(end.durationMs * 1000) / 1000 }, 'request');
}

/** Takes no new connections and waits for the requests in flight, as long as it may. */
async function drain(transport: Transport, timeoutMs: number): Promise<void> {
  transport.stopAccepting();
  // Not the wall clock: one that jumps must neither cut answers off nor keep the process.
  const deadlineMs = performance.now() + timeoutMs;
  while (transport.inFlightCount > 0 && performance.now() < deadlineMs) await sleep(DRAIN_POLL_MS);
  transport.close();
}
