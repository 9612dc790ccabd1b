/** Values that a promise cannot carry: it would take what they become for its own outcome. */

/** Whether a promise resolved with the value would, or might, settle with something else: it has a `then`, now or whenever its getter says so. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  try {
    if (typeof (value as { then?: unknown }).then === "function") return true;
    return "then" in value && hasGetter(value, "then");
  } catch {
    return true;
  }
}

/** Tells `hear` of the rejection of what a callback has returned, should that be a promise: nobody else would hear it. Never throws. */
export function onRejection(answer: unknown, hear: (error: unknown) => void): void {
  if (isThenable(answer)) Promise.resolve(answer).then(undefined, hear);
}

/** Whether what an object has under a key, by itself or by inheritance, is what a getter says each time. */
function hasGetter(value: object, key: string): boolean {
  for (let holder: object | null = value; holder !== null; holder = Object.getPrototypeOf(holder)) {
    const held = Object.getOwnPropertyDescriptor(holder, key);
    if (held !== undefined) return held.get !== undefined;
  }
  return false;
}
