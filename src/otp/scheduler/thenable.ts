/** Values that a promise cannot carry: it would take what they become for its own outcome. */

/** Whether a promise resolved with the value would settle with something else: it has a `then`, or throws when it is asked for one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  try {
    return typeof (value as { then?: unknown }).then === "function";
  } catch {
    return true;
  }
}
