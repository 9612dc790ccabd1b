/** What every check by a Standard Schema needs: an end, and the place of an issue. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Clock } from "../otp/scheduler/clock.ts";

/** The check as a promise that settles, whatever the schema does: it rejects when so many milliseconds have passed. */
export async function inTime<T>(check: PromiseLike<T>, clock: Clock, limitMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = clock.setTimeout(() => reject(new Error(`it has not settled within ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([check, promise]);
  } finally {
    clock.clearTimeout(timer);
  }
}

/** Where an issue is: the keys on the way to it. */
export function keysOf({ path = [] }: StandardSchemaV1.Issue): PropertyKey[] {
  return path.map((step) => (typeof step === "object" ? step.key : step));
}
