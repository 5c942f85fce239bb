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
  Registry,
  type MetricObjectWithValues,
  type MetricValue,
} from 'prom-client';

/** A process's figures in the form that crosses to the primary. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** Something that can be asked for its figures. */
export interface MetricsSource {
  snapshot(): Promise<MetricsSnapshot>;
}

/** Figures of a process besides requests: CPU, memory, event loop, garbage collection. */
export function processMetrics(): MetricsSource {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return sourceOf(registry);
}

/** What the primary knows about the processes it keeps running. */
export interface ClusterFigures {
  readonly serverCount: number;
  readonly servingCount: number;
  /** Server processes that fail to start again and again. */
  readonly failingCount: number;
  /** Processes that write nothing to a disk that failed. */
  readonly fencedCount: number;
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
    fencedCount: new Gauge({
      name: 's3ish_processes_fenced',
      help: 'Processes that write nothing to a disk that failed, until it works again',
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
      const { serverCount, servingCount, fencedCount, restartCount } = figures();
      gauges.serverCount.set(serverCount);
      gauges.servingCount.set(servingCount);
      gauges.fencedCount.set(fencedCount);
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
