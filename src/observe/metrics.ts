/**
 * Figures of the server for Prometheus.
 *
 * Each process keeps its own; the primary asks all of them and shows the sums. Labels are rows of
 * the operation registry, statuses and error codes, so their number is bounded whatever clients
 * send. Counters of a process end with it: `rate()` treats that as the reset it is.
 *
 * @module
 */

import {
  AggregatorRegistry,
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type MetricObjectWithValues,
  type MetricValue,
} from 'prom-client';

/** Upper bounds in seconds: from a cached GET to a large upload. */
const DURATION_BUCKETS_SECS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120,
];

/** What one finished request adds to the figures. */
export interface RequestFigures {
  readonly operation: string;
  /** Whether it got as far as its operation. */
  readonly isBegun: boolean;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
}

/** A process's figures in the form that crosses to the primary. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** Something that can be asked for its figures. */
export interface MetricsSource {
  snapshot(): Promise<MetricsSnapshot>;
}

/** Figures of a server process. */
export interface RequestMetrics extends MetricsSource {
  /** A request turned out to be for this operation; {@link record} follows. */
  begin(operation: string): void;
  record(figures: RequestFigures): void;
}

/** Figures of a process besides requests: CPU, memory, event loop, garbage collection. */
export function processMetrics(): MetricsSource {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return sourceOf(registry);
}

/** Figures of the requests of this process, and of the process itself. */
export function requestMetrics(): RequestMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 's3ish_requests_total',
    help: 'Requests answered, by operation and HTTP status',
    labelNames: ['operation', 'status'],
    registers,
  });
  const errors = new Counter({
    name: 's3ish_request_errors_total',
    help: 'Requests answered with an S3 error, by operation and error code',
    labelNames: ['operation', 'code'],
    registers,
  });
  const duration = new Histogram({
    name: 's3ish_request_duration_seconds',
    help: 'Time from the request head to the last byte of the answer',
    labelNames: ['operation'],
    buckets: DURATION_BUCKETS_SECS,
    registers,
  });
  const bytesIn = new Counter({
    name: 's3ish_received_bytes_total',
    help: 'Request body bytes received',
    labelNames: ['operation'],
    registers,
  });
  const bytesOut = new Counter({
    name: 's3ish_sent_bytes_total',
    help: 'Response body bytes sent',
    labelNames: ['operation'],
    registers,
  });
  // Counted in a plain map: a labelled gauge costs a hash of its labels at each change.
  const begun = new Map<string, number>();
  const inFlight = new Gauge({
    name: 's3ish_requests_in_flight',
    help: 'Requests being handled now, by operation',
    labelNames: ['operation'],
    registers,
    collect: () => {
      for (const [operation, count] of begun) inFlight.set({ operation }, count);
    },
  });

  return {
    ...sourceOf(registry),
    begin(operation) {
      begun.set(operation, (begun.get(operation) ?? 0) + 1);
    },
    record(figures) {
      const { operation } = figures;
      const count = begun.get(operation);
      // A request that was refused before it had an operation has not begun.
      if (count !== undefined && figures.isBegun) begun.set(operation, count - 1);
      requests.inc({ operation, status: figures.status });
      duration.observe({ operation }, figures.durationMs / 1000);
      if (figures.errorCode !== undefined) errors.inc({ operation, code: figures.errorCode });
      if (figures.bytesIn > 0) bytesIn.inc({ operation }, figures.bytesIn);
      if (figures.bytesOut > 0) bytesOut.inc({ operation }, figures.bytesOut);
    },
  };
}

/** What the primary knows about the processes it keeps running. */
export interface ClusterFigures {
  readonly serverCount: number;
  readonly servingCount: number;
  readonly restartCount: number;
}

/** @param figures - asked when the metrics are read. */
export function clusterMetrics(figures: () => ClusterFigures): MetricsSource {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauges = {
    serverCount: new Gauge({
      name: 's3ish_server_processes',
      help: 'Server processes there should be',
      registers,
    }),
    servingCount: new Gauge({
      name: 's3ish_server_processes_listening',
      help: 'Server processes that accept requests',
      registers,
    }),
  };
  const restarts = new Counter({
    name: 's3ish_process_restarts_total',
    help: 'Child processes started again after an unexpected exit',
    registers,
  });
  return {
    snapshot: () => {
      const { serverCount, servingCount, restartCount } = figures();
      gauges.serverCount.set(serverCount);
      gauges.servingCount.set(servingCount);
      restarts.reset();
      restarts.inc(restartCount);
      return registry.getMetricsAsJSON();
    },
  };
}

/** Sums the figures of several processes into the text that Prometheus reads. */
export async function renderMetrics(
  snapshots: readonly MetricsSnapshot[],
): Promise<{ readonly contentType: string; readonly text: string }> {
  const registry = AggregatorRegistry.aggregate([...snapshots]);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

function sourceOf(registry: Registry): MetricsSource {
  return { snapshot: () => registry.getMetricsAsJSON() };
}
