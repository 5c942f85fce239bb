/**
 * System calls of a process as strace prints them, and the order that durable writes have in them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants, readdirSync, readFileSync } from 'node:fs';

/** Every flush of the payload is over before the first byte goes to the index. */
export function assertPayloadBeforeRecord(
  calls: readonly string[],
  bucket: string,
  keyName: string,
  { isLinked = false } = {},
): void {
  const blob = `/${bucket}/[0-9a-f]{2}/${keyName}/[0-9a-f]{32}`;
  const steps = [
    ...(isLinked ? [] : [`fdatasync\\(\\d+<.*${blob}/data>`]),
    `fdatasync\\(\\d+<.*${blob}/metadata.json>`,
    `fsync\\(\\d+<.*${blob}>`,
    `fsync\\(\\d+<.*/${bucket}/[0-9a-f]{2}/${keyName}>`,
    `fsync\\(\\d+<.*/${bucket}/[0-9a-f]{2}>`,
    `fsync\\(\\d+<.*/${bucket}>`,
  ].map((pattern) => indexOf(calls, pattern));
  const [directory = 0] = steps.slice(-4);
  for (const file of steps.slice(0, -4)) assert(file < directory, 'files before directories');
  const record = indexOf(calls, INDEX_WRITE);
  for (const step of steps) assert(step < record, `${calls[step]} precedes ${calls[record]}`);
}

/** LMDB writes pages, flushes them, then writes its meta page through a descriptor of its own. */
export function assertRecordBeforeAnswer(calls: readonly string[], pid: number | undefined): void {
  const answer = indexOf(calls, '(sendto|sendmsg|write|writev)\\(\\d+<(TCP|socket).*"HTTP/1.1 2');
  const before = calls.slice(0, answer);
  const writes = before.filter((call) => new RegExp(INDEX_WRITE).test(call));
  assert(writes.length >= 2, 'pages and a meta page are written before the answer');
  const firstWrite = indexOf(before, INDEX_WRITE);
  const flush = before.findIndex(
    (call, at) => at > firstWrite && /f(data)?sync\(\d+<.*data\.mdb>/.test(call),
  );
  assert(flush > firstWrite, 'the pages are flushed before the answer');
  const early = before.slice(0, flush).filter((call) => isMetaWrite(call));
  assert.deepEqual(early, [], 'nobody sees the record before it is flushed');
  const meta = before.findLast((call) => new RegExp(INDEX_WRITE).test(call)) ?? '';
  assert(before.lastIndexOf(meta) > flush, 'the meta page is written after the flush of the pages');
  const [, descriptor = ''] = /\((\d+)</.exec(meta) ?? [];
  const info = readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8');
  const [, flags = ''] = /^flags:\s+([0-7]+)$/m.exec(info) ?? [];
  assert(
    (parseInt(flags, 8) & constants.O_DSYNC) !== 0,
    'the meta page is flushed as it is written',
  );
  const late = calls.slice(answer).filter((call) => new RegExp(INDEX_WRITE).test(call));
  assert.deepEqual(late, [], 'nothing of the record is written after the answer');
}

/** The first two pages of the file; whichever is newer names the tree that readers see. */
function isMetaWrite(call: string): boolean {
  const [, offset] = /^pwrite64\(.*data\.mdb>.*, (\d+)(?:\)|$)/.exec(call) ?? [];
  return offset !== undefined && Number(offset) < 2 * 4096;
}

/** Writes to the file of the index, its meta page among them. */
export const INDEX_WRITE = '(pwrite64|pwritev2?|writev?)\\(\\d+<.*data\\.mdb>';

/** Where the first call that matches is. @throws when none does. */
export function indexOf(calls: readonly string[], pattern: string): number {
  const index = calls.findIndex((call) => new RegExp(pattern).test(call));
  assert(index >= 0, `${pattern} is among\n${calls.join('\n')}`);
  return index;
}

/**
 * Calls as `name(arguments) = result`, ordered by their ends; one that another thread interrupts is
 * printed in two halves. Writes are ordered by their beginnings, which is the stricter reading.
 */
export function finishedCalls(trace: string): string[] {
  const begun = new Map<string, string>();
  const calls: string[] = [];
  for (const line of trace.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const [, beginning] = /^(.*) <unfinished \.\.\.>$/.exec(text) ?? [];
    const [, ending] = /^<\.\.\. \w+ resumed>(.*)$/.exec(text) ?? [];
    if (beginning !== undefined) {
      if (/^f(data)?sync/.test(beginning)) begun.set(thread, beginning);
      else calls.push(beginning);
    } else if (ending !== undefined) {
      const whole = begun.get(thread);
      if (whole !== undefined) calls.push(`${whole}${ending}`);
      begun.delete(thread);
    } else if (text !== '') calls.push(text);
  }
  return calls;
}

/** Whether every thread of a process has a tracer. */
export function isTraced(pid: number | undefined): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return !/^TracerPid:\s+0$/m.test(status);
  });
}

/** @returns why calls cannot be traced here, or undefined. */
export function whyNoStrace(): string | undefined {
  const { error, status, stderr } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']);
  if (error !== undefined) return `strace cannot be run: ${error.message}`;
  return status === 0 ? undefined : `strace cannot trace: ${stderr.toString().trim()}`;
}
