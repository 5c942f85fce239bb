/**
 * The primary: checks everything that can go wrong before serving, then keeps the children alive.
 *
 * Order matters. The lock comes before anything is written, the address before a key pair is made
 * and shown, the epoch last before the children: it fences off any that a killed primary left.
 *
 * @module
 */

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

import type { Config } from '../config/settings.js';
import { openLog, type Log } from '../observe/log.js';
import { clusterMetrics, renderMetrics } from '../observe/metrics.js';
import { startAdmin } from '../server/admin.js';
import { newIncarnation } from '../util/ids.js';
import { formatAddress, parseAddress, type Address } from '../util/address.js';
import { firstStartBanner } from './banner.js';
import { isReadableByOthers, prepareCredentials, readCredentials } from './credentials.js';
import { dataPaths, prepareDataPaths, type DataPaths } from './data-paths.js';
import { beginGeneration } from './generation.js';
import { listenError, probeAddress } from './listen-address.js';
import { hasIndexWriter } from './open-configured-store.js';
import { lockMetadata } from './primary-lock.js';
import { StartError } from './start-error.js';
import { Supervisor } from './supervisor.js';

const MAIN_FILE = fileURLToPath(new URL('../main.js', import.meta.url));
/** Of a process that was told twice to stop. */
const EXIT_CODE_INTERRUPTED = 1;

/** What is known once every check has passed. */
interface Prepared {
  readonly config: Config;
  readonly address: Address;
  readonly credentialsText: string;
  readonly credentialsFile: string | undefined;
  readonly epoch: number;
}

/**
 * Serves until told to stop.
 *
 * @returns the exit code for the process.
 * @throws {StartError} when serving is not possible.
 */
export async function runPrimary(config: Config): Promise<number> {
  process.title = 's3ish: primary';
  const log = openLog({ ...config.log, processName: 'primary' });
  try {
    return await supervise(await prepare(config, log), log);
  } finally {
    await log.flush();
  }
}

async function prepare(config: Config, log: Log): Promise<Prepared> {
  const isDurable = config.storage.backend === 'file';
  const paths = dataPaths(config);
  if (isDurable) {
    await prepareDataPaths(paths);
    await lockMetadata(paths.metadataPath);
  }
  const address = await probeAddress(addressOf(config.server.listen_addr));
  // Before anything else is written: data of a later version must stay as it is.
  const resolved = resolveConfig(config, paths, address);
  const incarnation = newIncarnation(Date.now());
  const epoch = isDurable ? await beginGeneration(MAIN_FILE, { config: resolved, incarnation }) : 0;
  const { credentialsText, file, generated } = await prepareCredentials(config, paths, address);
  if (generated !== undefined) {
    process.stdout.write(firstStartBanner({ ...generated, file, address, config }));
  } else if (file !== undefined) {
    log.info({ file }, 'Credentials are read from a file');
    if (isReadableByOthers(file)) {
      log.warn({ file }, 'Other users can read the credentials file; chmod 600 would prevent it');
    }
  }
  return {
    config: resolved,
    address,
    credentialsText,
    credentialsFile: file,
    epoch,
  };
}

/** The configuration as the children shall see it: absolute paths and the real port. */
function resolveConfig(config: Config, paths: DataPaths, address: Address): Config {
  return {
    ...config,
    server: { ...config.server, listen_addr: formatAddress(address) },
    cluster: { ...config.cluster, processes: processCount(config) },
    storage: {
      ...config.storage,
      base_path: paths.basePath,
      metadata_path: paths.metadataPath,
    },
  };
}

function processCount(config: Config): number {
  // The memory backend is the memory of one process; a second one would serve another store.
  if (config.storage.backend === 'memory') return 1;
  return config.cluster.processes === 0 ? availableParallelism() : config.cluster.processes;
}

/** Runs the children and the admin endpoint until a signal or a hopeless start ends it all. */
async function supervise(prepared: Prepared, log: Log): Promise<number> {
  const { config, address, epoch, credentialsText } = prepared;
  let isStopping = false;
  let reportHopeless: (error: StartError) => void = () => undefined;
  const hopeless = new Promise<never>((_, reject) => (reportHopeless = reject));

  const supervisor = new Supervisor({
    exec: MAIN_FILE,
    serverCount: config.cluster.processes,
    hasJobs: config.storage.backend === 'file',
    hasWriter: hasIndexWriter(config),
    log,
    start: { config, epoch, credentialsText },
    onReady: () => {
      const { base_path: data, enable_fsync: isDurable } = config.storage;
      const fields = { processes: config.cluster.processes, data, isDurable };
      log.info(fields, `s3ish serves http://${formatAddress(address)}`);
    },
    onGivingUp: (reason) => reportHopeless(new StartError(`No server process starts: ${reason}`)),
  });
  const ownFigures = clusterMetrics(() => supervisor.figures());
  const adminAddress = addressOf(config.admin.listen_addr);
  const admin = await startAdmin({
    address: adminAddress,
    state: () => ({
      ...supervisor.figures(),
      ...{ damagedCount: supervisor.damagedCount, isStopping },
    }),
    metrics: async () =>
      renderMetrics([await ownFigures.snapshot(), ...(await supervisor.snapshots())]),
    onFault: (fault) => log.error({ err: fault }, 'The admin endpoint failed to answer'),
  }).catch((error: unknown) => {
    throw listenError(adminAddress, error);
  });

  process.on('SIGHUP', () => reload(prepared, supervisor, log));
  const stopped = stopSignal((signal) => {
    isStopping = true;
    log.info({ signal }, 'Finishing requests in flight; another signal stops at once');
    return supervisor.stop(config.server.drain_timeout_secs * 1000);
  });
  supervisor.start();
  try {
    return await Promise.race([stopped, hopeless]);
  } finally {
    supervisor.kill();
    admin.close();
    admin.closeAllConnections();
    log.info({}, 's3ish has stopped');
  }
}

/** Settles when the first signal's `stop` is done, or at a second signal. */
function stopSignal(stop: (signal: string) => Promise<void>): Promise<number> {
  return new Promise((resolve, reject) => {
    let isStopping = false;
    const receive = (signal: NodeJS.Signals): void => {
      if (isStopping) resolve(EXIT_CODE_INTERRUPTED);
      else stop(signal).then(() => resolve(0), reject);
      isStopping = true;
    };
    process.on('SIGTERM', receive);
    process.on('SIGINT', receive);
  });
}

/** Takes over a changed credentials file; a file that cannot be used changes nothing. */
function reload({ credentialsFile, address }: Prepared, supervisor: Supervisor, log: Log): void {
  if (credentialsFile === undefined) return;
  try {
    supervisor.useCredentials(readCredentials(credentialsFile, address));
    log.info({ file: credentialsFile }, 'Credentials were read again');
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    log.error({ reason: error.message }, 'Credentials were not read again; the old ones stay');
  }
}

/** Settings were checked to be addresses when they were read. */
function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new StartError(`${text} is not an address`);
  return address;
}
