/**
 * What s3ish promises about faults and load, and how each test of it was seen to fail.
 *
 * A promise without a mutation that makes its test fail does not count: such a test might pass for
 * any server. `make mutations` tries them all; `docs/RELIABILITY.md` is made of this table and of
 * the figures under `results/`.
 *
 * @module
 */

/** One safeguard taken out of the server. */
export interface Mutation {
  /** What is missing then. */
  readonly name: string;
  readonly file: string;
  /** Text of the file, occurring once. */
  readonly find: string;
  readonly replace: string;
  /** The test that must fail, below `test/`, such as `crash/kill.test.js`. */
  readonly test: string;
  /** Only tests whose names match. */
  readonly pattern?: string;
  /** Settings of the test, to make it quick. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ReliabilityPromise {
  readonly id: string;
  readonly promise: string;
  /** What measures the figures in full. */
  readonly command: string;
  readonly mutations: readonly Mutation[];
}

/** In the order of ids. */
export const PROMISES: readonly ReliabilityPromise[] = [
  {
    id: 'P-01',
    promise: 'kill -9 at any moment loses nothing that was acknowledged.',
    command: 'make crash ROUNDS=1000',
    mutations: [
      {
        name: 'answers do not wait for the commit',
        file: 'src/metadata/commit-queue.ts',
        find: 'for (const pending of batch) outcomes.push(decide(txn, pending));',
        replace: `for (const pending of batch) {
          const outcome = decide(txn, pending);
          outcomes.push(outcome);
          if (outcome.refusal === undefined) pending.resolve(outcome.output);
        }`,
        test: 'crash/kill.test.js',
        env: { S3ISH_CRASH_ROUNDS: '50' },
      },
      {
        name: 'a commit that nobody was told of is taken for one that never was',
        file: 'src/metadata/lmdb-environment.ts',
        find: 'await this.write(() => undefined, undefined);',
        replace: '',
        test: 'crash/unseen-commit.test.js',
        pattern: 'whose server is killed',
      },
      {
        name: 'what a dead process asked for is committed after its files were swept',
        file: 'src/metadata/index-writer.ts',
        find: 'this.#settled.add(incarnation);',
        replace: 'return;',
        test: 'contract/environment-remote.test.js',
        pattern: 'settle',
      },
      {
        name: 'the writer answers before it commits',
        file: 'src/metadata/index-writer.ts',
        find: 'environment.write(action, input as never).then(',
        replace: `answers.push([id, true, undefined]);
      environment.write(action, input as never).then(`,
        test: 'contract/durable-order.test.js',
        pattern: 'CreateBucket',
      },
    ],
  },
  {
    id: 'P-02',
    promise: 'kill -9 of one server process hurts only the requests on its own connections.',
    command: 'make crash',
    mutations: [
      {
        name: 'no other process is started',
        file: 'src/cluster/supervisor.ts',
        find: 'place.respawnTimer = setTimeout(() => this.#spawn(place), delayMs);',
        replace: '',
        test: 'crash/process-faults.test.js',
        pattern: 'only its own connections',
      },
    ],
  },
  {
    id: 'P-03',
    promise: 'A power cut loses nothing that was acknowledged.',
    command: 'make crash ROUNDS=1000',
    mutations: [
      {
        name: 'data files and sidecars are not flushed',
        file: 'src/blobs/volume.ts',
        find: 'if (this.#isFsyncEnabled) await this.#fenced(() => file.datasync());',
        replace: '',
        test: 'crash/power-cut.test.js',
        pattern: 'loses no acknowledged write',
        env: { S3ISH_POWER_CUTS: '20' },
      },
      {
        name: 'directories are not flushed',
        file: 'src/blobs/volume.ts',
        find: 'await syncDirectory(path, (flush) => this.#fenced(flush), this.#disk);',
        replace: '',
        test: 'contract/durable-order.test.js',
      },
    ],
  },
  {
    id: 'P-04',
    promise:
      'Whatever part of the unflushed writes and names a crash keeps, tears or drops, and after whichever call: what was acknowledged reads back, the rest is whole or absent, and the sweeper leaves nothing over.',
    command: 'make crash',
    mutations: [
      ...(
        [
          [
            'data files and sidecars are not flushed',
            'src/blobs/volume.ts',
            'if (this.#isFsyncEnabled) await this.#fenced(() => file.datasync());',
            '',
          ],
          [
            "a blob's directory is not flushed",
            'src/blobs/plain-writer.ts',
            'const paths = [blob, key, fanOut, bucket, ...(isNewBucket ? [basePath] : [])];',
            'const paths = [key, fanOut, bucket, ...(isNewBucket ? [basePath] : [])];',
          ],
          [
            "a key's directory is not flushed",
            'src/blobs/plain-writer.ts',
            'const paths = [blob, key, fanOut, bucket, ...(isNewBucket ? [basePath] : [])];',
            'const paths = [blob, fanOut, bucket, ...(isNewBucket ? [basePath] : [])];',
          ],
          [
            "a bucket's directory is not flushed",
            'src/blobs/plain-writer.ts',
            'const paths = [blob, key, fanOut, bucket, ...(isNewBucket ? [basePath] : [])];',
            'const paths = [blob, key, fanOut, ...(isNewBucket ? [basePath] : [])];',
          ],
          [
            'the name of a new bucket is not flushed',
            'src/blobs/plain-writer.ts',
            'const paths = [blob, key, fanOut, bucket, ...(isNewBucket ? [basePath] : [])];',
            'const paths = [blob, key, fanOut, bucket];',
          ],
          [
            'the mark is removed before the record is committed',
            'src/store/staged-payload.ts',
            '      const output = await commit();\n      await this.#writer?.keep();\n',
            '      await this.#writer?.keep();\n      const output = await commit();\n',
          ],
          [
            'the sweeper leaves empty directories',
            'src/store/reclaimer.ts',
            'isTidying: true',
            'isTidying: false',
          ],
        ] as const
      ).map(([name, file, find, replace]) => ({
        ...{ name, file, find, replace },
        ...{ test: 'crash/crash-states.test.js', pattern: 'short workloads' },
        env: { S3ISH_CRASH_STATES_DEPTH: '1' },
      })),
    ],
  },
  {
    id: 'P-05',
    promise: 'A crash inside CompleteMultipartUpload leaves all parts or the whole object.',
    command: 'make crash',
    mutations: [
      {
        name: 'a completion that is asked for again is not recognised',
        file: 'src/store/complete-upload.ts',
        find: 'if (upload === undefined) return repeatedCompletion(context, input);',
        replace:
          "if (upload === undefined) throw new S3Error('NoSuchUpload', { UploadId: input.uploadId });",
        test: 'crash/complete-kills.test.js',
      },
    ],
  },
  {
    id: 'P-06',
    promise:
      'An operation of which a call to the disk fails says so and has done nothing, or has done everything; it leaves nothing open and nothing that the sweeper does not remove.',
    command: 'make fault',
    mutations: [
      {
        name: 'a mark that stays fails a write that is done',
        file: 'src/blobs/plain-writer.ts',
        find: 'await this.#context.disk.unlink(this.#markPath()).catch(() => undefined);',
        replace: 'await this.#context.disk.unlink(this.#markPath());',
        test: 'fault/failing-calls.test.js',
      },
      {
        name: 'a discarded blob stays',
        file: 'src/blobs/plain-writer.ts',
        find: '    await removeBlob(this.#context.disk, this.#paths);\n',
        replace: '',
        test: 'fault/failing-calls.test.js',
      },
    ],
  },
  {
    id: 'P-07',
    promise:
      'An index that cannot be written leaves reads alone; a process that lost it is replaced without a crash loop, and service returns by itself.',
    command: 'make fault',
    mutations: [
      {
        name: 'a failed commit puts up no fence',
        file: 'src/metadata/lmdb-environment.ts',
        find: 'if (this.#isFatal || !PASSING_FAULTS.has(fault.code)) this.fence(fault);',
        replace: '',
        test: 'fault/failed-disk.test.js',
        pattern: 'takes no commits',
      },
    ],
  },
  {
    id: 'P-08',
    promise:
      'On a disk that is full to the last byte writes get 507, reads, lists and deletions work, and writes are taken again as soon as there is space.',
    command: 'make fault',
    mutations: [
      {
        name: 'the reserve is not given up',
        file: 'src/store/reserve.ts',
        find: '      await this.#release(this.#directory);',
        replace: '      void this.#release;',
        test: 'fault/full-disk.test.js',
        pattern: 'a disk of the index',
      },
    ],
  },
  {
    id: 'P-09',
    promise:
      'A flipped bit is noticed: never wrong bytes, never a clean short answer, never an object under another key.',
    command: 'make fault',
    mutations: [
      {
        name: 'blocks are not compared with their checksums',
        file: 'src/blobs/read-blocks.ts',
        find: 'if (crc32(block) !== layout.blockChecksums[index]) {',
        replace: 'if (crc32(block) === -1) {',
        test: 'fault/bit-flips.test.js',
        pattern: 'small data file',
      },
      {
        name: 'sidecars are not compared with records',
        file: 'src/store/verify-blob.ts',
        find: 'return names.find((name) => !isDeepStrictEqual(seen[name], wanted[name]));',
        replace: 'return names.find((name) => seen[name] === wanted);',
        test: 'fault/wrong-place.test.js',
        pattern: 'whole sidecar',
      },
      {
        name: 'sidecars are not compared with their own checksum',
        file: 'src/store/sidecar.ts',
        find: 'if (covered === undefined || crc32(covered) !== Number(checksum)) {',
        replace: 'if (covered === undefined || checksum === undefined) {',
        test: 'fault/bit-flips.test.js',
        pattern: 'of a sidecar',
      },
      {
        name: 'records are not compared with their checksums',
        file: 'src/metadata/record-codec.ts',
        find: 'if (this.#buffer.readUInt32LE(1) !== checksumOf(this.#buffer)) {',
        replace: 'if (this.#buffer.length === 0) {',
        test: 'fault/index-flips.test.js',
      },
      {
        name: 'records are not tied to their keys',
        file: 'src/metadata/key-binding.ts',
        find: 'return ~checksum;',
        replace: 'return 0;',
        test: 'fault/index-flips.test.js',
        env: { S3ISH_INDEX_FLIPS: '0' },
      },
      {
        name: 'a walk goes on when keys are out of order',
        file: 'src/metadata/lmdb-environment.ts',
        find: 'if (order < 0 || (order === 0 && entries.length > 0)) {',
        replace: 'if (entries.length < 0) {',
        test: 'contract/environment-lmdb.test.js',
        pattern: 'out of order',
      },
    ],
  },
  {
    id: 'P-10',
    promise: 'The scrubber finds damage within one pass, tells it once, and raises no false alarm.',
    command: 'make fault',
    mutations: [
      {
        name: 'the scrubber reads data without looking at the result',
        file: 'src/store/verify-blob.ts',
        find: "if (dataProblem !== undefined) damages.push({ part: 'data', problem: dataProblem });",
        replace: '',
        test: 'fault/scrubber.test.js',
        pattern: 'finds a damaged object',
      },
    ],
  },
  {
    id: 'P-11',
    promise: 'Swapped, stale, foreign, cut, extended, zeroed and missing data is noticed.',
    command: 'make fault',
    mutations: [
      {
        name: 'the size of a file is not compared with the layout',
        file: 'src/blobs/plain-blobs.ts',
        find: 'if (sizeBytes === layout.sizeBytes) {',
        replace: 'if (sizeBytes >= 0) {',
        test: 'fault/wrong-place.test.js',
        pattern: 'byte more',
      },
      {
        name: 'a named pipe is waited for',
        file: 'src/blobs/plain-blobs.ts',
        find: ' | constants.O_NONBLOCK;',
        replace: ';',
        test: 'fault/wrong-place.test.js',
        pattern: 'named pipe instead of data',
      },
    ],
  },
  {
    id: 'P-13',
    promise: 'SIGTERM ends the server without cutting off a request that runs.',
    command: 'S3ISH_RELIABILITY=record make test',
    mutations: [
      {
        name: 'running requests are not waited for',
        file: 'src/cluster/child.ts',
        find: 'if (this.part === undefined) finish();',
        replace: 'if (this.part !== undefined) finish();',
        test: 'contract/cluster.test.js',
        pattern: 'finishes the request in flight on SIGTERM',
      },
    ],
  },
  {
    id: 'P-14',
    promise:
      'A process that dies at its start is tried again in pauses of 0.2 to 10 s; health turns red after three, and the others keep serving.',
    command: 'make crash',
    mutations: [
      {
        name: 'pauses do not grow',
        file: 'src/cluster/respawn.ts',
        find: 'this.#nextDelayMs = Math.min(delayMs * 2, RESPAWN_DELAY_MS_MAX);',
        replace: '',
        test: 'crash/process-faults.test.js',
        pattern: 'dies at its start',
      },
      {
        name: 'failed starts do not show',
        file: 'src/server/admin.ts',
        find: ' && failingCount === 0',
        replace: '',
        test: 'crash/process-faults.test.js',
        pattern: 'dies at its start',
      },
    ],
  },
  {
    id: 'P-15',
    promise: 'Thousands of idle connections cost little, and no more are taken than configured.',
    command: 'make fault',
    mutations: [
      {
        name: 'connections beyond the limit are kept',
        file: 'src/server/uws-transport.ts',
        find: 'if (change > 0 && this.#connectionsCount > connectionsCountMax) res.close();',
        replace: '',
        test: 'abuse/idle-connections.test.js',
        pattern: 'beyond max_connections',
      },
    ],
  },
  {
    id: 'P-16',
    promise: 'Slow uploads succeed, or are dropped as the settings say and leave nothing.',
    command: 'make fault',
    mutations: [
      {
        name: 'the timer of the HTTP library is not re-armed',
        file: 'src/server/uws-responder.ts',
        find: 'this.#res.pause();\n      this.#res.resume();',
        replace: '',
        test: 'abuse/slow-uploads.test.js',
        pattern: 'are waited for',
        env: { S3ISH_ABUSE_COUNT: '20' },
      },
      {
        name: 'the rate of an upload is not looked at',
        file: 'src/server/receive-queue.ts',
        find: 'if (this.#watchedBytes < bytesMin)',
        replace: 'if (false)',
        test: 'abuse/slow-uploads.test.js',
        pattern: 'are dropped',
        env: { S3ISH_ABUSE_COUNT: '20' },
      },
    ],
  },
  {
    id: 'P-17',
    promise:
      'A thousand readers that do not read cost at most 128 MiB together, and get right bytes.',
    command: 'make fault',
    mutations: [
      {
        name: 'every answer keeps its blocks, however many there are',
        file: 'src/server/transport-limits.ts',
        find: 'export const STREAM_PLACES_COUNT = 64;',
        replace: 'export const STREAM_PLACES_COUNT = 1_000_000;',
        test: 'abuse/slow-readers.test.js',
        env: { S3ISH_ABUSE_COUNT: '500' },
      },
      {
        name: 'an answer that was held up goes on at the wrong byte',
        file: 'src/server/stream-body.ts',
        find: 'this.#doneBytes = this.#sink.sentBytes;',
        replace: 'this.#doneBytes += piece.byteLength;',
        test: 'abuse/slow-readers.test.js',
      },
    ],
  },
  {
    id: 'P-18',
    promise: 'Requests cut at any byte, and bytes that are no requests, leave nothing behind.',
    command: 'make fault',
    mutations: [
      {
        name: 'a request does not give its place back',
        file: 'src/server/dispatch.ts',
        find: 'progress.semaphore?.release();',
        replace: '',
        test: 'abuse/aborts.test.js',
        pattern: 'cut at random bytes',
        env: { S3ISH_ABUSE_COUNT: '500' },
      },
      {
        name: 'what an upload wrote stays when it fails',
        file: 'src/blobs/plain-writer.ts',
        find: 'await removeBlob(this.#context.disk, this.#paths);\n    await this.#context.disk.unlink(this.#markPath()).catch(ignoreMissing);',
        replace: '',
        test: 'abuse/aborts.test.js',
        pattern: 'cut at random bytes',
        env: { S3ISH_ABUSE_COUNT: '500' },
      },
    ],
  },
  {
    id: 'P-19',
    promise: 'No process takes more than 300 MiB, whatever clients do.',
    command: 'make fault',
    mutations: [
      {
        name: 'every answer keeps its blocks, however many there are',
        file: 'src/server/transport-limits.ts',
        find: 'export const STREAM_PLACES_COUNT = 64;',
        replace: 'export const STREAM_PLACES_COUNT = 1_000_000;',
        test: 'abuse/slow-readers.test.js',
        env: { S3ISH_ABUSE_COUNT: '1000' },
      },
    ],
  },
  {
    id: 'P-20',
    promise: 'Ten times too many requests: what is possible is served, the rest is told so soon.',
    command: 'make fault',
    mutations: [
      {
        name: 'requests wait for their turn, however long it takes',
        file: 'src/server/admission.ts',
        find: 'if (workedMs <= turnMsMax) return true;',
        replace: 'if (workedMs > 0) return true;',
        test: 'abuse/overload.test.js',
        pattern: 'lists of',
      },
      {
        name: 'any number of payloads moves at once',
        file: 'src/util/semaphore.ts',
        find: 'if (this.#freeCount > 0) {',
        replace: 'if (this.#freeCount > -1e9) {',
        test: 'abuse/overload.test.js',
        pattern: 'GETs of 1 MiB',
      },
    ],
  },
  {
    id: 'P-21',
    promise: 'The event loop of a process comes round soon, whatever clients do.',
    command: 'make fault',
    mutations: [
      {
        name: 'requests wait for their turn, however long it takes',
        file: 'src/server/admission.ts',
        find: 'if (workedMs <= turnMsMax) return true;',
        replace: 'if (workedMs > 0) return true;',
        test: 'abuse/overload.test.js',
        pattern: 'lists of',
      },
    ],
  },
  {
    id: 'P-22',
    promise:
      'Every object is linearisable over all processes, lists included, also when processes are killed; of writers that race on a condition exactly one wins.',
    command: 'make consistency',
    mutations: [
      {
        name: 'requests read the snapshot that is at hand',
        file: 'src/store/open-store.ts',
        find: `    refresh: () => {
      context.environment.refresh();
    },`,
        replace: '    refresh: () => {},',
        test: 'consistency/processes.test.js',
        pattern: 'to every process at once',
      },
      {
        name: 'conditions are not decided inside the transaction',
        file: 'src/store/object-actions.ts',
        find: `  checkWriteConditions(input.conditions, current, input.key);
  return replaceObject(txn, input, current, 0);`,
        replace: `  void checkWriteConditions;
  return replaceObject(txn, input, current, 0);`,
        test: 'consistency/processes.test.js',
        pattern: 'If-None-Match writers',
        env: { S3ISH_CONSISTENCY_RACES: '10' },
      },
      {
        name: 'a write is acknowledged before it is committed',
        file: 'src/metadata/commit-queue.ts',
        find: `        for (const pending of batch) outcomes.push(decide(txn, pending));
      });`,
        replace: `        for (const pending of batch) outcomes.push(decide(txn, pending));
        batch.forEach((pending, index) => {
          if (outcomes[index]?.refusal === undefined) pending.resolve(outcomes[index]?.output);
        });
      });`,
        test: 'consistency/linearizable.test.js',
        pattern: 'while all processes run',
        env: { S3ISH_LINEAR_OPERATIONS: '4000' },
      },
    ],
  },
  {
    id: 'P-23',
    promise: 'A value that any GET has returned survives a power cut right after it.',
    command: 'make crash ROUNDS=1000',
    mutations: [
      {
        name: 'values are visible before they are durable',
        file: 'src/metadata/lmdb-environment.ts',
        find: 'overlappingSync: !options.isFsyncEnabled,',
        replace: 'overlappingSync: true,',
        test: 'crash/visible-when-durable.test.js',
        pattern: 'no value is visible',
      },
    ],
  },
  {
    id: 'P-27',
    promise:
      'An index that is lost is made again from the files beside the data, record for record, for all that lies in files; one that is restored from a copy costs nothing that was written since and has files.',
    command: 'S3ISH_REBUILD_OBJECTS=50000 make fault',
    mutations: [
      {
        name: 'the oldest version of a key is taken for the current one',
        file: 'src/maintenance/found-objects.ts',
        find: '[...blobs.keys()].sort().reverse()',
        replace: '[...blobs.keys()].sort()',
        test: 'fault/rebuild-index.test.js',
        pattern: 'tells what it cannot use',
      },
      {
        name: 'a sidecar is believed wherever it lies',
        file: 'src/maintenance/found-objects.ts',
        find: 'if (blobPaths(options.basePath, sidecar).blob !== path) {',
        replace: 'if (sidecar.bucket !== directory.bucket) {',
        test: 'fault/rebuild-index.test.js',
        pattern: 'tells what it cannot use',
      },
      {
        name: 'the walk removes what a restored index does not know',
        file: 'src/store/reclaimer.ts',
        find: '): Promise<number> {\n  if (areOrphansKept(context)) return 0;',
        replace: '): Promise<number> {',
        test: 'fault/backup-index.test.js',
        pattern: 'a restored index keeps',
      },
      {
        name: 'a server that starts without an index takes all files for leftovers',
        file: 'src/store/open-store.ts',
        find: '      await environment.write(keepOrphansAction, true);',
        replace: '',
        test: 'fault/rebuild-index.test.js',
        pattern: 'starts without its index',
      },
      {
        name: 'a copy is not flushed before it gets its name',
        file: 'src/maintenance/backup-index.ts',
        find: '    await flushFile(`${workPath}/${INDEX_FILE_NAME}`);',
        replace: '',
        test: 'fault/backup-index.test.js',
        pattern: 'before it gets its name',
      },
      {
        name: 'an index is not flushed before it is put in its place',
        file: 'src/maintenance/new-index.ts',
        find: '    await flushFile(`${workPath}/${INDEX_FILE_NAME}`);',
        replace: '',
        test: 'fault/backup-index.test.js',
        pattern: 'before it gets its name',
      },
    ],
  },
  {
    id: 'P-28',
    promise:
      '`s3ish fsck` finds what does not fit together in a store, and nothing in one that is in order, at rest, under load or after a crash.',
    command: 'make fault',
    mutations: [
      {
        name: 'counters are not compared with rows',
        file: 'src/maintenance/check-counters.ts',
        find: 'if (found[what] === kept[what]) continue;',
        replace: 'if (found[what] !== undefined) continue;',
        test: 'fault/fsck.test.js',
        pattern: 'count of objects that is one too high',
      },
      {
        name: 'sidecars are not compared with records',
        file: 'src/maintenance/check-files.ts',
        find: 'const problem = await problemOfSidecar(context.blobs, blob);',
        replace: 'const problem: string | undefined = await Promise.resolve(undefined);',
        test: 'fault/fsck.test.js',
        pattern: 'an object with other tags',
      },
      {
        name: 'garbage is not compared with what is alive',
        file: 'src/maintenance/check-references.ts',
        find: 'if (!isUsed) return;',
        replace: 'if (isUsed || !isUsed) return;',
        test: 'fault/fsck.test.js',
        pattern: 'a living blob among the garbage',
      },
      {
        name: 'what a crash has just left counts as forgotten',
        file: 'src/maintenance/check-tree.ts',
        find: 'if (changedMs > context.nowMs - LEFTOVER_AGE_MS) return undefined;',
        replace: '',
        test: 'fault/fsck.test.js',
        pattern: 'a young blob that no record knows',
      },
      {
        name: 'the lock of the store is not taken',
        file: 'src/commands/fsck.ts',
        find: 'if (!isOnline) await lock(paths.metadataPath);',
        replace: 'void lock;',
        test: 'fault/fsck.test.js',
        pattern: 'refuses a store that is served',
      },
    ],
  },
  {
    id: 'P-29',
    promise:
      'Jumps of the clock by hours or days leave versions in order and durations positive; limits follow the new time.',
    command: 'make model',
    mutations: [
      {
        name: 'a version is dated by the clock alone',
        file: 'src/store/object-actions.ts',
        find: 'Math.max(lastModifiedMs, current?.lastModifiedMs ?? 0)',
        replace: 'lastModifiedMs',
        test: 'operations/clock.test.js',
        pattern: 'no version that looks older',
      },
      {
        name: 'a part is dated by the clock alone',
        file: 'src/store/upload-actions.ts',
        find: 'Math.max(input.part.lastModifiedMs, notBeforeMs)',
        replace: 'input.part.lastModifiedMs',
        test: 'operations/clock.test.js',
        pattern: 'an upload goes on',
      },
      {
        name: 'the end of a presigned URL is not looked at',
        file: 'src/auth/query-claim.ts',
        find: 'if (Math.floor(nowMs / 1000) <= lastSecond) return;',
        replace: 'return;',
        test: 'operations/clock.test.js',
        pattern: 'presigned URLs',
      },
      {
        name: 'conditions go by another clock',
        file: 'src/operations/get-object.ts',
        find: 'version, call.nowMs);',
        replace: 'version, Date.now());',
        test: 'operations/clock.test.js',
        pattern: 'conditions go by',
      },
    ],
  },
  {
    id: 'P-30',
    promise: 'A process that hangs is replaced within ten seconds, and so ends its hold on others.',
    command: 'make crash',
    mutations: [
      {
        name: 'silence is not noticed',
        file: 'src/cluster/heartbeat.ts',
        find: 'return this.#silentCount > (isReady ? SILENT_COUNT_MAX : SILENT_COUNT_MAX_AT_START);',
        replace: 'return false;',
        test: 'crash/hung-process.test.js',
      },
    ],
  },
  {
    id: 'P-31',
    promise: 'Wrong signatures change nothing, cost little, and are no trouble for others.',
    command: 'make fault',
    mutations: [
      {
        name: 'a signature is not compared',
        file: 'src/wire/sigv4.ts',
        find: 'timingSafeEqual(expectedBytes, providedBytes)',
        replace: 'true',
        test: 'abuse/hostile-login.test.js',
      },
    ],
  },
  {
    id: 'P-34',
    promise:
      'Data of every released format is opened and served; data of a later one is refused with a clear message and not changed.',
    command: 'S3ISH_RELIABILITY=record make test',
    mutations: [
      {
        name: 'the format of an index is not looked at',
        file: 'src/metadata/lmdb-environment.ts',
        find: '    if (format !== INDEX_FORMAT) {',
        replace: '    if (format < INDEX_FORMAT) {',
        test: 'contract/golden-data.test.js',
        pattern: 'a newer format is refused',
      },
    ],
  },
  {
    id: 'P-35',
    promise:
      'After kill -9 a store of a million objects serves again within two seconds; nothing at the start is done object by object.',
    command: 'make crash',
    mutations: [
      {
        name: 'a start looks at every file',
        file: 'src/blobs/plain-blobs.ts',
        find: 'await disk.mkdir(marksPath, { recursive: true, mode: 0o700 });',
        replace:
          "await disk.mkdir(marksPath, { recursive: true, mode: 0o700 });\n  await (await import('node:fs/promises')).readdir(basePath, { recursive: true });",
        test: 'crash/recovery.test.js',
        pattern: 'no more directories',
      },
      {
        name: 'a start reads every record',
        file: 'src/store/open-store.ts',
        find: '  if (options.hasIndexWriter !== true) return environment;',
        replace:
          "  for (const table of ['objects', 'inline'] as const) environment.range(table, { start: Buffer.of(0), end: Buffer.of(0xff), countMax: 1e9 });\n  if (options.hasIndexWriter !== true) return environment;",
        test: 'crash/recovery.test.js',
        pattern: 'serves soon',
      },
    ],
  },
  {
    id: 'R1',
    promise:
      'Whatever is done in whatever order, over restarts, crashes and faults of the disk, shows what a model in maps shows; what was not acknowledged is there as a whole or not at all.',
    command: 'make model',
    mutations: [
      {
        name: 'the blob of a commit that may have happened is removed',
        file: 'src/store/staged-payload.ts',
        find: '    this.#isUncertain = true;',
        replace: '',
        test: 'model/model.test.js',
        pattern: 'the file store',
      },
      {
        name: 'a common prefix does not skip its keys',
        file: 'src/store/listing.ts',
        find: 'skipTo = afterPrefix(objectKey(what.bucketId, common));',
        replace: 'skipTo = justAfter(entry.key);',
        test: 'model/model.test.js',
        pattern: 'the memory store',
      },
      {
        name: 'a replaced payload is not handed to the sweeper',
        file: 'src/store/object-actions.ts',
        find: `    retired(txn, input.bucket, input.key, current, sequence, 0);`,
        replace: `    void retired;`,
        test: 'model/model.test.js',
        pattern: 'the file store',
      },
    ],
  },
];
