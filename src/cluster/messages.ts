/**
 * What the primary and its children say to each other.
 *
 * Both ends are the same program, started together, so a message needs a name and no version.
 *
 * @module
 */

import type { Config } from '../config/settings.js';
import type { MetricsSnapshot } from '../observe/metrics.js';
import type { ReadReport } from '../store/read-holds.js';

/**
 * A `server` answers requests, `jobs` works behind them, a `writer` writes the index for both, `index`
 * opens the index and is done.
 */
export type Role = 'server' | 'jobs' | 'writer' | 'index';

/** Answer to a child's `hello`; it does nothing before. */
export interface StartMessage {
  readonly kind: 'start';
  readonly role: Role;
  /** Name for logs: `server-0`, `jobs`. */
  readonly processName: string;
  /** Unique for ever: names the staging marks of this life of the process. */
  readonly incarnation: string;
  /** Grows with every start of a primary on this store. */
  readonly epoch: number;
  /** With paths and the port resolved. */
  readonly config: Config;
  /** Lines of `access_key:secret_key[:account]`. By message: the environment leaks easily. */
  readonly credentialsText: string;
  /** For jobs: the server processes that live now. */
  readonly servers: readonly LivingServer[];
}

/** A server process as the jobs process must know it. */
export interface LivingServer {
  readonly incarnation: string;
  /** What it may still read; undefined until it has reported. */
  readonly report: ReadReport | undefined;
}

export type ToChild =
  | StartMessage
  /** Finish what is in flight and exit. */
  | { readonly kind: 'drain' }
  /** Use these credentials from now on. */
  | { readonly kind: 'credentials'; readonly credentialsText: string }
  | { readonly kind: 'metrics-request'; readonly requestId: number }
  /** To jobs: this server process is about to start; it may stage and read. */
  | { readonly kind: 'incarnation-alive'; readonly incarnation: string }
  /** To jobs: nobody will finish what this incarnation staged. */
  | { readonly kind: 'incarnation-dead'; readonly incarnation: string }
  /** To jobs: what a server process may still read. */
  | {
      readonly kind: 'read-report';
      readonly incarnation: string;
      readonly report: ReadReport;
    };

export type FromChild =
  /**
   * The child listens. Nothing is sent to it earlier: a library that is loaded first and listens
   * to the channel for itself would let our messages go by unseen.
   */
  | { readonly kind: 'hello' }
  /** A server accepts requests; jobs are running. */
  | { readonly kind: 'ready' }
  /** The answer of `index`: the new generation is this. */
  | { readonly kind: 'generation'; readonly epoch: number }
  /** Sent every second: the event loop turns. */
  | { readonly kind: 'heartbeat' }
  /** A disk failed: it writes nothing there any more, and ends by itself when the disk works. */
  | { readonly kind: 'fenced' }
  /** Sent before exiting: why the start was not possible. */
  | { readonly kind: 'failed'; readonly message: string }
  | {
      readonly kind: 'metrics';
      readonly requestId: number;
      readonly snapshot: MetricsSnapshot;
    }
  | { readonly kind: 'read-report'; readonly report: ReadReport }
  /** Of jobs: how many objects the scrubber knows to be damaged. */
  | { readonly kind: 'damage-report'; readonly damagedCount: number };

/** Whether something that came over the channel is one of ours (libraries send theirs too). */
export function isMessage(value: unknown): value is { readonly kind: string } {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
