/**
 * How many answers may hold payload in memory at the same time, in one process.
 *
 * A stream needs a place while it has blocks of its object in memory. One whose client does not
 * read keeps its place only until another stream wants it: then it gives its blocks up and reads
 * them again when the client goes on. So memory is bounded by the places and not by the clients,
 * and a client that never reads holds nobody up.
 *
 * Invariant: places in use are held by streams that make progress, or by members of `#blocked`.
 *
 * @module
 */

/** A stream that waits for its client. */
export interface BlockedStream {
  /** Lets go of what is in memory; the place is already somebody else's. */
  giveUpPlace(): void;
}

/** See the module comment. */
export class StreamPlaces {
  #freeCount: number;
  /** Blocked longest first. */
  readonly #blocked = new Set<BlockedStream>();
  /** Waiting longest first. */
  readonly #waiters = new Set<() => void>();

  constructor(count: number) {
    this.#freeCount = count;
  }

  /** True when a stream waits for a place: whoever had one for long should pass it on. */
  get isWanted(): boolean {
    return this.#waiters.size > 0;
  }

  /** Takes a place, after a wait if need be. Each needs one `release` or `giveUpPlace`. */
  acquire(): true | Promise<void> {
    if (this.#freeCount > 0) {
      this.#freeCount -= 1;
      return true;
    }
    const [blocked] = this.#blocked;
    if (blocked !== undefined) {
      this.#blocked.delete(blocked);
      blocked.giveUpPlace();
      return true;
    }
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  release(): void {
    const [next] = this.#waiters;
    if (next === undefined) {
      this.#freeCount += 1;
      return;
    }
    this.#waiters.delete(next);
    next();
  }

  /** The holder of a place waits for its client from now on. */
  block(stream: BlockedStream): void {
    if (this.isWanted) {
      stream.giveUpPlace();
      this.release();
    } else {
      this.#blocked.add(stream);
    }
  }

  /** The client goes on; nothing happens when the place was given up meanwhile. */
  unblock(stream: BlockedStream): void {
    this.#blocked.delete(stream);
  }
}
