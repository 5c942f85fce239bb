#!/usr/bin/env node
/**
 * Where every process of s3ish begins: a command line, or a child of a running server.
 *
 * Each loads only what it needs, since loading is most of what a start takes.
 *
 * @module
 */

import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';

// A child is this same program; what it shall be comes by message from the primary.
if (cluster.isWorker) {
  const { runChild } = await import('./cluster/child.js');
  await runChild();
} else {
  const { runCommand } = await import('./commands/program.js');
  process.exit(await runCommand(process.argv, packageVersion()));
}

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
