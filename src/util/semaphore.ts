/**
 * A counting semaphore whose queue and waiting time are bounded.
 *
 * @module
 */

export class Semaphore {
  readonly #waitMsMax: number;
  readonly #waitersCountMax: number;
  #freeCount: number;
  readonly #waiters = new Set<() => void>();

  constructor(
    count: number,
    options: { readonly waitMsMax: number; readonly waitersCountMax: number },
  ) {
    this.#freeCount = count;
    this.#waitMsMax = options.waitMsMax;
    this.#waitersCountMax = options.waitersCountMax;
  }

  /** Whether {@link acquire} would refuse at once. */
  get isFull(): boolean {
    return this.#freeCount === 0 && this.#waiters.size >= this.#waitersCountMax;
  }

  /** @returns false when no place became free in time. Each true needs one {@link release}. */
  acquire(): boolean | Promise<boolean> {
    if (this.#freeCount > 0) {
      this.#freeCount -= 1;
      return true;
    }
    if (this.isFull) return false;
    return new Promise((resolve) => {
      const admit = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(admit);
        resolve(false);
      }, this.#waitMsMax);
      this.#waiters.add(admit);
    });
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
}
