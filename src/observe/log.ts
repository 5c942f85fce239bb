/**
 * The log of a process: JSON lines or readable text on standard output.
 *
 * Nothing secret is ever handed to it: no headers, no query, no body. Several processes share one
 * descriptor, so writes stay below PIPE_BUF, where the kernel keeps them whole.
 *
 * @module
 */

import { pino, stdSerializers, stdTimeFunctions, type Logger } from 'pino';
import { build as prettyStream } from 'pino-pretty';

/** What the rest of the server writes to. */
export interface Log {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
  /** Writes out what is buffered, as far as somebody takes it; for the last words of a process. */
  flush(): Promise<void>;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'auto' | 'json' | 'pretty';
  /** Which process speaks: `primary`, `server-0`, `jobs`. */
  readonly processName: string;
}

const STDOUT = 1;
/** Linux PIPE_BUF: writes up to this length are not interleaved with those of other processes. */
const WRITE_BYTES_MAX = 4096;
/** Lines wait this long at most to be written together. */
const FLUSH_INTERVAL_MS = 100;
/** How long the last words wait for a reader. */
const LAST_WORDS_MS_MAX = 1000;
/** A reader of the log that stalls costs lines beyond this, never memory without bound. */
const BUFFER_BYTES_MAX = 4 * 1024 * 1024;

/** Opens the log. Errors and worse are written at once, other lines within 100 ms. */
export function openLog({ level, format, processName }: LogOptions): Log {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
  return isPretty ? prettyLog(level, processName) : jsonLog(level, processName);
}

function baseOptions(level: LogLevel, processName: string) {
  return {
    level,
    base: { process: processName, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    serializers: { err: stdSerializers.err },
    formatters: { level: (label: string) => ({ level: label }) },
  };
}

function jsonLog(level: LogLevel, processName: string): Log {
  const destination = pino.destination({
    dest: STDOUT,
    sync: false,
    minLength: WRITE_BYTES_MAX / 2,
    maxWrite: WRITE_BYTES_MAX,
    maxLength: BUFFER_BYTES_MAX,
    periodicFlush: FLUSH_INTERVAL_MS,
  });
  const logger = pino(baseOptions(level, processName), destination);
  let lostCount = 0;
  destination.on('drop', () => (lostCount += 1));
  destination.on('drain', () => {
    if (lostCount === 0) return;
    const count = lostCount;
    lostCount = 0;
    logger.warn({ count }, 'Log lines were lost: the reader of the log was too slow');
  });
  // With a reader that is gone the synchronous flush repeats its write for ever; the other one
  // notices, and nothing is written any more. Only what ends the process at once cannot wait.
  return {
    ...linesOf(logger),
    error: (fields, message) => {
      logger.error(fields, message);
      destination.flush();
    },
    fatal: (fields, message) => {
      logger.fatal(fields, message);
      destination.flushSync();
    },
    flush: () =>
      new Promise((resolve) => {
        setTimeout(resolve, LAST_WORDS_MS_MAX);
        destination.flush(() => {
          resolve();
        });
      }),
  };
}

function prettyLog(level: LogLevel, processName: string): Log {
  const stream = prettyStream({
    destination: STDOUT,
    sync: true,
    colorize: process.stdout.isTTY,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,process',
    messageFormat: '[{process}] {msg}',
  });
  const { formatters: _levelAsNumber, ...options } = baseOptions(level, processName);
  return { ...linesOf(pino(options, stream)), flush: () => Promise.resolve() };
}

function linesOf(logger: Logger): Omit<Log, 'flush'> {
  return {
    trace: logger.trace.bind(logger),
    debug: logger.debug.bind(logger),
    info: logger.info.bind(logger),
    warn: logger.warn.bind(logger),
    error: logger.error.bind(logger),
    fatal: logger.fatal.bind(logger),
  };
}
