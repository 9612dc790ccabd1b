/** Promises and what acts like one: such a value stands for another, and is awaited or refused where a value is meant. */

/** Whether `await` would wait for the value. @throws what the value itself throws when it is asked */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  return typeof (value as { then?: unknown }).then === "function";
}
