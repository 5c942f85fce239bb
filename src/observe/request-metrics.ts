/**
 * Figures of the requests of a server process.
 *
 * Counted in plain numbers, one record for each operation, and put into Prometheus' form only when
 * somebody asks: a labelled counter of the library costs a hash of its labels at every request.
 *
 * @module
 */

import { processMetrics, type MetricsSnapshot, type MetricsSource } from './metrics.js';

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

/** Figures of a server process. */
export interface RequestMetrics extends MetricsSource {
  /** A request turned out to be for this operation; {@link record} follows. */
  begin(operation: string): void;
  record(figures: RequestFigures): void;
  /** A request met stored bytes that are damaged. */
  damageMet(): void;
}

/** What has been counted for one operation. */
interface Tally {
  inFlight: number;
  readonly statuses: Map<number, number>;
  readonly errorCodes: Map<string, number>;
  bytesIn: number;
  bytesOut: number;
  durationSecs: number;
  /** Requests by the first bound that is not below their duration; the last place has none. */
  readonly durations: number[];
}

type Labels = Readonly<Record<string, string | number>>;

interface Value {
  readonly labels: Labels;
  readonly value: number;
  /** Of the lines of a histogram, which differ from its name. */
  readonly metricName?: string;
}

/** A figure that is kept elsewhere. */
export interface OtherFigure {
  readonly type: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  /** Asked when the metrics are read. */
  readonly value: () => number;
}

/** Figures of the requests of this process, and of the process itself. */
export function requestMetrics(others: readonly OtherFigure[]): RequestMetrics {
  const process = processMetrics();
  const tallies = new Map<string, Tally>();
  let damageCount = 0;
  const tallyOf = (operation: string): Tally => {
    const known = tallies.get(operation);
    if (known !== undefined) return known;
    const tally = newTally();
    tallies.set(operation, tally);
    return tally;
  };
  return {
    begin(operation) {
      tallyOf(operation).inFlight += 1;
    },
    record(figures) {
      count(tallyOf(figures.operation), figures);
    },
    damageMet() {
      damageCount += 1;
    },
    snapshot: async () => [
      ...(await process.snapshot()),
      ...figuresOf(tallies),
      counter(
        's3ish_damaged_reads_total',
        'Requests that failed because stored bytes are damaged',
        [{ labels: {}, value: damageCount }],
      ),
      ...others.map(({ type, name, help, value }) =>
        figure(type, name, help, [{ labels: {}, value: value() }]),
      ),
    ],
  };
}

function newTally(): Tally {
  return {
    inFlight: 0,
    statuses: new Map(),
    errorCodes: new Map(),
    bytesIn: 0,
    bytesOut: 0,
    durationSecs: 0,
    durations: new Array<number>(DURATION_BUCKETS_SECS.length + 1).fill(0),
  };
}

function count(tally: Tally, figures: RequestFigures): void {
  // A request that was refused before it had an operation has not begun.
  if (figures.isBegun) tally.inFlight -= 1;
  tally.statuses.set(figures.status, (tally.statuses.get(figures.status) ?? 0) + 1);
  const { errorCode } = figures;
  if (errorCode !== undefined) {
    tally.errorCodes.set(errorCode, (tally.errorCodes.get(errorCode) ?? 0) + 1);
  }
  tally.bytesIn += figures.bytesIn;
  tally.bytesOut += figures.bytesOut;
  const secs = figures.durationMs / 1000;
  tally.durationSecs += secs;
  let place = 0;
  while (place < DURATION_BUCKETS_SECS.length && secs > (DURATION_BUCKETS_SECS[place] ?? 0)) {
    place += 1;
  }
  tally.durations[place] = (tally.durations[place] ?? 0) + 1;
}

function figuresOf(tallies: ReadonlyMap<string, Tally>): MetricsSnapshot {
  const each = (valuesOf: (operation: string, tally: Tally) => readonly Value[]): Value[] =>
    [...tallies].flatMap(([operation, tally]) => valuesOf(operation, tally));
  return [
    counter(
      's3ish_requests_total',
      'Requests answered, by operation and HTTP status',
      each((operation, { statuses }) =>
        [...statuses].map(([status, value]) => ({ labels: { operation, status }, value })),
      ),
    ),
    counter(
      's3ish_request_errors_total',
      'Requests answered with an S3 error, by operation and error code',
      each((operation, { errorCodes }) =>
        [...errorCodes].map(([code, value]) => ({ labels: { operation, code }, value })),
      ),
    ),
    figure(
      'histogram',
      's3ish_request_duration_seconds',
      'Time from the request head to the last byte of the answer',
      each(durationValues),
    ),
    counter(
      's3ish_received_bytes_total',
      'Request body bytes received',
      each((operation, { bytesIn }) => [{ labels: { operation }, value: bytesIn }]),
    ),
    counter(
      's3ish_sent_bytes_total',
      'Response body bytes sent',
      each((operation, { bytesOut }) => [{ labels: { operation }, value: bytesOut }]),
    ),
    figure(
      'gauge',
      's3ish_requests_in_flight',
      'Requests being handled now, by operation',
      each((operation, { inFlight }) => [{ labels: { operation }, value: inFlight }]),
    ),
  ];
}

/** The lines of a histogram: cumulative counts, then sum and count. */
function durationValues(operation: string, { durations, durationSecs }: Tally): readonly Value[] {
  const name = 's3ish_request_duration_seconds';
  let total = 0;
  const buckets = durations.map((value, place): Value => {
    total += value;
    const le = DURATION_BUCKETS_SECS[place] ?? '+Inf';
    return { labels: { le, operation }, value: total, metricName: `${name}_bucket` };
  });
  return [
    ...buckets,
    { labels: { operation }, value: durationSecs, metricName: `${name}_sum` },
    { labels: { operation }, value: total, metricName: `${name}_count` },
  ];
}

function counter(name: string, help: string, values: readonly Value[]): MetricsSnapshot[number] {
  return figure('counter', name, help, values);
}

/** In the form in which the library hands over its own; processes are added up. */
function figure(
  type: 'counter' | 'gauge' | 'histogram',
  name: string,
  help: string,
  values: readonly Value[],
): MetricsSnapshot[number] {
  return { name, help, type, values, aggregator: 'sum' } as unknown as MetricsSnapshot[number];
}
