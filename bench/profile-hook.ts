/**
 * Loaded into the server's processes by `compare.js --profile`: SIGUSR2 begins a CPU profile, a second
 * one stores it under `S3ISH_PROFILES`, for Chrome's developer tools.
 *
 * @module
 */

import cluster from 'node:cluster';
import { writeFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector';

const SAMPLE_US = 200;

if (cluster.isWorker) {
  const session = new Session();
  session.connect();
  let isRunning = false;
  process.on('SIGUSR2', () => {
    if (isRunning) session.post('Profiler.stop', store);
    else start(session);
    isRunning = !isRunning;
  });
}

function start(session: Session): void {
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  session.post('Profiler.start');
}

function store(error: Error | null, { profile }: Profiler.StopReturnType): void {
  if (error !== null) throw error;
  const directory = process.env['S3ISH_PROFILES'] ?? '.';
  writeFileSync(`${directory}/${process.pid}-${Date.now()}.cpuprofile`, JSON.stringify(profile));
}
