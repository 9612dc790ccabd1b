/** The wait for a worker that serves. */

/** A promise of "ready" that begins anew whenever the worker that kept it is gone. */
export class Readiness {
  readonly #onChange: ((ready: boolean) => void) | undefined;
  #ready = Promise.withResolvers<void>();
  #settled = false;

  /** @param onChange told when a worker serves, and when who waits from now on waits for the next one */
  constructor(onChange?: (ready: boolean) => void) {
    this.#onChange = onChange;
    this.#ignoreUnheard();
  }

  /** Settles when a worker serves; rejects when the agent stops first. */
  get promise(): Promise<void> {
    return this.#ready.promise;
  }

  /** Who waits from now on waits for the next worker; a wait that is under way goes on. */
  renew(): void {
    if (this.#settled) {
      this.#settled = false;
      this.#ready = Promise.withResolvers<void>();
      this.#ignoreUnheard();
    }
    // Also where it was renewed before: a restart does so while the worker still serves.
    this.#onChange?.(false);
  }

  /** A worker serves. */
  resolve(): void {
    this.#settled = true;
    this.#ready.resolve();
    this.#onChange?.(true);
  }

  /** None will serve. */
  reject(error: Error): void {
    this.#settled = true;
    this.#ready.reject(error);
  }

  /** An agent that stops before it was ready is no unhandled rejection when nobody waits. */
  #ignoreUnheard(): void {
    this.#ready.promise.catch(() => undefined);
  }
}
