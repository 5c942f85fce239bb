/**
 * The part a child process plays, between its start and its end.
 *
 * @module
 */

import type { Log } from '../observe/log.js';
import type { MetricsSource } from '../observe/metrics.js';
import type { FromChild, StartMessage, ToChild } from './messages.js';

/** What a child does between start and end. */
export interface Part {
  readonly metrics: MetricsSource;
  /** Messages besides those that every child understands. */
  receive(message: ToChild): void;
  /** Finishes what is in flight and closes everything. */
  drain(): Promise<void>;
}

export interface PartContext {
  readonly start: StartMessage;
  readonly log: Log;
  readonly tellPrimary: (message: FromChild) => void;
  /** Ends the process after a bug, once requests in flight are answered; another is started. */
  readonly retire: (reason: string) => void;
}
