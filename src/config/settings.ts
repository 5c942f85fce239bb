/**
 * Every setting of s3ish, in one table.
 *
 * The table drives the checks, the defaults, `docs/CONFIGURATION.md` and the test that the shipped
 * `s3ish.toml` documents all of it. A setting is listed when it has an effect, not earlier: a name
 * that is accepted and ignored would promise something.
 *
 * Later parts of the server bring their own sections, such as `[erasure]`.
 *
 * @module
 */

import { DECLARED_NAMES_COUNT_MAX, isHostName, parseEndpoint } from '../util/endpoint.js';
import { parseNetwork } from '../util/network.js';
import { address, choice, flag, integer, list, path, text, type Setting } from './setting.js';

const DAY_SECS = 86_400;
const TRUSTED_PROXIES_COUNT_MAX = 256;

/** Sections in the order of the shipped file; keys in the order an operator meets them. */
export const SETTINGS = {
  server: {
    listen_addr: address(
      '127.0.0.1:9000',
      'Address of the S3 endpoint. Plain HTTP: put a TLS proxy in front of anything but loopback. Port 0 takes a free one.',
    ),
    transport: choice(
      'auto',
      ['auto', 'uws', 'node'],
      'HTTP implementation: "uws" is uWebSockets.js, "node" is node:http, "auto" is the first where its binary loads and the second elsewhere.',
    ),
    region: text(
      'us-east-1',
      { pattern: /^[a-z0-9-]{1,64}$/, expected: 'lower-case letters, digits and hyphens' },
      'Region that clients must sign for.',
    ),
    domains: list(
      {
        accepts: isHostName,
        expected: 'a lower-case host name such as "s3.example.com"',
        countMax: DECLARED_NAMES_COUNT_MAX,
      },
      'Domains below which a host name is a bucket: with "s3.example.com", bucket.s3.example.com/key. Path style works at the same time.',
    ),
    endpoints: list(
      {
        accepts: (url) => parseEndpoint(url) !== undefined,
        expected: 'a URL such as "https://files.example.com/storage/"',
        countMax: DECLARED_NAMES_COUNT_MAX,
      },
      'URLs under which clients reach the server through proxies that change the Host header or the path. Signatures made for any of them are accepted; a path that begins with the prefix of one is served without it.',
    ),
    trusted_proxies: list(
      {
        accepts: (network) => parseNetwork(network) !== undefined,
        expected: 'an IP address or a network such as "10.0.0.0/8"',
        countMax: TRUSTED_PROXIES_COUNT_MAX,
      },
      'Proxies whose X-Forwarded-For, -Host and -Proto, or Forwarded, are believed. From everybody else these headers are ignored.',
    ),
    read_timeout_secs: integer(
      60,
      [1, DAY_SECS],
      'A request body that delivers nothing for this long is given up with RequestTimeout.',
    ),
    min_upload_rate: integer(
      0,
      [0, 1_048_576],
      'Bytes a second that a request body must bring while it is waited for, on average over read_timeout_secs; a slower one is given up with RequestTimeout. 0 waits for any.',
    ),
    write_timeout_secs: integer(
      60,
      [1, DAY_SECS],
      'A client that accepts nothing of its answer for this long is disconnected.',
    ),
    idle_timeout_secs: integer(
      60,
      [1, DAY_SECS],
      'A kept connection without a request is closed after this long. uWebSockets.js closes it after about 10 seconds in any case.',
    ),
    max_connections: integer(
      20_000,
      [1, 1_000_000],
      'Connections of the whole server. More are closed at once. Each server process has an equal share, and never more than its limit of open files leaves room for.',
    ),
    max_requests: integer(
      16_384,
      [1, 1_000_000],
      'Requests of the whole server in progress at the same time, whatever they do. More get SlowDown before their signature is looked at. Each server process has an equal share.',
    ),
    max_turn_ms: integer(
      500,
      [0, 60_000],
      'Milliseconds of work that a server process may have ahead of a request; one that comes when it has more is answered with SlowDown at once. 0 refuses none of them.',
    ),
    drain_timeout_secs: integer(
      30,
      [0, 3600],
      'How long requests in flight may go on after SIGTERM or SIGINT.',
    ),
  },
  cluster: {
    processes: integer(
      0,
      [0, 1024],
      'Number of server processes; 0 means one per core. The memory backend always has one.',
    ),
    index_writer: choice(
      'auto',
      ['auto', 'process', 'each'],
      'Who writes the index: "each" server process by itself, or one "process" for all of them, which costs each write the way there and shares flushes among all. "auto" has one from 4 server processes on.',
    ),
  },
  workers: {
    threads: integer(
      1,
      [1, 64],
      'Threads of each server process for work beside its event loop, started when first needed.',
    ),
    body_digests: choice(
      'auto',
      ['auto', 'pool', 'inline'],
      'Where the MD5 of a large body is computed: in a thread if one is free ("pool"), or where the body is received ("inline"). "auto" is "pool" on hosts with 4 cores or more; with fewer a thread only takes time from the rest.',
    ),
    digest_min_mb: integer(8, [1, 5120], 'Size from which a body is large in that sense.'),
  },
  auth: {
    credentials_file: path(
      '',
      { canBeEmpty: true },
      'File of access_key:secret_key[:account] lines, read again on SIGHUP. Without one, the first start generates a root key pair and keeps it beside the metadata.',
    ),
    signature_v2: flag(
      false,
      'Accept Signature Version 2 in the Authorization header too, for clients that know no other. It covers neither payloads nor list parameters and uses SHA-1: only for trusted networks.',
    ),
  },
  storage: {
    backend: choice(
      'file',
      ['file', 'memory'],
      'Where objects live: "file" is durable, "memory" forgets everything when it stops.',
    ),
    base_path: path(
      './s3ish-data',
      { canBeEmpty: false },
      'Directory of the object data, created when absent. A relative path starts at the working directory.',
    ),
    metadata_path: path(
      '',
      { canBeEmpty: true },
      'Directory of the metadata; "" means .s3ish/metadata inside base_path.',
    ),
    enable_fsync: flag(
      true,
      'Answer a write only once it would survive a power loss. false is unsafe: a crash of the machine can lose acknowledged writes.',
    ),
    inline_max_kb: integer(
      32,
      [0, 64],
      'Objects up to this many KiB are kept inside the metadata instead of a file of their own.',
    ),
    max_concurrent_uploads: integer(
      2048,
      [1, 1_000_000],
      'Requests of the whole server that bring payload at the same time. More wait a moment, then get SlowDown. Each server process has an equal share.',
    ),
    max_concurrent_downloads: integer(
      8192,
      [1, 1_000_000],
      'Requests of the whole server that fetch payload at the same time. More wait a moment, then get SlowDown. Each server process has an equal share.',
    ),
    sweep_interval_secs: integer(
      60,
      [1, DAY_SECS],
      'Pause between two sweeps of the payloads that overwritten, deleted and unfinished writes left behind.',
    ),
    scrub_interval_hours: integer(
      168,
      [0, 8760],
      'Time in which everything stored is read and verified once, in the background; 0 turns it off.',
    ),
    scrub_mib_per_sec: integer(
      64,
      [0, 100_000],
      'Most that the scrubber reads in a second, in MiB; it also stays below a fifth of a core. 0 turns it off.',
    ),
  },
  cache: {
    metadata_cache_size_mb: integer(
      32,
      [0, 65_536],
      'MiB of memory of each process, about, for decoded records, such as the lists of parts of large objects. They are compared with the index at every use and cannot be stale. 0 keeps none.',
    ),
    metadata_cache_ttl_secs: integer(
      300,
      [1, DAY_SECS],
      'How long a decoded record is kept at most.',
    ),
  },
  limits: {
    max_object_size_gb: integer(
      5120,
      [1, 1_048_576],
      'Largest object in GiB. A single PUT and a part stay at 5 GiB, as on S3.',
    ),
    max_multipart_parts: integer(10_000, [1, 10_000], 'Highest part number of a multipart upload.'),
    min_part_size_mb: integer(5, [0, 5120], 'Smallest size in MiB of a part that is not the last.'),
  },
  log: {
    level: choice(
      'info',
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'Least severe level that is written.',
    ),
    format: choice(
      'auto',
      ['auto', 'json', 'pretty'],
      'One JSON object per line, or coloured text; "auto" is text on a terminal and JSON elsewhere.',
    ),
    access_log: flag(
      true,
      'One line per request, at level info. Those that are refused with SlowDown unread are counted, in one line a second.',
    ),
  },
  metrics: {
    enabled: flag(
      true,
      'Count and time requests for /_metrics. Without it only the figures of the primary are shown.',
    ),
  },
  admin: {
    listen_addr: address(
      '127.0.0.1:9001',
      'Address of /_health, /_ready and /_metrics. They need no credentials: keep it private.',
    ),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Setting<unknown>>>>>;

type SettingsTable = typeof SETTINGS;

/** Every setting with its value, under the names of the file. */
export type Config = {
  readonly [Section in keyof SettingsTable]: {
    readonly [Key in keyof SettingsTable[Section]]: SettingsTable[Section][Key] extends Setting<
      infer Value
    >
      ? Value
      : never;
  };
};

/** The table for loops that do not care about the types of values. */
export const SECTIONS: Readonly<Record<string, Readonly<Record<string, Setting<unknown>>>>> =
  SETTINGS;
