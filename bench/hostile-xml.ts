/**
 * CPU time and memory of refusing hostile XML, for each operation that takes a document.
 *
 *     make build-bench && node build/bench/hostile-xml.js [--bytes 2097152] [--only Delete]
 *
 * Every document gets a process of its own, which reads a legal one first and then does with the
 * bytes what a server does: decode, and parse with the operation's reader. Memory is how far the
 * peak of the process grew, the bytes of the document not included. Documents above the limit of
 * their operation never get this far: they are refused from Content-Length.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

import { S3Error } from '#src/s3/errors.js';
import {
  COMPLETE_DOCUMENT_BYTES_MAX,
  DELETE_DOCUMENT_BYTES_MAX,
  DOCUMENT_BYTES_MAX,
} from '#src/s3/limits.js';
import {
  accessControlPolicyDocument,
  assertOwnersPolicy,
} from '#src/wire/documents/access-control-policy.js';
import { parseCompleteMultipartUpload } from '#src/wire/documents/complete-multipart-upload.js';
import { parseCreateBucketConfiguration } from '#src/wire/documents/create-bucket.js';
import { parseDelete } from '#src/wire/documents/delete-objects.js';
import { decodeDocument } from '#src/wire/xml-reader.js';

import { HOSTILE_KINDS, hostileXml } from '../test/support/hostile-xml.js';

const OWNER = '0'.repeat(64);

interface Reader {
  readonly root: string;
  readonly bytesMax: number;
  readonly parse: (document: string) => unknown;
  /** Read before, so that loading and compiling is not counted. */
  readonly legal: string;
}

const READERS: Readonly<Record<string, Reader>> = {
  CompleteMultipartUpload: {
    root: 'CompleteMultipartUpload',
    bytesMax: COMPLETE_DOCUMENT_BYTES_MAX,
    parse: parseCompleteMultipartUpload,
    legal: '<Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>',
  },
  DeleteObjects: {
    root: 'Delete',
    bytesMax: DELETE_DOCUMENT_BYTES_MAX,
    parse: parseDelete,
    legal: '<Object><Key>a</Key></Object>',
  },
  CreateBucket: {
    root: 'CreateBucketConfiguration',
    bytesMax: DOCUMENT_BYTES_MAX,
    parse: parseCreateBucketConfiguration,
    legal: '<LocationConstraint>eu-west-1</LocationConstraint>',
  },
  PutBucketAcl: {
    root: 'AccessControlPolicy',
    bytesMax: DOCUMENT_BYTES_MAX,
    parse: (document) => {
      assertOwnersPolicy(document, OWNER);
    },
    legal:
      /<AccessControlPolicy[^>]*>(.*)<\/Acc/s.exec(accessControlPolicyDocument(OWNER))?.[1] ?? '',
  },
};

interface Figures {
  readonly cpuMs: number;
  readonly memoryMiB: number;
  readonly outcome: string;
}

const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: String(2 * 1024 * 1024) },
    only: { type: 'string', default: '' },
    child: { type: 'string', multiple: true, default: [] },
  },
});

if (process.send === undefined) await run();
else await measure(values.child[0] ?? '', values.child[1] ?? '');

async function run(): Promise<void> {
  for (const [operation, { bytesMax }] of Object.entries(READERS)) {
    if (!operation.includes(values.only)) continue;
    const sizeBytes = Math.min(bytesMax, Number(values.bytes));
    print(`${operation}, ${(sizeBytes / 1024).toFixed(0)} KiB${' '.repeat(20)}CPU ms    MiB`);
    let [worstMs, worstMiB] = [0, 0];
    for (const kind of HOSTILE_KINDS) {
      const { cpuMs, memoryMiB, outcome } = await inChild(operation, kind);
      worstMs = Math.max(worstMs, cpuMs);
      worstMiB = Math.max(worstMiB, memoryMiB);
      const figures = `${cpuMs.toFixed(1).padStart(8)} ${memoryMiB.toFixed(1).padStart(6)}`;
      print(`  ${kind.padEnd(36)} ${figures}  ${outcome}`);
    }
    print(`  worst${' '.repeat(31)} ${worstMs.toFixed(1).padStart(8)} ${worstMiB.toFixed(1)}\n`);
  }
}

async function inChild(operation: string, kind: string): Promise<Figures> {
  const options = ['--bytes', values.bytes, '--child', operation, '--child', kind];
  const child = fork(import.meta.filename, options);
  const [figures] = (await once(child, 'message')) as [Figures];
  await once(child, 'exit');
  return figures;
}

async function measure(operation: string, kind: string): Promise<void> {
  const reader = READERS[operation];
  assert(reader !== undefined, `there is no operation ${operation}`);
  const { root, bytesMax, parse, legal } = reader;
  // As often as a server would have before it is warm.
  for (let count = 0; count < 20; count += 1) await parse(`<${root}>${legal}</${root}>`);
  const bytes = hostileXml(kind, root, Math.min(bytesMax, Number(values.bytes)));
  const peakKiB = process.resourceUsage().maxRSS;
  const before = process.cpuUsage();
  let outcome = 'accepted';
  try {
    await parse(decodeDocument(bytes));
  } catch (error) {
    const text = error instanceof S3Error ? error.message : String(error);
    outcome = text.replace(/^.*schema: |\n.*/gs, '');
  }
  const { user, system } = process.cpuUsage(before);
  const memoryMiB = (process.resourceUsage().maxRSS - peakKiB) / 1024;
  process.send?.({ cpuMs: (user + system) / 1000, memoryMiB, outcome }, () => {
    process.disconnect();
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
