/** Many that wait for one AbortSignal at the price of one listener: a signal looks through all its listeners whenever one is added. */

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `tell` when the signal is aborted; not for one that is aborted already. `tell` must not throw.
 * @returns forgets it
 */
export function onAbort(signal: AbortSignal, tell: () => void): () => void {
  let told = waiting.get(signal);
  if (told === undefined) {
    told = listen(signal);
    waiting.set(signal, told);
  }
  told.add(tell);
  const all = told;
  return () => {
    all.delete(tell);
  };
}

function listen(signal: AbortSignal): Set<() => void> {
  const told = new Set<() => void>();
  const tellAll = (): void => {
    waiting.delete(signal);
    for (const tell of [...told]) tell();
  };
  signal.addEventListener("abort", tellAll, { once: true });
  return told;
}
