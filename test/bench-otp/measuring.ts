/** What the subjects of this runtime measure with. */

/** How many a second. */
export async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  return (count * 1_000) / (await elapsedMs(work));
}

/** Milliseconds until `work` has settled. */
export async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

/** Bytes of the heap that are in use after a collection. Needs `--expose-gc`. */
export async function heapBytes(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error("the heap is measured under --expose-gc only");
  // What was done last may still hold its garbage until the event loop has turned.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}

/** Counts starts of children, and tells when as many have started as were waited for. */
export class StartCounter<Ref> {
  /** The newest ref of every child, by its index. */
  readonly refs: Ref[] = [];
  #left = 0;
  #settle: (() => void) | undefined;

  /** A child has started. */
  started(index: number, ref: Ref): void {
    this.refs[index] = ref;
    this.#left -= 1;
    if (this.#left === 0) this.#settle?.();
  }

  /** Settles when `count` more children have started. */
  expect(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#left = count;
      this.#settle = resolve;
    });
  }
}

/** Crashes children in waves, one for every child at most; a wave is over when every replacement runs. */
export async function crashInWaves<Ref>(
  counter: StartCounter<Ref>,
  children: number,
  crashes: number,
  crash: (ref: Ref, index: number) => void,
): Promise<void> {
  for (let left = crashes; left > 0; left -= children) {
    const size = Math.min(children, left);
    const restarted = counter.expect(size);
    for (const [index, ref] of counter.refs.slice(0, size).entries()) crash(ref, index);
    await restarted;
  }
}
