import assert from 'node:assert/strict';
import test from 'node:test';

import { clusterMetrics, renderMetrics } from '#src/observe/metrics.js';
import { requestMetrics } from '#src/observe/request-metrics.js';

const GET = {
  operation: 'GetObject',
  isBegun: true,
  errorCode: undefined,
  bytesIn: 0,
  durationMs: 2,
} as const;

function sample(text: string, name: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

test('renderMetrics adds up the figures of several processes', async () => {
  const first = requestMetrics([]);
  const second = requestMetrics([]);
  for (let count = 0; count < 4; count += 1) first.begin('GetObject');
  for (let count = 0; count < 3; count += 1) second.begin('GetObject');
  second.begin('PutObject');
  first.record({ ...GET, status: 200, bytesOut: 100 });
  first.record({ ...GET, status: 404, errorCode: 'NoSuchKey', bytesOut: 10 });
  second.record({ ...GET, status: 200, bytesOut: 1000 });

  const snapshots = [await first.snapshot(), await second.snapshot()];
  // As they arrive over the message channel.
  const { contentType, text } = await renderMetrics(
    JSON.parse(JSON.stringify(snapshots)) as typeof snapshots,
  );
  assert.match(contentType, /^text\/plain/);
  assert.equal(sample(text, 's3ish_requests_total{operation="GetObject",status="200"}'), 2);
  assert.equal(sample(text, 's3ish_requests_total{operation="GetObject",status="404"}'), 1);
  assert.equal(
    sample(text, 's3ish_request_errors_total{operation="GetObject",code="NoSuchKey"}'),
    1,
  );
  assert.equal(sample(text, 's3ish_sent_bytes_total{operation="GetObject"}'), 1110);
  assert.equal(sample(text, 's3ish_requests_in_flight{operation="GetObject"}'), 4);
  assert.equal(sample(text, 's3ish_requests_in_flight{operation="PutObject"}'), 1);
  assert.equal(
    sample(text, 's3ish_request_duration_seconds_bucket{le="0.001",operation="GetObject"}'),
    0,
  );
  assert.equal(
    sample(text, 's3ish_request_duration_seconds_bucket{le="0.0025",operation="GetObject"}'),
    3,
  );
  assert.equal(sample(text, 's3ish_request_duration_seconds_count{operation="GetObject"}'), 3);
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
  assert.match(text, /^process_resident_memory_bytes /m);
});

test('clusterMetrics shows the state at the time of asking', async () => {
  const figures = {
    serverCount: 4,
    servingCount: 3,
    failingCount: 0,
    fencedCount: 1,
    restartCount: 7,
  };
  const source = clusterMetrics(() => figures);
  const before = (await renderMetrics([await source.snapshot()])).text;
  assert.equal(sample(before, 's3ish_server_processes'), 4);
  assert.equal(sample(before, 's3ish_server_processes_listening'), 3);
  assert.equal(sample(before, 's3ish_process_restarts_total'), 7);
  figures.servingCount = 4;
  const after = (await renderMetrics([await source.snapshot()])).text;
  assert.equal(sample(after, 's3ish_server_processes_listening'), 4);
  assert.equal(sample(after, 's3ish_process_restarts_total'), 7);
});
