/**
 * Event-loop delay of a server process while it is abused.
 *
 *     make build-bench && node build/bench/abuse.js [--seconds 4] [--connections 8] [--only XML]
 *
 * The server runs in a process of its own and watches its event loop the way its metric
 * `nodejs_eventloop_lag_p99_seconds` does. Every kind of abuse is repeated on all connections for
 * some seconds; the figures are of that time alone. Both transports are shown.
 *
 * @module
 */

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

import { COMPLETE_DOCUMENT_BYTES_MAX } from '#src/s3/limits.js';

import { hostileXml } from '../test/support/hostile-xml.js';
import { BACKENDS, startInProcessServer, type Backend } from '../test/support/in-process-server.js';
import { rawRequest, type RawReply, type Signer } from '../test/support/raw-request.js';
import { headerSigned, sendChunked, sendHead } from '../test/support/signed-request.js';

const RESOLUTION_MS = 10;
const BUCKET = 'abused';
const MIB = 1024 * 1024;

interface Delay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

type Abuse = (server: Signer, agent: Agent) => Promise<RawReply>;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
    serve: { type: 'string', default: '' },
  },
});

const ABUSES: Readonly<Record<string, Abuse>> = {
  'nothing but a small GET': (server, agent) =>
    rawRequest(server, { method: 'GET', path: `/${BUCKET}/missing`, agent }),
  'wrong signatures': (server) => sendHead(server, badHead(server), 'x'),
  'anonymous PUT of 1 MiB': (server, agent) =>
    rawRequest(server, { ...put('a'), body: Buffer.alloc(MIB), isAnonymous: true, agent }),
  'a digest that is wrong, 1 MiB': (server, agent) =>
    rawRequest(server, {
      ...put('b'),
      headers: { 'content-md5': Buffer.alloc(16).toString('base64') },
      body: Buffer.alloc(MIB),
      agent,
    }),
  'chunks of 8 KiB with a wrong signature at the end': (server) =>
    sendChunked(server, {
      path: `/${BUCKET}/c`,
      mode: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      chunks: Array.from({ length: 128 }, () => Buffer.alloc(8192)),
      edit: (body) => body.replace(/[0-9a-f]{64}\r\n\r\n$/, `${'0'.repeat(64)}\r\n\r\n`),
    }),
  'XML: many siblings': xml('many siblings'),
  'XML: references in many elements': xml('references in many elements'),
  'XML: many CDATA sections': xml('many CDATA sections'),
  'XML: huge text': xml('huge text'),
  'XML: long texts in many elements': xml('long texts in many elements'),
  'XML: deep nesting': xml('deep nesting'),
  'XML: a legal list of 10,000 parts': (server, agent) =>
    complete(server, agent, Buffer.from(legalCompletion(10_000))),
  'XML: above the limit': (server, agent) => complete(server, agent, Buffer.alloc(3 * MIB)),
};

if (values.serve === '') await run();
else await serve(values.serve as Backend);

async function run(): Promise<void> {
  for (const backend of BACKENDS) {
    const child = fork(import.meta.filename, ['--serve', backend]);
    const [server] = (await once(child, 'message')) as [Signer];
    try {
      await rawRequest(server, { method: 'PUT', path: `/${BUCKET}` });
      const transport = backend === 'memory' ? 'node:http' : 'uWebSockets.js';
      print(`${transport}${' '.repeat(51 - transport.length)} req/s  p50 ms  p99 ms  max ms`);
      for (const [name, abuse] of Object.entries(ABUSES)) {
        if (name.includes(values.only)) await measure(child, server, name, abuse);
      }
    } finally {
      child.send('stop');
      await once(child, 'exit');
    }
  }
}

async function measure(
  child: ChildProcess,
  server: Signer,
  name: string,
  abuse: Abuse,
): Promise<void> {
  const connections = Number(values.connections);
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  await ask(child);
  const untilMs = performance.now() + Number(values.seconds) * 1000;
  let count = 0;
  const answers = new Map<string, number>();
  const drive = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      // A connection that the server closes on a body it refused is part of the abuse.
      const answer = await abuse(server, agent).then(
        ({ status, code }) => `${status} ${code}`,
        (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error),
      );
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, drive));
  agent.destroy();
  const { p50Ms, p99Ms, maxMs } = await ask(child);
  const rate = (count / Number(values.seconds)).toFixed(0);
  const delays = [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1).padStart(7));
  print(
    `  ${name.padEnd(49)} ${rate.padStart(5)} ${delays.join(' ')}  ${[...answers.keys()].join()}`,
  );
}

/** The delays since the last question. */
async function ask(child: ChildProcess): Promise<Delay> {
  child.send('report');
  const [delay] = (await once(child, 'message')) as [Delay];
  return delay;
}

async function serve(backend: Backend): Promise<void> {
  const server = await startInProcessServer({ backend });
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const delay = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  process.on('message', (message) => {
    if (message === 'stop') {
      void server.stop().then(() => {
        process.disconnect();
      });
      return;
    }
    process.send?.({
      p50Ms: delay(histogram.percentile(50)),
      p99Ms: delay(histogram.percentile(99)),
      maxMs: delay(histogram.max),
    });
    histogram.reset();
  });
  const { port, region, accessKey, secretKey } = server;
  process.send?.({ port, region, accessKey, secretKey });
}

function put(key: string): { readonly method: 'PUT'; readonly path: string } {
  return { method: 'PUT', path: `/${BUCKET}/${key}` };
}

function badHead(server: Signer) {
  return headerSigned(
    { ...server, secretKey: 'wrong' },
    { method: 'PUT', rawPath: `/${BUCKET}/a` },
  );
}

function xml(kind: string): Abuse {
  const document = hostileXml(kind, 'CompleteMultipartUpload', COMPLETE_DOCUMENT_BYTES_MAX);
  return (server, agent) => complete(server, agent, document);
}

function complete(server: Signer, agent: Agent, body: Uint8Array): Promise<RawReply> {
  const place = { method: 'POST', path: `/${BUCKET}/key`, query: 'uploadId=a' };
  return rawRequest(server, { ...place, body, agent });
}

function legalCompletion(partsCount: number): string {
  const parts = Array.from(
    { length: partsCount },
    (_, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>&quot;${'a'.repeat(32)}&quot;</ETag></Part>`,
  );
  return `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
