/**
 * Runs the load generator, which is a small C program compiled when it is first needed.
 *
 * @module
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { REPOSITORY } from '../test/support/repository.js';

/** A whole request as bytes. */
export interface PreparedRequest {
  readonly bytes: Uint8Array;
  readonly isHead?: boolean;
}

export interface Load {
  readonly requests: readonly PreparedRequest[];
  /** `once` sends each a single time; `cycle` goes on until the time is over. */
  readonly mode: 'once' | 'cycle';
  readonly connectionCount: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
}

export interface LoadFigures {
  /** Answers with 2xx. */
  readonly count: number;
  /** Other answers, and connections that broke. */
  readonly errorCount: number;
  /** Status of the first answer that was no success; 0 if there was none. */
  readonly firstErrorStatus: number;
  /** Bytes of requests and of bodies of answers. */
  readonly movedBytes: number;
  readonly elapsedMs: number;
  /** CPU time of the generator itself. */
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

const SOURCE = `${REPOSITORY}bench/generator/load.c`;
const PROGRAM = `${REPOSITORY}build/bench/load`;

/**
 * Sends a load and measures it.
 *
 * @param onBegin - called when the warm-up is over and measuring begins.
 */
export async function runLoad(
  target: { readonly host: string; readonly port: number },
  load: Load,
  onBegin: () => void = () => undefined,
): Promise<LoadFigures> {
  const program = spawn(compiledProgram(), argumentsOf(target, load), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    program.on('close', resolve).on('error', reject);
  });
  let report = '';
  createInterface(program.stdout).on('line', (line) => {
    if (line === 'began') onBegin();
    else report = line;
  });
  for (const { bytes, isHead = false } of load.requests) {
    program.stdin.write(`${bytes.byteLength} ${isHead ? 1 : 0}\n`);
    program.stdin.write(bytes);
  }
  program.stdin.end();
  if ((await ended) !== 0) throw new Error('the load generator failed');
  return JSON.parse(report) as LoadFigures;
}

function argumentsOf({ host, port }: { host: string; port: number }, load: Load): string[] {
  const { connectionCount, warmUpMs, durationMs, mode } = load;
  return [host, ...[port, connectionCount, warmUpMs, durationMs].map(String), mode];
}

function compiledProgram(): string {
  if (modifiedMs(PROGRAM) < modifiedMs(SOURCE)) {
    mkdirSync(`${REPOSITORY}build/bench`, { recursive: true });
    execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-o', PROGRAM, SOURCE], { stdio: 'inherit' });
  }
  return PROGRAM;
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
